"""QUIC in captures of other projects, against what tshark saw of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ocsp_pcap.capture import open_capture
from ocsp_pcap.decode import Decoder, TransportColumns
from ocsp_pcap.quic.connection import QuicConnection
from ocsp_pcap.quic.versions import looks_like_quic
from ocsp_pcap.tls.events import Certificate, ClientHello, TlsEvent
from ocsp_pcap.tls.keys import KeyLog
from tests.conftest import CORPUS, CORPUS_TABLE

pytestmark = pytest.mark.corpus

OUTSIDE = {
    # TLS inside OpenVPN's control channel and inside RDP-UDP, outside the mission.
    "nDPI/openvpn.pcap",
    "nDPI/openvpn_nohmac.pcapng",
    "nDPI/rdp2.pcap",
}
MORE_THAN_TSHARK = {
    # After Version Negotiation the client begins anew with the same connection ID and another random:
    # tshark 4.0 takes the CRYPTO bytes for a retransmission.
    "nDPI/quic-28.pcap": [1, 3],
    # The same, and again after Retry; tshark 4.0 keeps the reserved version of the first packet for the
    # connection and opens none.
    "nDPI/quic-forcing-vn-with-data.pcapng": [1, 3, 5],
}


def truth() -> dict[str, dict[str, Any]]:
    if not CORPUS_TABLE.is_file():
        return {}
    with CORPUS_TABLE.open() as lines:
        return {capture["file"]: capture for capture in map(json.loads, lines)}


TRUTH = truth()
QUIC_CAPTURES = [
    name
    for name, capture in TRUTH.items()
    if "quic" in name.lower()
    or any(one["transport"] == "udp" for one in capture["client_hellos"] + capture["certificates"])
]


def datagrams(columns: TransportColumns) -> Iterator[tuple[tuple[object, ...], int, bytes]]:
    for row in range(len(columns)):
        source = (columns.source_high[row], columns.source_low[row], columns.source_port[row])
        destination = (
            columns.destination_high[row],
            columns.destination_low[row],
            columns.destination_port[row],
        )
        if columns.payload_length[row]:
            yield (
                (min(source, destination), max(source, destination)),
                int(columns.frame[row]),
                columns.payload(row),
            )


def events_of(name: str) -> list[TlsEvent]:
    """The events of all flows; nothing is told of who sent what."""
    flows: dict[tuple[object, ...], QuicConnection] = {}
    events: list[TlsEvent] = []
    keys = KeyLog()
    with open_capture(CORPUS / name) as reader:
        decoder = Decoder()
        known = 0
        for batch in reader:
            for text in reader.secrets[known:]:
                keys.add(text, name)
            known = len(reader.secrets)
            for key, frame, payload in datagrams(decoder.decode(batch).udp):
                if key not in flows:
                    if looks_like_quic(payload):
                        flows[key] = QuicConnection(keys)
                    else:
                        continue
                if flows[key].wants(None):
                    events += flows[key].receive(None, payload, frame, 0)
    for connection in flows.values():
        events += connection.close()
    return events


@pytest.mark.parametrize("name", [name for name in QUIC_CAPTURES if name not in OUTSIDE])
def test_every_hello_and_certificate_that_tshark_saw_is_read(name: str) -> None:
    events = events_of(name)
    hellos = [(event.frame, event.server_name) for event in events if isinstance(event, ClientHello)]
    certificates = {
        hashlib.sha256(certificate).hexdigest()
        for event in events
        if isinstance(event, Certificate)
        for certificate in event.certificates
    }
    seen = TRUTH[name]
    expected = [(one["frame"], one["sni"]) for one in seen["client_hellos"] if one["transport"] == "udp"]
    if name in MORE_THAN_TSHARK:
        assert [frame for frame, _ in hellos] == MORE_THAN_TSHARK[name]
    else:
        assert sorted(hellos, key=str) == sorted(expected, key=str)
    assert certificates == {one["sha256"] for one in seen["certificates"] if one["transport"] == "udp"}

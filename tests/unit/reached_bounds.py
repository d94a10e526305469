"""Bounds of reading, each with something that reaches it where it is 1, and not where it is as it comes."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
from asn1crypto import core, ocsp, x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from ocsp_pcap.decode.decoder import Decoder
from ocsp_pcap.dns.message import parse_message
from ocsp_pcap.http.connection import HttpConversation
from ocsp_pcap.http.intermediaries import relayed_for
from ocsp_pcap.observe.tcp import TcpObserver
from ocsp_pcap.ocsp import interest
from ocsp_pcap.ocsp.cache import ResponseCache
from ocsp_pcap.ocsp.exchange import ExchangeReader
from ocsp_pcap.ocsp.request import parse_request, request_from_path
from ocsp_pcap.ocsp.response import parse_response
from ocsp_pcap.ocsp.signature import verify
from ocsp_pcap.pki.store import CertificateStore
from ocsp_pcap.quic.connection import QuicConnection
from ocsp_pcap.quic.packets import split_datagram
from ocsp_pcap.spoken.handshakes import HandshakeTracker
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.reassembly import Reassembler
from ocsp_pcap.tls.connection import TlsConnection
from ocsp_pcap.tls.events import Alert
from ocsp_pcap.tls.handshake import HandshakeParser
from ocsp_pcap.tls.keys import CLIENT_RANDOM, KeyLog
from ocsp_pcap.tls.rsa import decrypt_premaster
from tests.unit.decode.packets import ether, ipv4
from tests.unit.decode.test_link import walk
from tests.unit.decode.wire import batch_of
from tests.unit.http.wire import CLIENT, DER, SERVER, answer, get, play, post
from tests.unit.observe.test_responders import messages
from tests.unit.observe.test_tcp import BEGINNING, columns
from tests.unit.observe.wire import converse
from tests.unit.ocsp.messages import response_der
from tests.unit.pki.authority import Authority, der
from tests.unit.quic.peers import exchange, protected_initial
from tests.unit.tls.wire import Options, Recording, certificate_message, events, message, record, tls_record

LONG_HEADER = b"\xe0\x00\x00\x00\x01\x00\x00"
"""A Handshake packet of QUIC version 1 (RFC 9000 17.2.4) without connection IDs, up to its length."""
AUTHORITY = Authority()
LEAF = AUTHORITY.issue()
OTHER_KEYS = b"".join(b"CLIENT_RANDOM %064x %096x\n" % (number, number) for number in range(3))
"""The secrets of three sessions."""


@cache
def recorded(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2, ciphers: str | None = None) -> Recording:
    return record(Options(version=version, ciphers=ciphers))[0]


def a_list_of_many_hosts() -> None:
    relayed_for([("x-forwarded-for", "unknown, unknown, unknown")])


def a_forwarded_of_many() -> None:
    relayed_for([("forwarded", "for=unknown, for=unknown, for=unknown")])


def packets_in_one_datagram() -> None:
    list(split_datagram((LONG_HEADER + b"\x14" + bytes(20)) * 3))


def packets_without_their_keys() -> None:
    connection = QuicConnection()
    for frame in range(1, 4):
        connection.receive(True, LONG_HEADER + b"\x14" + bytes(20), frame, 0)


def packets_that_nothing_opens() -> None:
    packet = bytearray(protected_initial(b"12345678", bytes(1200)))
    packet[-1] ^= 1
    QuicConnection().receive(True, bytes(packet), 1, 0)


def connections_of_one_port() -> None:
    connection = QuicConnection()
    for number in range(2):
        hello = b"\x06\x00\x40\x04\x01\x00\x00\x64" + bytes(1190)
        connection.receive(True, protected_initial(b"1234567%d" % number, hello), number + 1, 0)


def sessions_for_a_server_alone() -> None:
    real = exchange(names=200)
    keys = KeyLog.parse((exchange(names=3).key_log + real.key_log).encode(), "both")
    connection = QuicConnection(keys)
    for frame, (from_client, data) in enumerate(real.datagrams, 1):
        if not from_client:
            connection.receive(False, data, frame, frame)
    connection.close()


def sessions_for_a_connection_without_its_beginning() -> None:
    served = [(False, data) for from_client, data in recorded().flights if not from_client]
    events(TlsConnection(KeyLog.parse(OTHER_KEYS, "keys")), served)


def secrets_of_one_session() -> None:
    lines = b"".join(b"CLIENT_RANDOM %064x %096x\n" % (7, secret) for secret in range(2))
    KeyLog.parse(lines, "keys").secrets(CLIENT_RANDOM, (7).to_bytes(32))


def a_handshake_that_keys_are_derived_from() -> None:
    keys = KeyLog.parse(b"RSA %016x %096x\n" % (1, 1), "keys")
    events(TlsConnection(keys), recorded(ciphers="AES128-SHA").flights)


def early_data_that_does_not_open() -> None:
    recording = recorded(ssl.TLSVersion.TLSv1_3)
    hello = bytearray(recording.flights[0][1])
    # An empty early_data extension (RFC 8446 4.2.10), and the lengths before it.
    size = int.from_bytes(hello[3:5])
    end = 5 + size
    extensions = 5 + 4 + 34
    extensions += 1 + hello[extensions]
    extensions += 2 + int.from_bytes(hello[extensions : extensions + 2])
    extensions += 1 + hello[extensions]
    for at, width, extra in ((3, 2, 4), (6, 3, 4), (extensions, 2, 4)):
        hello[at : at + width] = (int.from_bytes(hello[at : at + width]) + extra).to_bytes(width)
    hello[end:end] = b"\x00\x2a\x00\x00"
    early = [(True, tls_record(23, bytes(40)))] * 2
    steps = [(True, bytes(hello)), *early, *recording.flights[1:]]
    events(TlsConnection(KeyLog.parse(recording.keylog, "keys")), steps)


def lost_records() -> None:
    recording = record(Options(exchange=[(False, b"data")] * 50))[0]
    connection = TlsConnection(KeyLog.parse(recording.keylog, "keys"))
    events(connection, recording.flights[:-49])
    connection.gap(False, sum(len(data) for _, data in recording.flights[-49:-46]), 9, 9)
    for _, data in recording.flights[-46:]:
        connection.receive(False, data, 9, 9, segment_start=True)


def private_keys() -> None:
    keys = [generate_private_key(65537, 1024) for _ in range(3)]
    decrypt_premaster(keys, bytes(128), (0x0303,), b"")


def certificates_of_a_handshake() -> None:
    HandshakeParser(from_client=False).receive(message(11, certificate_message(b"c", b"c")), 1, 1)


def alerts_of_a_handshake() -> None:
    HandshakeTracker().receive(Alert(frame, frame, True, 2, 40) for frame in (1, 2))


def a_path_too_long() -> None:
    request_from_path("/MAAw")


def places_of_a_path() -> None:
    request_from_path("/" + "MAAw/" * 3)


def entries_of_a_request() -> None:
    request = ocsp.OCSPRequest.load(DER)
    entries = request["tbs_request"]["request_list"]
    entries.append(entries[0].copy())
    parse_request(request.dump(force=True))


def many_of_a_response() -> bytes:
    """Return a response with three single responses, of two issuers, and two certificates."""
    response = ocsp.OCSPResponse.load(response_der(AUTHORITY, LEAF))
    basic = response["response_bytes"]["response"].parsed
    singles = basic["tbs_response_data"]["responses"]
    for issuer in (bytes(20), b"\x01" * 20):
        other = singles[0].copy()
        other["cert_id"]["issuer_key_hash"] = issuer
        singles.append(other)
    basic["certs"] = [x509.Certificate.load(AUTHORITY.der), x509.Certificate.load(der(LEAF))]
    response["response_bytes"]["response"] = core.ParsableOctetString(basic.dump(force=True))
    return bytes(response.dump(force=True))


def parts_of_a_response() -> None:
    parse_response(many_of_a_response())


def what_a_response_is_verified_with() -> None:
    verify(parse_response(many_of_a_response()), [])


def bytes_of_certificates() -> None:
    CertificateStore().add(AUTHORITY.der)


def issuers_of_one_name() -> None:
    store = CertificateStore()
    for _ in range(2):
        store.add(Authority().der)
    store.issuer(store.add(der(AUTHORITY.issue(aki=False))))


def exchanges_of_a_connection() -> None:
    converse([(0, post(DER)), (1, answer(b"0\x03\x0a\x01\x03"))] * 2)


def doubtful_exchanges() -> None:
    reader = ExchangeReader(ResponseCache(CertificateStore()))
    page = answer(b"<html>", kind="text/html")
    play(reader, *[(CLIENT, get("/MCAw" + "A" * 40)), (SERVER, page)] * 2)


def a_list_to_download() -> None:
    revoked = answer(b"0\x80", kind="application/pkix-crl")
    play(HttpConversation(interest), (CLIENT, get("/a.crl")), (SERVER, revoked))


def a_body() -> None:
    play(HttpConversation(interest), (CLIENT, post(DER)))


def a_chunk_with_much_to_say() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nTransfer-Encoding: chunked\r\n\r\n"
    play(HttpConversation(interest), (CLIENT, post(DER)), (SERVER, head), (SERVER, b"1; extension"))


def a_loss_in_a_body() -> None:
    conversation = HttpConversation(interest)
    play(conversation, (CLIENT, post(DER)[:-10]))
    conversation.gap(True, 8, 2, 2)


def answers_without_questions() -> None:
    conversation = HttpConversation(interest)
    for frame in range(1, 4):
        conversation.receive(False, b"something else", frame, frame, True)


def a_greeting_without_end() -> None:
    converse([(0, b"\x05\x01\x00"), (0, b"\x05\x01\x00\x01")])


def answers_of_dns() -> None:
    parse_message(messages("a.test", [f"a.test. 60 IN A 192.0.2.{last}" for last in (1, 2)], "A", 1)[1])


def a_hole_that_is_filled_late(*ahead: int) -> None:
    side = Reassembler(0)
    side.start(0)
    for frame, sequence in enumerate(ahead, 1):
        side.segment(sequence, b"behind", 0, frame, frame)
    side.segment(0, bytes(10), 0, 9, 9)


def segments(streams: int, *sequences: int, flags: int = 0x10) -> None:
    """Give segments with the beginning of a record to each of some streams."""
    observer, row = TcpObserver(Shared()), columns(range(streams))
    for number, sequence in enumerate(sequences):
        observer.receive(
            replace(
                row,
                sequence=np.full(streams, sequence, np.uint32),
                frame=row.frame + number * streams,
                flags=np.full(streams, flags, np.uint8),
            )
        )
    observer.finish()


def fragments_of_fragments() -> None:
    from scapy.layers.inet import IP, UDP, fragment

    inner = fragment(IP(src="10.0.0.1", dst="10.0.0.2", id=1) / UDP(dport=9) / bytes(64), fragsize=40)
    packets = [bytes(IP(id=number) / part) for number, part in enumerate(inner, 2)]
    halves = [bytes(half) for packet in packets for half in fragment(IP(packet), fragsize=32)]
    Decoder().decode(batch_of(halves, 101))


def in_udp(port: int, payload: bytes) -> bytes:
    from scapy.layers.inet import IP, UDP

    return bytes(IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=port, dport=port) / payload)


def gtp_with_extensions() -> bytes:
    """Return GTP-U (3GPP TS 29.281 5.2) with two extension headers before the user's packet."""
    extension = b"\x01\x00\x00\x85"
    return in_udp(
        2152, b"\x34\xff\x00\x00" + bytes(7) + b"\x85" + extension + b"\x01\x00\x00\x00" + bytes(ipv4())
    )


def tzsp_with_fields() -> bytes:
    """Return TZSP with two fields before the one that ends them."""
    return in_udp(37008, b"\x01\x00\x00\x01" + b"\x00\x00\x01" + bytes(ether() / ipv4()))


NEXT = 1 + len(BEGINNING)
"""Where the next segment of those streams begins."""
REACHES: list[tuple[str, Callable[[], None]]] = [
    ("http_hops", a_list_of_many_hosts),
    ("http_hops", a_forwarded_of_many),
    ("quic_coalesced", packets_in_one_datagram),
    ("quic_pending", packets_without_their_keys),
    ("quic_failures", packets_that_nothing_opens),
    ("quic_datagrams", packets_that_nothing_opens),
    ("quic_attempts", connections_of_one_port),
    ("tried_sessions", sessions_for_a_server_alone),
    ("tried_sessions", sessions_for_a_connection_without_its_beginning),
    ("key_log_secrets", secrets_of_one_session),
    ("transcript", a_handshake_that_keys_are_derived_from),
    ("early_failures", early_data_that_does_not_open),
    ("missing_records", lost_records),
    ("rsa_keys", private_keys),
    ("certificates", certificates_of_a_handshake),
    ("alerts", alerts_of_a_handshake),
    ("ocsp_path", a_path_too_long),
    ("ocsp_paths", places_of_a_path),
    ("ocsp_entries", entries_of_a_request),
    ("ocsp_singles", parts_of_a_response),
    ("ocsp_certificates", parts_of_a_response),
    ("verified_embedded", what_a_response_is_verified_with),
    ("certificate_bytes", bytes_of_certificates),
    ("issuers", issuers_of_one_name),
    ("exchanges", exchanges_of_a_connection),
    ("doubtful_exchanges", doubtful_exchanges),
    ("crl_body", a_list_to_download),
    ("ocsp_body", a_body),
    ("http_line", a_chunk_with_much_to_say),
    ("http_filler", a_loss_in_a_body),
    ("http_blind", answers_without_questions),
    ("undecided_bytes", a_greeting_without_end),
    ("dns_answers", answers_of_dns),
    ("hole_bytes", lambda: a_hole_that_is_filled_late(10)),
    ("hole_segments", lambda: a_hole_that_is_filled_late(10, 20)),
    ("open_streams", lambda: segments(3, 1, NEXT)),
    ("all_compared_bytes", lambda: segments(1, 1, 1)),
    ("compared_bytes", lambda: segments(1, 1, NEXT, 1)),
    ("ambiguous_frames", lambda: segments(1, 1, NEXT, flags=0x38)),
    ("headers", lambda: walk(in_udp(2152, b"\x30\xff\x00\x00" + bytes(4) + bytes(ipv4())), 101)),
    ("tags", lambda: walk(bytes(12) + b"\x88\x47" + bytes(12) + bytes(40), 1)),
    ("tags", lambda: walk(gtp_with_extensions(), 101)),
    ("tags", lambda: walk(tzsp_with_fields(), 101)),
    ("rounds", fragments_of_fragments),
]

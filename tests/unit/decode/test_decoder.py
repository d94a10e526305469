"""Both paths together, against Wireshark over real captures."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from ocsp_pcap.capture import open_capture
from ocsp_pcap.decode import Decoder
from ocsp_pcap.streams.flows import FlowTable
from tests.conftest import CORPUS, CORPUS_TABLE
from tests.programs import needs_tshark_4_0

NUMBERED_OTHERWISE = {
    # Wireshark's SOCKS dissector spends a stream number on what a SOCKS connection carries.
    "ja4/socks-https-example.pcap",
    "nDPI/shadowsocks.pcap",
    "nDPI/socks.pcap",
    "nDPI/tls_heur__shadowsocks-tcp.pcapng",
    "nDPI/tls_heur__trojan-tcp-tls.pcapng",
    "nDPI/tls_heur__vmess-tcp-tls.pcapng",
    "nDPI/tls_heur__vmess-tcp.pcapng",
    "nDPI/tls_heur__vmess-websocket.pcapng",
    # Its VNC heuristics begin a new conversation in the middle of a connection.
    "nDPI/vnc.pcap",
}
MEASURED_OTHERWISE = {
    # The IP header announces more than the frame holds: Wireshark believes the frame, we the header
    # (in telnet.pcap the sequence numbers that follow prove it right).
    "nDPI/fuzz-2006-06-26-2594.pcap",
    "nDPI/fuzz-2006-09-29-28586.pcap",
    "nDPI/ndpi_match_string_subprotocol__error.pcapng",
    "nDPI/reasm_crash_anon.pcapng",
    "nDPI/telnet.pcap",
    "nDPI/tls_invalid_reads.pcap",
    # A data offset below five: Wireshark still computes a length, for us it is no segment.
    "nDPI/ip_fragmented_garbage.pcap",
    "nDPI/kerberos_fuzz.pcapng",
    # FabricPath without its frame check sequence: Wireshark takes the last four bytes for one.
    "nDPI/ajp.pcap",
}


def _captures() -> list[str]:
    if not CORPUS_TABLE.is_file():
        return []
    names = [str(json.loads(line)["file"]) for line in CORPUS_TABLE.read_text().splitlines()]
    special = {
        "ja4/gre-erspan-vxlan.pcap",
        "nDPI/capwap_data.pcapng",
        "nDPI/BGP_redist.pcap",
        "nDPI/instagram.pcap",
    }
    return sorted({*names[12::24], *special, *NUMBERED_OTHERWISE, *MEASURED_OTHERWISE} & set(names))


def _tshark(path: Path) -> tuple[list[tuple[int, int]], dict[int, list[int]]]:
    command = ["tshark", "-n", "-r", str(path), "-Y", "tcp", "-T", "fields"]
    for name in ("frame.number", "tcp.stream", "tcp.len"):
        command += ["-e", name]
    output = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    streams, lengths = [], {}
    for line in output.splitlines():
        frame, numbers, sizes = line.split("\t")
        streams += [(int(frame), int(number)) for number in numbers.split(",") if number]
        if sizes:
            lengths[int(frame)] = [int(size) for size in sizes.split(",")]
    return streams, lengths


def _ours(path: Path) -> tuple[list[tuple[int, int]], dict[int, list[int]]]:
    decoder, table = Decoder(), FlowTable()
    streams, lengths = [], defaultdict(list)
    with open_capture(path) as capture:
        for batch in capture:
            columns = decoder.decode(batch).tcp
            numbers = table.assign(columns).stream.tolist()
            streams += zip(columns.frame.tolist(), numbers, strict=True)
            sizes = (columns.payload_length + columns.payload_missing).tolist()
            for frame, size, apart in zip(
                columns.frame.tolist(), sizes, columns.in_error.tolist(), strict=True
            ):
                if not apart:
                    lengths[frame].append(size)
    return streams, dict(lengths)


@pytest.mark.corpus
@needs_tshark_4_0
@pytest.mark.parametrize("name", _captures())
def test_segments_and_streams_are_wiresharks(name: str) -> None:
    streams, lengths = _tshark(CORPUS / name)
    our_streams, our_lengths = _ours(CORPUS / name)
    if name in NUMBERED_OTHERWISE:
        assert [frame for frame, _ in our_streams] == [frame for frame, _ in streams]
        assert our_streams != streams
    else:
        assert our_streams == streams
    if name in MEASURED_OTHERWISE:
        assert our_lengths != lengths
    else:
        assert our_lengths == lengths

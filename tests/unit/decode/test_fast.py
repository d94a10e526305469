"""Common stacks as columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ocsp_pcap.decode import Decoder
from ocsp_pcap.decode.fast import FastResult, decode_fast, first_level
from ocsp_pcap.decode.frames import Space
from ocsp_pcap.decode.protocols import NAMES_OF_PORTS

from .packets import (
    BLUE,
    BLUE_6,
    FAST,
    IP,
    PAYLOAD,
    RED,
    RED_6,
    TUNNELS,
    UDP,
    IPv6,
    ether,
    ipv4,
    ipv6,
    segment,
)
from .wire import batch_of, rows


@pytest.mark.parametrize("stack", [*FAST, *TUNNELS])
def test_a_common_stack_needs_no_slow_path(stack: str) -> None:
    link_type, packet, version = (FAST | TUNNELS)[stack]
    batch = batch_of([bytes(packet)], link_type)
    fast = FastResult(Space(batch.buffer))
    decode_fast(first_level(batch), fast)
    assert not fast.slow
    assert not fast.undecoded.counts
    decoded = Decoder().decode(batch)
    ends = (RED, BLUE) if version == 4 else (RED_6, BLUE_6)
    assert rows(decoded.tcp) == [(1, ends[0], 40000, ends[1], 443, PAYLOAD)]
    assert decoded.tcp.sequence.tolist() == [1000]
    assert decoded.tcp.acknowledgment.tolist() == [2000]
    assert decoded.tcp.flags.tolist() == [0x18]
    assert decoded.tcp.payload_missing.tolist() == [0]
    assert set(decoded.udp.destination_port.tolist()) <= set(NAMES_OF_PORTS)


def test_rows_of_different_stacks_stand_in_frame_order() -> None:
    stacks = [*FAST.values(), *TUNNELS.values()] * 3
    batch = batch_of(
        [bytes(packet) for _, packet, _ in stacks], [kind for kind, _, _ in stacks], first_frame=100
    )
    decoded = Decoder().decode(batch)
    assert decoded.tcp.frame.tolist() == list(range(100, 100 + len(stacks)))
    assert decoded.tcp.time.tolist() == [number * 10**9 for number in range(100, 100 + len(stacks))]
    assert decoded.tcp.ip_version.tolist() == [version for _, _, version in stacks]


def test_udp_and_tcp_part_ways() -> None:
    datagram = ether() / IP(src=RED, dst=BLUE) / UDP(sport=5353, dport=53) / b"question"
    decoded = Decoder().decode(batch_of([bytes(ether() / ipv4()), bytes(datagram), bytes(ether() / ipv6())]))
    assert decoded.tcp.frame.tolist() == [1, 3]
    assert rows(decoded.udp) == [(2, RED, 5353, BLUE, 53, b"question")]


def test_a_udp_length_below_eight_is_no_datagram() -> None:
    packets = [ether() / IP() / UDP(len=length) / b"question" for length in (0, 7, 8, 12, 500)]
    decoded = Decoder().decode(batch_of([bytes(packet) for packet in packets]))
    assert [(frame, payload) for frame, *_, payload in rows(decoded.udp)] == [
        (3, b""),
        (4, b"ques"),
        (5, b"question"),
    ]


@pytest.mark.parametrize("packet", [ether() / ipv4(), ether() / ipv6(), ether() / ipv4(options=[])])
def test_a_packet_cut_short_keeps_what_is_there(packet: Any) -> None:
    data = bytes(packet)
    header = len(data) - len(PAYLOAD)
    cuts = range(10, len(data))
    decoded = Decoder().decode(batch_of([data[:cut] for cut in cuts], original=[len(data)] * len(cuts)))
    assert decoded.truncated == len(cuts)
    # Wireshark needs the header up to the window to tell the stream: 16 of its 20 bytes.
    seen = [cut for cut in cuts if cut >= header - 4]
    assert decoded.tcp.frame.tolist() == [cut - 9 for cut in seen]
    assert decoded.tcp.payload_length.tolist() == [max(cut - header, 0) for cut in seen]
    assert decoded.tcp.payload_missing.tolist() == [len(data) - max(cut, header) for cut in seen]


def test_a_total_length_of_zero_means_segmentation_offload() -> None:
    decoded = Decoder().decode(batch_of([bytes(ether() / ipv4(len=0))]))
    assert [row[-1] for row in rows(decoded.tcp)] == [PAYLOAD]


def test_an_impossible_data_offset_only_takes_part_in_numbering() -> None:
    short = segment()
    short.dataofs = 4
    long = segment()
    long.dataofs = 15
    decoded = Decoder().decode(batch_of([bytes(ether() / IP() / short), bytes(ether() / IPv6() / long)]))
    assert decoded.tcp.in_error.tolist() == [True, True]
    assert decoded.tcp.payload_length.tolist() == [0, 0]
    assert decoded.tcp.payload_missing.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("packet", "undecoded"),
    [
        (bytes(ether(type=0x0806)) + bytes(28), 0),  # ARP
        (bytes(ether(type=0x88CC)) + bytes(28), 0),  # LLDP
        (bytes(ether(type=38)) + b"\x42\x42\x03" + bytes(40), 0),  # spanning tree
        (bytes(ether(type=0xD28B)) + bytes(40), 1),  # a switch vendor's own
        (bytes(ether(type=0x0800)) + b"\x95" + bytes(40), 1),
        (bytes(ether(type=0x0800)) + b"\x41" + bytes(40), 1),
        (b"\x02\0", 1),
        (b"", 1),
    ],
)
def test_what_counts_as_undecoded(packet: bytes, undecoded: int) -> None:
    decoded = Decoder().decode(batch_of([packet, bytes(ether() / ipv4())]))
    assert sum(decoded.undecoded.values()) == undecoded
    assert decoded.tcp.frame.tolist() == [2]


def test_rows_that_are_no_packets_are_skipped() -> None:
    decoded = Decoder().decode(batch_of([b"journal entry", bytes(ether() / ipv4())], [-1, 1]))
    assert not decoded.undecoded
    assert decoded.tcp.frame.tolist() == [2]


def test_an_empty_batch_gives_empty_columns() -> None:
    decoded = Decoder().decode(batch_of([]))
    assert len(decoded.tcp) == len(decoded.udp) == 0
    assert decoded.tcp.frame.dtype == np.int64

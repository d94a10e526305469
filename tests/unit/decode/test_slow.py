"""Tunnels, fragments and ICMP errors, one packet at a time."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import TCP, fragment
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6TimeExceeded, IPv6ExtHdrFragment, fragment6

from ocsp_pcap.decode import Decoder
from ocsp_pcap.decode.fast import FastResult
from ocsp_pcap.decode.frames import Frames, Space
from ocsp_pcap.decode.kinds import Kind
from ocsp_pcap.decode.slow import SlowPath

from .packets import (
    BLUE,
    BLUE_6,
    FAST,
    ICMP,
    IP,
    PAYLOAD,
    RED,
    RED_6,
    SLOW,
    TUNNELS,
    UDP,
    IPv6,
    ether,
    ipv4,
    ipv6,
    segment,
)
from .wire import batch_of, rows


@pytest.mark.parametrize("stack", SLOW)
def test_a_rare_stack_gives_the_same_row(stack: str) -> None:
    link_type, packet, version = SLOW[stack]
    decoded = Decoder().decode(batch_of([bytes(packet)], link_type))
    ends = (RED, BLUE) if version == 4 else (RED_6, BLUE_6)
    assert rows(decoded.tcp) == [(1, ends[0], 40000, ends[1], 443, PAYLOAD)]
    assert not decoded.undecoded


def test_the_outer_datagram_of_a_tunnel_remains() -> None:
    decoded = Decoder().decode(batch_of([bytes(TUNNELS["vxlan"][1])]))
    assert decoded.udp.destination_port.tolist() == [4789]
    assert decoded.udp.payload(0).endswith(PAYLOAD)


def test_slow_rows_are_merged_by_frame() -> None:
    stacks = [*SLOW.values(), *FAST.values(), *TUNNELS.values()]
    random.Random(7).shuffle(stacks)
    batch = batch_of([bytes(packet) for _, packet, _ in stacks], [kind for kind, _, _ in stacks])
    decoded = Decoder().decode(batch)
    assert decoded.tcp.frame.tolist() == list(range(1, len(stacks) + 1))
    assert {decoded.tcp.payload(row) for row in range(len(stacks))} == {PAYLOAD}


@pytest.mark.parametrize("link_type", [6, 107, 250, 40000])
def test_an_unknown_link_type_is_undecoded(link_type: int) -> None:
    decoded = Decoder().decode(batch_of([bytes(ether() / ipv4())], link_type))
    assert (len(decoded.tcp), decoded.undecoded) == (0, {f"link type {link_type}": 1})


@pytest.mark.parametrize("link_type", [227, 195, 220])
def test_a_link_type_without_ip_is_understood(link_type: int) -> None:
    assert Decoder().decode(batch_of([bytes(30)], link_type)).undecoded == {}


def _fragments(version: int) -> tuple[list[bytes], bytes]:
    payload = random.Random(1).randbytes(3000)
    if version == 4:
        whole = IP(src=RED, dst=BLUE, id=99) / TCP(sport=1, dport=2) / payload
        return [bytes(ether() / part) for part in fragment(whole, 1000)], payload
    packet = IPv6(src=RED_6, dst=BLUE_6) / IPv6ExtHdrFragment(id=77) / TCP(sport=1, dport=2) / payload
    return [bytes(ether() / part) for part in fragment6(packet, 1000)], payload


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("batches", [1, 2])
def test_a_datagram_appears_with_the_fragment_that_completes_it(version: int, batches: int) -> None:
    parts, payload = _fragments(version)
    random.Random(3).shuffle(parts)
    parts.insert(1, parts[0])
    decoder = Decoder()
    if batches == 1:
        decoded = decoder.decode(batch_of(parts))
    else:
        assert not len(decoder.decode(batch_of(parts[:2])).tcp)
        decoded = decoder.decode(batch_of(parts[2:], first_frame=3))
    assert [(row[0], row[-1]) for row in rows(decoded.tcp)] == [(len(parts), payload)]


def test_a_first_fragment_that_is_cut_short_tells_its_stream_only() -> None:
    part = _fragments(4)[0][0]
    decoded = Decoder().decode(batch_of([part[:100]], original=[len(part)]))
    assert decoded.tcp.source_port.tolist() == [1]
    assert decoded.tcp.in_error.tolist() == [True]


@pytest.mark.parametrize(
    ("message", "port"),
    [
        (ether() / IP(src="10.9.9.9", dst=RED) / ICMP(type=3, code=1) / ipv4(), 40000),
        (ether() / IP(src="10.9.9.9", dst=RED) / ICMP(type=11, code=0) / ipv4(), 40000),
        (ether() / IPv6(src=BLUE_6, dst=RED_6) / ICMPv6DestUnreach() / IPv6() / segment(), 40000),
        (ether() / IPv6(src=BLUE_6, dst=RED_6) / ICMPv6TimeExceeded() / IPv6() / segment(), 40000),
        (ether() / IP(dst=RED) / ICMP(type=3, code=1) / (bytes(ipv4())[:28]), None),
        (ether() / IP(dst=RED) / ICMP(type=5, code=1) / ipv4(), None),
        (ether() / IP(dst=RED) / ICMP(type=0) / ipv4(), None),
        (ether() / IP(dst=RED) / ICMP(type=3) / b"", None),
    ],
)
def test_what_an_error_quotes_takes_part_in_numbering_only(message: Any, port: int | None) -> None:
    decoded = Decoder().decode(batch_of([bytes(message)]))
    assert decoded.tcp.source_port.tolist() == ([] if port is None else [port])
    assert decoded.tcp.in_error.all()
    assert not decoded.tcp.payload_length.any()
    assert not decoded.tcp.payload_missing.any()


def test_packets_in_packets_in_packets_end_somewhere() -> None:
    packet = bytes(ipv4())
    for _ in range(80):
        packet = bytes(IP(proto=4) / packet)
    decoded = Decoder().decode(batch_of([packet], 101))
    assert not len(decoded.tcp)
    assert decoded.undecoded == {"headers nested deeper than is read": 1}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    stacks = [*SLOW.values(), *FAST.values(), *TUNNELS.values()]
    packets, kinds = [], []
    for _ in range(4):
        link_type, packet, _ = data.draw(st.sampled_from(stacks))
        damaged = bytearray(bytes(packet))
        for _ in range(data.draw(st.integers(0, 4))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        packets.append(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
        kinds.append(link_type)
    batch = batch_of(packets, kinds, original=[len(packet) + 10 for packet in packets])
    decoded = Decoder().decode(batch)
    for columns in (decoded.tcp, decoded.udp):
        assert (columns.payload_length >= 0).all()
        assert (columns.payload_missing >= 0).all()
        assert (np.diff(columns.frame) >= 0).all()
        for row in range(len(columns)):
            assert len(columns.payload(row)) == columns.payload_length[row]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_both_paths_read_ip_alike(data: st.DataObject) -> None:
    packet = data.draw(st.sampled_from([ipv4(), ipv6(), IP() / UDP() / b"question"]))
    damaged = bytearray(bytes(packet))
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(1, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(damaged)))
    batch = batch_of([bytes(damaged[:cut])], 101, original=[len(damaged)])
    fast = Decoder().decode(batch)
    left = Frames(np.arange(1), batch.offset, batch.offset + cut, batch.offset + len(damaged))
    path = SlowPath()
    path.begin()
    slow = path.decode(batch, FastResult(Space(batch.buffer), slow={Kind.SLOW_IP: [left]}))
    if slow.handed:
        return
    assert sum(fast.undecoded.values()) == slow.undecoded.packets
    for columns, block in ((fast.tcp, slow.tcp), (fast.udp, slow.udp)):
        assert len(columns) == len(block)
        for name in (
            "ip_version",
            "source_low",
            "destination_high",
            "source_port",
            "destination_port",
            "sequence",
            "flags",
            "payload_offset",
            "payload_length",
            "payload_missing",
            "in_error",
        ):
            assert getattr(columns, name).tolist() == getattr(block, name).tolist(), name


def test_a_tunnel_in_fragments_is_read() -> None:
    inner = ether() / IP(src=RED, dst=BLUE) / TCP(sport=1, dport=2) / (b"x" * 3000)
    whole = (
        IP(src="10.0.0.1", dst="10.0.0.2", id=7)
        / UDP(sport=50000, dport=4789)
        / (b"\x08" + bytes(7) + bytes(inner))
    )
    parts = [bytes(ether() / part) for part in fragment(whole, 1000)]
    decoded = Decoder().decode(batch_of(parts))
    assert [(row[0], row[-1]) for row in rows(decoded.tcp)] == [(len(parts), b"x" * 3000)]
    assert decoded.udp.destination_port.tolist() == [4789]


def test_fragments_inside_a_tunnel_are_put_together() -> None:
    parts, payload = _fragments(4)
    wrapped = [bytes(ether() / IP(proto=4) / part[14:]) for part in parts]
    assert [row[-1] for row in rows(Decoder().decode(batch_of(wrapped)).tcp)] == [payload]


def test_fragments_of_tunnels_in_fragments_end_somewhere() -> None:
    packet = bytes(ipv4())
    for level in range(12):
        packet = bytes(IP(proto=4, id=level, frag=0, flags=0) / packet)
        first = bytes(IP(proto=4, id=level, flags="MF") / packet[:16])
        last = bytes(IP(proto=4, id=level, frag=2) / packet[16:])
        packet = first if level % 2 else last
    assert not len(Decoder().decode(batch_of([packet], 101)).tcp)


def test_what_an_error_quotes_of_a_tunnel_takes_part_in_numbering_only() -> None:
    message = ether() / IP(src="10.9.9.9", dst=RED) / ICMP(type=3, code=1) / IP(proto=4) / ipv4()
    decoded = Decoder().decode(batch_of([bytes(message)]))
    assert decoded.tcp.in_error.tolist() == [True]
    assert decoded.tcp.payload_length.tolist() == [0]


def test_protocols_that_hide_packets_are_named() -> None:
    packets = [
        ether() / IP(proto=50) / bytes(40),
        ether() / IP(proto=2) / bytes(8),
        ether() / IP(proto=200) / b"1234",
    ]
    packets += [
        ether() / IP() / UDP(sport=4500, dport=4500) / content for content in (b"\xff", bytes(40), b"1" * 40)
    ]
    decoded = Decoder().decode(batch_of([bytes(packet) for packet in packets]))
    assert decoded.undecoded == {
        "IP protocol 50 (ESP, encrypted)": 1,
        "IP protocol 200": 1,
        "UDP port 4500 (ESP, encrypted)": 1,
    }


@pytest.mark.parametrize(("source", "destination"), [(4789, 53), (53, 4789)])
def test_dns_of_a_client_at_a_tunnels_port_is_no_tunnel(source: int, destination: int) -> None:
    message = b"\x08\x15\x81\x80" + bytes(8) + b"\5shape\0" + bytes(40)
    packet = ether() / IP() / UDP(sport=source, dport=destination) / message
    decoded = Decoder().decode(batch_of([bytes(packet)]))
    assert not decoded.undecoded
    assert not len(decoded.tcp)

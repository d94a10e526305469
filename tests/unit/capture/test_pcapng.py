from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsp_pcap.capture import NOT_A_PACKET

from .builders import (
    block,
    enhanced,
    interface,
    option,
    packets,
    plain_pcapng,
    read,
    section,
    simple,
)

PACKET = bytes(range(20))
START = section() + interface()
FILES = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def payloads(draw: st.DrawFn, order: str) -> bytes:
    """Payload that may look like blocks: whole ones, heads without tails, the type alone."""
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return draw(st.binary(max_size=80))
    if kind == 1:
        return struct.pack(order + "I", 6) * draw(st.integers(0, 150))
    fakes = [enhanced(bytes(size), order=order) for size in draw(st.lists(st.integers(0, 40), max_size=5))]
    return b"".join(fake if kind == 2 else fake[:-4] for fake in fakes)


@st.composite
def captures(draw: st.DrawFn) -> bytes:
    content = b""
    for _ in range(draw(st.integers(1, 3))):
        order = draw(st.sampled_from("<>"))
        content += section(order)
        known = 0
        for _ in range(draw(st.integers(0, 12))):
            kind = draw(st.integers(0, 6))
            if kind == 0 or not known:
                content += interface(draw(st.sampled_from([1, 101, 113])), order=order)
                known += 1
            elif kind == 1:
                content += simple(draw(st.binary(max_size=20)), order=order)
            elif kind == 2:
                content += block(draw(st.sampled_from([4, 5, 99, 0xBAD])), bytes(12), order)
            else:
                number = draw(st.integers(0, known - 1 if kind > 3 else known))
                stamp = draw(st.integers(0, 2**63))
                data = draw(payloads(order))
                content += enhanced(data, number, stamp, order=order) * draw(st.sampled_from([1, 1, 40]))
    damage = draw(st.integers(0, 3))
    if damage == 1:
        content = content[: draw(st.integers(28, len(content)))]
    if damage == 2 and len(content) > 28:
        at = draw(st.integers(28, len(content) - 1))
        content = content[:at] + draw(st.binary(min_size=1, max_size=8)) + content[at:]
    return content


@FILES
@given(captures(), st.sampled_from([64, 100, 4096, 5000, 1 << 16]))
def test_equals_the_plain_walk_for_every_block_size(tmp_path: Path, content: bytes, block_size: int) -> None:
    assert read(tmp_path / "a.pcapng", content, block_size)[0] == plain_pcapng(content)


@FILES
@given(st.binary(max_size=400), st.sampled_from([64, 4096]))
def test_any_bytes_behind_a_header_are_read_without_exception(
    tmp_path: Path, content: bytes, block_size: int
) -> None:
    read(tmp_path / "a.pcapng", START + content, block_size)


@FILES
@given(st.integers(0, 12), st.binary(max_size=60), st.sampled_from("<>"))
def test_any_block_body_is_read_without_exception(tmp_path: Path, kind: int, body: bytes, order: str) -> None:
    content = section(order) + interface(order=order) + block(kind, body, order)
    read(tmp_path / "a.pcapng", content + enhanced(PACKET, order=order))


def test_many_packets_across_blocks(tmp_path: Path) -> None:
    blocks = [enhanced(bytes([number % 251]) * (number % 1500), stamp=number) for number in range(2000)]
    content = START + b"".join(blocks)
    expected = plain_pcapng(content)
    assert len(expected) == 2000
    for block_size in (1 << 13, 100_001, 1 << 22):
        assert read(tmp_path / "a.pcapng", content, block_size)[0] == expected


def test_a_capture_inside_a_packet_is_no_packet(tmp_path: Path) -> None:
    inner = START + enhanced(PACKET) * 50
    rows, summary = read(tmp_path / "a.pcapng", START + (enhanced(inner) + enhanced(PACKET)) * 100)
    assert packets(rows) == [inner, PACKET] * 100
    assert summary.damage is None


def test_sections_have_their_own_byte_order_and_interfaces(tmp_path: Path) -> None:
    first = section("<") + interface(1) + interface(113) + enhanced(PACKET, 1)
    second = section(">") + interface(101, order=">") + enhanced(PACKET, 0, order=">")
    rows, summary = read(tmp_path / "a.pcapng", first + second + first)
    assert [row[4] for row in rows] == [113, 101, 113]
    assert summary.link_types == {101, 113}
    assert {row[1] for row in rows} == {1_700_000_000 * 10**9}


@pytest.mark.parametrize(
    ("options", "stamp", "time"),
    [
        (b"", 1_700_000_000_123_456, 1_700_000_000_123_456_000),
        (option(9, b"\x09"), 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        (option(9, b"\x00"), 1_700_000_000, 1_700_000_000_000_000_000),
        (option(9, b"\x0c"), 1_700_000_123_456_789_012, 1_700_000_123_456_789),
        (option(9, b"\x7f"), 2**64 - 1, 0),
        (option(9, b"\x94"), (1_700_000_000 << 20) + 12345, 1_700_000_000_011_773_109),
        (option(9, b"\xa8"), (1_700_000 << 40) + (1 << 39), 1_700_000_500_000_000),
        (option(9, b"\xff"), 2**64 - 1, 0),
        (
            option(9, b"\x09") + option(14, struct.pack("<q", -1000)),
            1_700_000_000_123_456_789,
            1_699_999_000_123_456_789,
        ),
        (option(14, struct.pack("<q", 2**62)), 0, 2**62 - 1),
        (b"", 2**64 - 1, (2**63 - 1) // 1000 * 1000),
    ],
)
def test_clocks(tmp_path: Path, options: bytes, stamp: int, time: int) -> None:
    content = section() + interface(options=options) + enhanced(PACKET, stamp=stamp)
    rows, summary = read(tmp_path / "a.pcapng", content)
    assert rows[0][1] == summary.first_time == time


def test_interfaces_with_different_clocks(tmp_path: Path) -> None:
    nanoseconds = interface(101, options=option(9, b"\x09"))
    content = START + nanoseconds + (enhanced(PACKET, 0, 7) + enhanced(PACKET, 1, 7)) * 300
    rows, _ = read(tmp_path / "a.pcapng", content)
    assert [(row[1], row[4]) for row in rows] == [(7000, 1), (7, 101)] * 300


def test_simple_packets_are_cut_by_the_snaplen_and_repeat_the_time(tmp_path: Path) -> None:
    content = section() + interface(snaplen=10) + simple(PACKET, 100) + enhanced(PACKET) + simple(PACKET[:5])
    rows, summary = read(tmp_path / "a.pcapng", content)
    time = 1_700_000_000 * 10**9
    assert [row[1:4] for row in rows] == [(0, 10, 100), (time, 20, 20), (time, 5, 5)]
    assert (summary.first_time, summary.snaplen) == (time, 10)


def test_a_capture_without_times_has_no_first_time(tmp_path: Path) -> None:
    _, summary = read(tmp_path / "a.pcapng", START + simple(PACKET) * 3)
    assert (summary.packets, summary.first_time, summary.last_time) == (3, None, None)


def test_old_packet_blocks(tmp_path: Path) -> None:
    body = struct.pack("<HHIIII", 0, 0xFFFF, 0, 5, 9, 70) + PACKET[:9]
    rows, _ = read(tmp_path / "a.pcapng", START + block(2, body) + enhanced(PACKET))
    assert rows[0] == (1, 5000, 9, 70, 1, PACKET[:9])


def test_blocks_that_count_as_frames_without_being_packets(tmp_path: Path) -> None:
    journal = block(9, b"__REALTIME_TIMESTAMP=1700000001000000\nMESSAGE=hello\n\n")
    event = block(0x204, struct.pack("<HQQIH", 1, 1_700_000_002_000_000_000, 5, 26, 3))
    custom = block(0x40000BAD, struct.pack("<I", 32473) + b"text")
    rows, summary = read(tmp_path / "a.pcapng", START + journal + event + custom + enhanced(PACKET))
    assert [row[4] for row in rows] == [NOT_A_PACKET] * 3 + [1]
    assert [row[1] for row in rows[:2]] == [1_700_000_001_000_000_000, 1_700_000_002_000_000_000]
    assert [row[2] for row in rows] == [0, 0, 0, 20]
    assert (summary.packets, summary.link_types) == (4, {1})


def test_dropped_packets_are_the_sum_of_each_interfaces_last_statistics(tmp_path: Path) -> None:
    def statistics(number: int, dropped: int, by_system: int) -> bytes:
        counts = option(5, struct.pack("<Q", dropped)) + option(7, struct.pack("<Q", by_system))
        return block(5, struct.pack("<III", number, 0, 0) + counts)

    content = START + interface() + statistics(0, 1, 0) + statistics(0, 3, 2) + statistics(1, 10, 0)
    assert read(tmp_path / "a.pcapng", content)[1].dropped == 15
    assert read(tmp_path / "a.pcapng", content + START + statistics(0, 4, 0))[1].dropped == 19
    silent = block(5, struct.pack("<III", 0, 0, 0) + option(5, b"\xff" * 8))
    assert read(tmp_path / "a.pcapng", START + silent)[1].dropped is None


def test_key_logs_come_in_file_order_and_before_the_packets_that_follow(tmp_path: Path) -> None:
    def secrets(text: bytes, kind: int = 0x544C534B) -> bytes:
        return block(10, struct.pack("<II", kind, len(text)) + text)

    content = START + secrets(b"first\n") + secrets(b"wireguard", 0x57474B4C) + enhanced(PACKET)
    _, summary = read(tmp_path / "a.pcapng", content + secrets(b"second"))
    assert summary.secrets == (b"first\n", b"second")


@pytest.mark.parametrize(("lengths", "snaplen"), [((10, 20), 20), ((10, 0), None), ((0, 10), None)])
def test_snaplen(tmp_path: Path, lengths: tuple[int, int], snaplen: int | None) -> None:
    content = section() + b"".join(interface(snaplen=length) for length in lengths)
    assert read(tmp_path / "a.pcapng", content)[1].snaplen == snaplen


def test_endless_changes_of_the_byte_order_end(tmp_path: Path) -> None:
    content = (section(">") + section("<")) * 5_001 + interface() + enhanced(PACKET)
    assert "without end" in str(read(tmp_path / "a.pcapng", content)[1].damage)
    content = (section(">") + section("<")) * 500 + interface() + enhanced(PACKET)
    assert packets(read(tmp_path / "a.pcapng", content)[0]) == [PACKET]


GOOD = enhanced(PACKET)


@pytest.mark.parametrize(
    ("content", "count", "words"),
    [
        (START + GOOD * 3, 3, None),
        ((START + GOOD * 3)[:-5], 2, "5 bytes are missing (at byte 152, where frame 3"),
        ((START + GOOD * 2) + GOOD[:6], 2, "cut short in the header of a block"),
        (START + GOOD + enhanced(PACKET, 1) + GOOD, 1, "names interface 1, its section describes 1"),
        (START + GOOD + section() + GOOD, 1, "names interface 0, its section describes 0"),
        (START + GOOD + enhanced(PACKET, captured=30) + GOOD, 1, "too short for the packet"),
        (START + GOOD + enhanced(bytes(262_145)) + GOOD, 1, "claims 262145 bytes"),
        (START + GOOD + GOOD[:-4] + bytes(4) + GOOD, 1, "the two lengths of a block differ"),
        (START + GOOD + struct.pack("<III", 6, 8, 8) + GOOD, 1, "less than any block"),
        (START + GOOD + block(6, bytes(12)) + GOOD, 1, "too short for the packet"),
        (START + GOOD + block(3, b"") + GOOD, 1, "too short for the packet"),
        (START + GOOD + simple(PACKET, 100) + GOOD, 1, "too short for the packet"),
        (START + GOOD + block(2, bytes(8)) + GOOD, 1, "too short for the packet"),
        (START + GOOD + block(1, b"abcd") + GOOD, 1, "interface description is too short"),
        (section() + simple(PACKET) + GOOD, 0, "before the description of its interface"),
        (START + GOOD + struct.pack("<IIII", 99, 1 << 30, 0, 0), 1, "claims to be 1073741824 bytes long"),
        (START + GOOD + block(0x0A0D0D0A, bytes(16)), 1, "no valid byte-order magic"),
        (
            START + GOOD + block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 2, 0, -1)),
            1,
            "unknown version 2",
        ),
        (START + GOOD + block(99, bytes(8 << 20)) + GOOD, 2, None),
        (START + block(6, struct.pack("<IIIII", 0, 0, 1, 5, 5) + b"abcde", length=37) + GOOD, 2, None),
    ],
)
@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_damage_is_told_and_what_came_before_is_read(
    tmp_path: Path, content: bytes, count: int, words: str | None, block_size: int
) -> None:
    rows, summary = read(tmp_path / "a.pcapng", content, block_size)
    assert len(rows) == summary.packets == count
    if words is None:
        assert summary.damage is None
    else:
        assert summary.damage is not None
        assert words in summary.damage


@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_what_stands_behind_damage_has_no_effect(tmp_path: Path, block_size: int) -> None:
    secret = block(10, struct.pack("<II", 0x544C534B, 4) + b"key\n")
    content = section() + interface(snaplen=10) + secret + GOOD + enhanced(PACKET, 1)
    _, summary = read(tmp_path / "a.pcapng", content + secret + interface(snaplen=99) + GOOD, block_size)
    assert (summary.packets, summary.secrets, summary.snaplen) == (1, (b"key\n",), 10)

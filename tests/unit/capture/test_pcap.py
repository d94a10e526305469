from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsp_pcap.capture import chain, pcap

from .builders import packets, pcap_header, pcap_record, plain_pcap, read

PACKET = bytes(range(60))
FILES = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True, params=[64, pcap.LANE], ids=["short-lanes", "long-lanes"])
def lanes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == 64:
        monkeypatch.setattr(pcap, "LANE", 64)
        monkeypatch.setattr(pcap, "SEARCHED", 60)
        monkeypatch.setattr(chain, "LEAST_LANES", 1)


seconds = st.one_of(
    st.integers(1_700_000_000, 1_700_000_300),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 0x65656565, 0x6553FFFF, 0x65540000, 0xFFFFFFFF]),
)


@st.composite
def payloads(draw: st.DrawFn, order: str) -> bytes:
    """Payload that may look like records: fake headers, chains of them, runs of one byte."""
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return draw(st.binary(max_size=80))
    if kind == 1:
        return bytes([draw(st.sampled_from([0x65, 0x53, 0x00]))]) * draw(st.integers(0, 600))
    fakes = [
        struct.pack(order + "IIII", draw(seconds), draw(st.integers(0, 999_999)), length, length)
        + bytes(length if kind == 2 else 0)
        for length in draw(st.lists(st.integers(0, 40), max_size=6))
    ]
    return bytes(draw(st.integers(0, 3))) + b"".join(fakes)


@st.composite
def captures(draw: st.DrawFn) -> tuple[str, bytes]:
    order = draw(st.sampled_from("<>"))
    records = [
        pcap_record(draw(payloads(order)), order, draw(seconds), draw(st.integers(0, 999_999)))
        for _ in range(draw(st.integers(0, 25)))
    ]
    content = pcap_header(order, 0xA1B23C4D) + b"".join(records) * draw(st.sampled_from([1, 1, 9]))
    damage = draw(st.integers(0, 3))
    if damage == 1:
        content = content[: draw(st.integers(24, len(content)))]
    if damage == 2 and len(content) > 24:
        at = draw(st.integers(24, len(content) - 1))
        content = content[:at] + draw(st.binary(min_size=1, max_size=8)) + content[at:]
    return order, content


@FILES
@given(captures(), st.sampled_from([64, 100, 4096, 5000, 1 << 16]))
def test_equals_the_plain_walk_for_every_block_size(
    tmp_path: Path, capture: tuple[str, bytes], block_size: int
) -> None:
    # The magic of nanosecond files rules out other variants, whose choice is tested below.
    order, content = capture
    expected = plain_pcap(content, order, scale=1)
    rows, summary = read(tmp_path / "a.pcap", content, block_size)
    assert rows == expected
    end = 24 + sum(16 + row[2] for row in expected)
    assert (summary.damage is None) == (end == len(content))
    if summary.damage:
        assert f"byte {end}, where frame {len(expected) + 1} should be" in summary.damage


@FILES
@given(st.binary(max_size=400), st.sampled_from([64, 4096]))
def test_any_bytes_behind_a_header_are_read_without_exception(
    tmp_path: Path, content: bytes, block_size: int
) -> None:
    read(tmp_path / "a.pcap", pcap_header() + content, block_size)


def test_many_records_across_clock_jumps_and_blocks(tmp_path: Path) -> None:
    records = [
        pcap_record(bytes([number % 251]) * (number % 1500), seconds=1_700_000_000 + number * 40_000)
        for number in range(2000)
    ]
    content = pcap_header() + b"".join(records)
    expected = plain_pcap(content)
    assert len(expected) == 2000
    for block_size in (1 << 13, 100_001, 1 << 22):
        assert read(tmp_path / "a.pcap", content, block_size)[0] == expected


def test_a_capture_inside_a_packet_is_no_packet(tmp_path: Path) -> None:
    inner = pcap_header() + pcap_record(PACKET) * 50
    content = pcap_header() + (pcap_record(inner) + pcap_record(PACKET)) * 200
    rows, summary = read(tmp_path / "a.pcap", content)
    assert packets(rows) == [inner, PACKET] * 200
    assert summary.damage is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_length_is_not_what_its_low_bytes_say(tmp_path: Path, order: str) -> None:
    record = pcap_record(PACKET, order)
    long = (PACKET + record * 1000)[: (1 << 16) + len(PACKET)]
    content = pcap_header(order, 0xA1B23C4D) + record * 4000 + pcap_record(long, order) + record * 8000
    rows, _ = read(tmp_path / "a.pcap", content)
    assert packets(rows) == [PACKET] * 4000 + [long] + [PACKET] * 8000


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "scale"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_byte_orders_and_resolutions(tmp_path: Path, order: str, magic: int, scale: int) -> None:
    content = pcap_header(order, magic) + pcap_record(PACKET, order, original=100) * 3
    rows, summary = read(tmp_path / "a.pcap", content)
    time = 1_700_000_000 * 10**9 + 123_456 * scale
    assert rows == [(frame, time, 60, 100, 1, PACKET) for frame in (1, 2, 3)]
    assert (summary.packets, summary.first_time, summary.last_time) == (3, time, time)
    assert (summary.snaplen, summary.size, summary.link_types) == (65535, len(content), {1})


@pytest.mark.parametrize(
    ("version", "swapped"),
    [((2, 0), True), ((2, 2), True), ((2, 3), False), ((2, 3), True), ((543, 0), True)],
)
def test_old_versions_have_the_lengths_in_the_other_order(
    tmp_path: Path, version: tuple[int, int], swapped: bool
) -> None:
    lengths = (100, 60) if swapped else (60, 100)
    record = struct.pack("<IIII", 1_700_000_000, 0, *lengths) + PACKET
    rows, _ = read(tmp_path / "a.pcap", pcap_header(version=version) + record * 100)
    assert [row[2:] for row in rows] == [(60, 100, 1, PACKET)] * 100


@pytest.mark.parametrize(
    ("magic", "extra"),
    [
        (0xA1B2CD34, struct.pack("<IHBB", 1, 0x0800, 0, 0)),
        (0xA1B2CD34, struct.pack("<IHBBBBBB", 1, 0x0800, 0, 0, 0, 0, 0, 0)),
        (0xA1B2C3D4, struct.pack("<IHBB", 1, 0x0800, 0, 0)),
        (0xA1B2C3D4, struct.pack("<I", 0x9FBFB601)),
    ],
    ids=["modified", "modified-smp", "red-hat-6.1", "nokia"],
)
@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_variants_with_longer_record_headers(
    tmp_path: Path, magic: int, extra: bytes, block_size: int
) -> None:
    content = pcap_header(magic=magic) + pcap_record(PACKET, extra=extra) * 200
    rows, summary = read(tmp_path / "a.pcap", content, block_size)
    assert packets(rows) == [PACKET] * 200
    assert summary.damage is None


@pytest.mark.parametrize(("magic", "scale"), [(0x1C0001AC, 1), (0x1C0001AB, 1000)])
def test_ixia_files_have_four_more_bytes_of_header(tmp_path: Path, magic: int, scale: int) -> None:
    rows, _ = read(tmp_path / "a.pcap", pcap_header(magic=magic) + bytes(4) + pcap_record(PACKET) * 2)
    assert packets(rows) == [PACKET] * 2
    assert rows[0][1] == 1_700_000_000 * 10**9 + 123_456 * scale


def test_aix_files_count_nanoseconds_and_name_interface_types(tmp_path: Path) -> None:
    content = pcap_header(version=(2, 2), network=6) + pcap_record(PACKET) * 2
    rows, _ = read(tmp_path / "a.pcap", content)
    assert rows[0][:5] == (1, 1_700_000_000_000_123_456, 60, 60, 1)


@pytest.mark.parametrize(
    ("network", "link_type"), [(1, 1), (12, 101), (14, 101), (0x24000001, 1), (113, 113), (9999, 9999)]
)
def test_link_types(tmp_path: Path, network: int, link_type: int) -> None:
    _, summary = read(tmp_path / "a.pcap", pcap_header(network=network) + pcap_record(PACKET))
    assert summary.link_types == {link_type}


def test_times_beyond_2038(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.pcap", pcap_header() + pcap_record(PACKET, seconds=2**32 - 1))
    assert rows[0][1] == (2**32 - 1) * 10**9 + 123_456_000


@pytest.mark.parametrize(
    ("content", "count", "words"),
    [
        (pcap_header(), 0, None),
        (
            (pcap_header() + pcap_record(PACKET) * 3)[:-3],
            2,
            "3 bytes are missing (at byte 176, where frame 3",
        ),
        (pcap_header() + pcap_record(PACKET) * 2 + bytes(7), 2, "cut short in the header of a packet"),
        (pcap_header() + pcap_record(PACKET) * 3 + b"\xff" * 99, 3, "claims 4294967295 bytes"),
        (pcap_header()[:20], 0, "ends inside its header"),
        (pcap_header(snaplen=0) + pcap_record(bytes(262_144)) + pcap_record(PACKET), 2, None),
        (pcap_header(snaplen=0) + pcap_record(bytes(262_145)) + pcap_record(PACKET), 0, "claims 262145"),
        (pcap_header(network=189) + pcap_record(bytes(3 << 20)) + pcap_record(PACKET), 2, None),
    ],
)
def test_damage_is_told_and_what_came_before_is_read(
    tmp_path: Path, content: bytes, count: int, words: str | None
) -> None:
    rows, summary = read(tmp_path / "a.pcap", content)
    assert len(rows) == summary.packets == count
    if words is None:
        assert summary.damage is None
    else:
        assert summary.damage is not None
        assert words in summary.damage

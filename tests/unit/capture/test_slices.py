from __future__ import annotations

import random
from pathlib import Path

import pytest

from ocsp_pcap.capture import CaptureSource, open_capture, slices
from ocsp_pcap.capture.formats import PCAP_HEADER

from .builders import pcap_header, pcap_record, read


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 20_000)


def cut(path: Path, content: bytes) -> list[CaptureSource]:
    path.write_bytes(content)
    return slices.slices(CaptureSource("x", path))


def capture(count: int, order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    rng = random.Random(count)
    records = (
        pcap_record(rng.randbytes(rng.randrange(40, 400)), order, 1_700_000_000 + number // 9, number)
        for number in range(count)
    )
    return pcap_header(order, magic) + b"".join(records)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D])
def test_slices_hold_the_records_of_the_file(order: str, magic: int, tmp_path: Path) -> None:
    content = capture(900, order, magic)
    found = cut(tmp_path / "x.pcap", content)
    assert len(found) > 5
    spans = [source.span for source in found if source.span is not None]
    assert spans[0][0] == PCAP_HEADER
    assert spans[-1][1] == len(content)
    assert [stop for _, stop in spans[:-1]] == [start for start, _ in spans[1:]]
    packets = 0
    for source in found:
        with open_capture(source, 512) as reader:
            packets += sum(len(batch) for batch in reader)
            assert reader.summary.damage is None
            assert source.size == reader.position - PCAP_HEADER
    assert packets == 900


def test_small_files_and_other_formats_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    assert cut(path, capture(50)) == [CaptureSource("x", path)]
    assert cut(path, b"\x0a\x0d\x0d\x0a" + bytes(100_000)) == [CaptureSource("x", path)]
    assert cut(path, pcap_header(magic=0xA1B2CD34) + bytes(100_000)) == [CaptureSource("x", path)]
    assert slices.slices(CaptureSource("-", None)) == [CaptureSource("-", None)]


def test_where_no_record_is_seen_nothing_is_cut(tmp_path: Path) -> None:
    first = pcap_record(bytes(60))
    noise = pcap_record(random.Random(1).randbytes(80_000))
    found = cut(tmp_path / "x.pcap", pcap_header() + first + noise)
    assert len(found) == 1


def test_a_wrong_guess_shows(tmp_path: Path) -> None:
    """A packet that carries a capture: records inside it look like the file's own."""
    inner = capture(400)[PCAP_HEADER:][:60_000]
    content = pcap_header() + pcap_record(bytes(60)) + pcap_record(inner) + capture(100)[PCAP_HEADER:]
    found = cut(tmp_path / "x.pcap", content)
    damaged = []
    for source in found:
        with open_capture(source) as reader:
            assert sum(len(batch) for batch in reader) >= 0
            damaged.append(reader.summary.damage is not None)
    assert damaged[0]
    assert len(read(tmp_path / "x.pcap", content)[0]) == 102

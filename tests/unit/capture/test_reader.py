from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from ocsp_pcap.capture import PADDING, CaptureReader, CaptureSource, open_capture, together
from ocsp_pcap.capture.reader import BATCH_ROWS

from .builders import enhanced, interface, option, pcap_header, pcap_record, read, rows_of, section


def test_batches_are_bounded_numbered_and_padded(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_header() + pcap_record(b"12345678") * 100_000)
    frame = 1
    for batch in open_capture(path, 1 << 21):
        assert batch.first_frame == frame
        assert 0 < len(batch) <= BATCH_ROWS
        assert int((batch.offset + batch.captured_length).max()) + PADDING <= len(batch.buffer)
        columns = (batch.offset, batch.captured_length, batch.original_length, batch.time, batch.link_type)
        assert {(column.dtype, column.shape) for column in columns} == {(np.dtype(np.int64), (len(batch),))}
        frame += len(batch)
    assert frame == 100_001


def test_first_and_last_time_are_the_extremes(tmp_path: Path) -> None:
    records = [pcap_record(b"", seconds=seconds, fraction=0) for seconds in (5, 3, 9, 4)]
    _, summary = read(tmp_path / "a.pcap", pcap_header() + b"".join(records), 64)
    assert (summary.first_time, summary.last_time) == (3 * 10**9, 9 * 10**9)


def test_secrets_and_summary_can_be_read_during_iteration(tmp_path: Path) -> None:
    secret = bytes.fromhex("4b534c54") + (4).to_bytes(4, "little") + b"key\n"
    secrets = (10).to_bytes(4, "little") + (24).to_bytes(4, "little") + secret + (24).to_bytes(4, "little")
    path = tmp_path / "a.pcapng"
    path.write_bytes(section() + interface(options=option(9, b"\x06")) + secrets + enhanced(b"x" * 400) * 5)
    with open_capture(path, 512) as reader:
        for number, _ in enumerate(reader, 1):
            assert reader.secrets == [b"key\n"]
            assert reader.summary.packets == number


def test_cut_compression_is_told_beside_the_cut_packet(tmp_path: Path) -> None:
    content = pcap_header() + b"".join(
        pcap_record(np.random.default_rng(seed).bytes(500)) for seed in range(300)
    )
    rows, summary = read(tmp_path / "a.pcap", gzip.compress(content)[:90_000])
    assert 100 < len(rows) < 300
    assert summary.damage is not None
    assert "cut short in the middle of a packet" in summary.damage
    assert "the gzip data is cut short after 90000 compressed bytes" in summary.damage


class Failing(io.RawIOBase):
    """A file on a medium that breaks."""

    def __init__(self, content: bytes) -> None:
        self._stream = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, target: object) -> int:
        count = self._stream.readinto(cast("bytearray", target))
        if not count:
            raise OSError(5, "Input/output error")
        return count


@pytest.mark.parametrize("size", [24, 100])
def test_a_read_error_is_damage(size: int) -> None:
    content = pcap_header() + pcap_record(b"12345678") * 3
    stream = cast("io.BufferedReader", Failing(content[24:]))
    rows, summary = rows_of(CaptureReader("a", stream, content[:24], size))
    assert len(rows) == 3
    assert summary.damage == "reading failed at byte 96: [Errno 5] Input/output error"


def test_a_capture_may_be_read_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_header() + pcap_record(b"12345678"))
    source = CaptureSource("a.pcap", path)
    assert rows_of(open_capture(source)) == rows_of(open_capture(source))


@pytest.mark.parametrize(
    ("seconds", "step"), [((3, 4, 4, 9), 0), ((3, 9, 5, 4, 10), 4), ((9, 3), 6), ((3,), 0), ((), 0)]
)
def test_the_largest_step_back_in_time(tmp_path: Path, seconds: tuple[int, ...], step: int) -> None:
    records = [pcap_record(b"12345678" * 8, seconds=second, fraction=0) for second in seconds]
    for block in (64, 1 << 16):
        _, summary = read(tmp_path / "a.pcap", pcap_header() + b"".join(records), block)
        assert summary.step_back == step * 10**9
    _, summary = read(tmp_path / "a.pcap", pcap_header() + b"".join(records))
    _, later = read(tmp_path / "b.pcap", pcap_header() + pcap_record(b"12345678" * 8, seconds=1, fraction=0))
    assert together([summary, later]).step_back == max(step, seconds[-1] - 1 if seconds else 0) * 10**9

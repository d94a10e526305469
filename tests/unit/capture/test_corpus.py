"""Real captures, read by this package and by tshark, must have the same packets."""

from __future__ import annotations

import subprocess

import pytest

from ocsp_pcap.capture import NOT_A_PACKET, CaptureSource, expand, open_capture
from ocsp_pcap.capture.formats import HEAD, compression
from tests.conftest import CORPUS
from tests.programs import needs_tshark

pytestmark = [
    pytest.mark.corpus,
    needs_tshark,
]


def sample() -> list[CaptureSource]:
    """Every twenty-fourth capture, and all that are compressed or in a rare format."""
    if not CORPUS.is_dir():
        return []
    sources = expand(sorted(str(path) for path in CORPUS.iterdir() if path.is_dir()))
    return [source for number, source in enumerate(sources) if number % 24 == 0 or is_rare(source)]


def is_rare(source: CaptureSource) -> bool:
    assert source.path is not None
    with source.path.open("rb") as stream:
        head = stream.read(HEAD)
    return compression(head) is not None or head[:4] not in (b"\xd4\xc3\xb2\xa1", b"\n\r\r\n")


def identity(source: CaptureSource) -> str:
    assert source.path is not None
    return str(source.path.relative_to(CORPUS))


@pytest.mark.parametrize("source", sample(), ids=identity)
def test_same_packets_as_tshark(source: CaptureSource) -> None:
    fields = ("frame.number", "frame.time_epoch", "frame.cap_len", "frame.len")
    command = ["tshark", "-n", "-r", str(source.path), "-T", "fields"]
    done = subprocess.run(
        [*command, *(word for field in fields for word in ("-e", field))], capture_output=True, text=True
    )
    expected = [line.split("\t") for line in done.stdout.splitlines()]
    reader = open_capture(source)
    frame = 0
    for batch in reader:
        for row in range(len(batch)):
            number, time, captured, original = expected[frame]
            frame += 1
            assert int(number) == batch.first_frame + row == frame
            if batch.link_type[row] == NOT_A_PACKET:
                continue
            assert (int(captured), int(original)) == (batch.captured_length[row], batch.original_length[row])
            if time:
                # A damaged fraction of over a second is printed with ten digits.
                seconds, fraction = time.split(".")
                assert int(seconds) * 10**9 + int(fraction) == batch.time[row]
    assert frame == len(expected)
    assert (reader.summary.damage is not None) == ("cut short" in done.stderr or "damaged" in done.stderr)

"""Keys that come after the packets they open."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.capture import CaptureError, CaptureSource
from ocsp_pcap.capture.pipe import Wait, at_once
from ocsp_pcap.observe.capture import Observation
from ocsp_pcap.parallel import runs
from ocsp_pcap.read_captures import RunOptions, read_captures
from ocsp_pcap.spoken.shared import Shared

SUITES = Path(__file__).resolve().parents[2] / "samples" / "tls13-suites"
PLAIN, INSIDE = SUITES / "gnutls.pcap", SUITES / "keys-inside" / "gnutls.pcapng"
SECRETS_BLOCK = 10


def source(path: Path) -> CaptureSource:
    return CaptureSource(str(path), path)


def decrypted(observation: Observation) -> int:
    return sum(handshake.traits.decrypted for handshake in observation.handshakes())


def observe(*paths: Path) -> list[Observation]:
    failures: list[CaptureError] = []
    found = read_captures([source(path) for path in paths], Shared(), RunOptions(failures.append))
    assert failures == []
    return found


def count_openings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    opened: list[str] = []
    real = CaptureSource.open

    def counting(self: CaptureSource, wait: Wait = at_once) -> BinaryIO:
        opened.append(self.name)
        return real(self, wait)

    monkeypatch.setattr(CaptureSource, "open", counting)
    return opened


def secrets_last(content: bytes) -> bytes:
    blocks = []
    while content:
        length = int.from_bytes(content[4:8], "little")
        blocks.append(content[:length])
        content = content[length:]
    blocks.sort(key=lambda block: int.from_bytes(block[:4], "little") == SECRETS_BLOCK)
    return b"".join(blocks)


def test_secrets_before_their_packets() -> None:
    (found,) = observe(INSIDE)
    assert decrypted(found) == 5
    assert found.notes == []


def test_secrets_at_the_end_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "last.pcapng"
    path.write_bytes(secrets_last(INSIDE.read_bytes()))
    assert path.read_bytes() != INSIDE.read_bytes()
    (found,) = observe(path)
    assert decrypted(found) == 5


def test_secrets_in_blocks_read_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.pcapng"
    path.write_bytes(secrets_last(INSIDE.read_bytes()))
    monkeypatch.setattr("ocsp_pcap.capture.reader.open_capture.__defaults__", (4096, at_once))
    opened = count_openings(monkeypatch)
    (found,) = observe(path)
    assert decrypted(found) == 5
    assert len(opened) == 2


def test_secrets_in_a_capture_read_later() -> None:
    first, second = observe(PLAIN, INSIDE)
    assert (decrypted(first), decrypted(second)) == (5, 5)
    assert first.notes == []


def test_a_capture_without_fitting_keys_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = count_openings(monkeypatch)
    observe(SUITES / "openssl.pcap", INSIDE)
    assert len(opened) == 2


def test_what_can_be_read_only_once_says_so(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(PLAIN.read_bytes()), daemon=True)
    writer.start()
    first, _ = observe(pipe, INSIDE)
    writer.join(10)
    assert decrypted(first) == 0
    assert first.notes == [
        f"secrets for 5 sessions of {pipe} came after their packets, and it can be read only once: "
        "store it in a file to have them used"
    ]


def test_a_capture_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    failures: list[CaptureError] = []
    assert read_captures([source(tmp_path / "missing.pcap")], Shared(), RunOptions(failures.append)) == []
    assert len(failures) == 1


@pytest.fixture
def small_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LEAST_BYTES", 1)


def test_captures_read_side_by_side_give_the_same_facts(small_shares: None) -> None:
    samples = Path(__file__).parents[2] / "samples"
    plain = sorted(str(path) for path in samples.glob("*/*.pcap"))
    assert read_facts(plain, ReadOptions(jobs=3)) == read_facts(plain)


def test_a_capture_that_cannot_be_read_is_told_side_by_side_too(tmp_path: Path, small_shares: None) -> None:
    samples = Path(__file__).parents[2] / "samples"
    (tmp_path / "empty.pcap").touch()
    told: list[str] = []
    inputs = [samples / "direct" / "capture.pcap", tmp_path / "empty.pcap"]
    facts = read_facts(inputs, ReadOptions(jobs=2, warn=told.append))
    assert len(facts.captures) == 1
    assert len(told) == 1


def test_nothing_to_read_side_by_side(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no such file"):
        read_facts([tmp_path / "missing.pcap"], ReadOptions(jobs=2))


def test_secrets_of_one_capture_open_another_side_by_side_too(small_shares: None) -> None:
    samples = Path(__file__).parents[2] / "samples"
    mixed = [str(samples / "direct" / "capture.pcap"), *map(str, samples.glob("*/*.pcapng"))]
    assert read_facts(mixed, ReadOptions(jobs=2)) == read_facts(mixed)

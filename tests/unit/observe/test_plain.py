"""Plain streams told at once: the facts are those of reading segment by segment."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.capture import reader
from ocsp_pcap.facts import Facts
from ocsp_pcap.observe import plain
from ocsp_pcap.observe.tcp import TcpObserver
from ocsp_pcap.spoken.plain import PlainConnections, Said
from ocsp_pcap.tls.shapes import NotPlainError
from ocsp_pcap.tls.walk import Stretch
from tests.conftest import CORPUS, SAMPLES

MOST = 2_000_000
"""Bytes of a capture that is compared."""
CAPTURES = sorted(path for path in SAMPLES.rglob("*.pcap*") if path.stat().st_size < MOST)
REAL = sorted(path for path in CORPUS.rglob("*.pcap*") if path.stat().st_size < MOST)


class Counted:
    """The walk, which can be left out and counts what it told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told = 0
        self.on = True
        self._monkeypatch = monkeypatch
        read = PlainConnections.read

        def counting(connections: PlainConnections, segments: Sequence[Stretch], client: int) -> Said | None:
            if not self.on:
                raise NotPlainError
            said = read(connections, segments, client)
            self.told += said is not None
            return said

        monkeypatch.setattr(PlainConnections, "read", counting)

    def facts(self, path: Path, *, on: bool, keys: Path | None = None) -> Facts:
        self.on = on
        self._monkeypatch.setattr(plain, "LEAST_ROWS", 4 if on else 0)
        return read_facts([path], ReadOptions(key_logs=() if keys is None else (keys,)))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


@pytest.mark.parametrize("rows", [1 << 15, 40, 7])
def test_samples(counted: Counted, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", rows)
    for path in CAPTURES[rows % 9 :: 9]:
        assert counted.facts(path, on=True) == counted.facts(path, on=False), path
    assert counted.told > 10


@pytest.mark.parametrize("rows", [1 << 15, 40])
def test_samples_in_which_bytes_are_changed(
    counted: Counted, rows: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", rows)
    dice = random.Random(rows)
    for path in CAPTURES[4::12]:
        content = bytearray(path.read_bytes())
        for _ in range(1 + len(content) // 4000):
            content[dice.randrange(24, len(content))] ^= 1 << dice.randrange(8)
        changed = tmp_path / path.name
        changed.write_bytes(content)
        assert counted.facts(changed, on=True) == counted.facts(changed, on=False), path
    assert counted.told


@pytest.mark.parametrize("rows", [1 << 15, 20])
@pytest.mark.parametrize("keys", sorted(SAMPLES.rglob("*.keys")), ids=lambda path: path.stem)
def test_connections_that_a_key_log_does_not_name(
    counted: Counted, keys: Path, rows: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", rows)
    capture = keys.with_suffix(".pcap")
    # Where there are premaster secrets no connection is plain.
    lines = [line for line in keys.read_text().splitlines() if line.startswith(("CLIENT_", "SERVER_"))]
    sessions = sorted({line.split()[1] for line in lines})
    half = tmp_path / "half.keys"
    half.write_text("\n".join(line for line in lines if line.split()[1] in sessions[::2]))
    found = counted.facts(capture, on=True, keys=half)
    assert found == counted.facts(capture, on=False, keys=half)
    assert any(handshake.decrypted for handshake in found.handshakes)
    assert counted.told or capture.stem in ("quic", "nss", "rsa-key-exchange")


@pytest.mark.corpus
@pytest.mark.parametrize("part", range(4))
def test_real_captures(counted: Counted, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", (1 << 15, 50)[part % 2])
    for path in REAL[part * 5 :: 20]:
        assert counted.facts(path, on=True) == counted.facts(path, on=False), path
    assert counted.told


def test_more_rows_are_looked_at_where_few_do_not_tell(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = SAMPLES / "tls-handshake-forms" / "openssl.pcap"
    expected, told = counted.facts(path, on=True), counted.told
    counted.told = 0
    monkeypatch.setattr(plain, "FEW_ROWS", 4)
    assert counted.facts(path, on=True) == expected
    assert counted.told == told > 0


def test_what_is_carried_over_is_bounded(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", 20)
    path = SAMPLES / "tls-handshake-forms" / "openssl.pcap"
    read = 0
    read_carried = TcpObserver._read_carried

    def counting(self: TcpObserver) -> None:
        nonlocal read
        read += self._plain.streams
        read_carried(self)

    monkeypatch.setattr(TcpObserver, "_read_carried", counting)
    expected = counted.facts(path, on=True)
    assert not read
    monkeypatch.setattr(plain, "MOST_CARRIED", 1)
    assert counted.facts(path, on=True) == expected
    assert read
    read = 0
    monkeypatch.setattr(plain, "MOST_CARRIED", 1 << 20)
    monkeypatch.setattr(BOUNDS, "open_streams", 0)
    counted.facts(path, on=True)
    assert read

"""A capture cut into files tells what it tells in one: in order, and side by side."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.facts import Facts
from ocsp_pcap.facts.json import facts_to_jsonl
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel import processes, runs
from ocsp_pcap.parallel.parcel import pack, unpack
from ocsp_pcap.parallel.read_run import Said, read_share
from ocsp_pcap.parallel.runs import Share
from ocsp_pcap.spoken.shared import Shared

from .rotated import LITTLE_ENDIAN, split

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
CAPTURES = sorted(path for path in SAMPLES.glob("*/*.pcap") if path.read_bytes()[:4] in LITTLE_ENDIAN)
STRIDE = 5
"""Frames from one place where a capture is cut to the next."""
OF_ITS_FILES = ("path", "files", "size")
"""Keys of a capture that tell of the files that it consists of."""


class Done:
    """A share that is read at once, and has gone the way to another process and back."""

    def __init__(self, share: Share) -> None:
        self._file = BytesIO()
        pack(read_share(pickle.loads(pickle.dumps(share)), Watch()), self._file)

    def said(self, shared: Shared) -> Said | None:
        self._file.seek(0)
        said: Said | None = unpack(self._file, shared)
        return said

    def interrupt(self) -> bool:
        return True


class Here:
    """Workers that are this process: what they do is what processes of their own do, without their start."""

    reads_along = True
    shares = 1_000_000
    """Each file is a share."""

    def submit(self, share: Share) -> Done:
        return Done(share)


@contextmanager
def workers_here(_: int) -> Iterator[Here]:
    yield Here()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "processes", workers_here)
    monkeypatch.setattr(runs, "LEAST_BYTES", 1)


def lines(facts: Facts) -> list[dict[str, Any]]:
    """Return facts without what depends on how their capture is cut."""
    found = [json.loads(line) for line in facts_to_jsonl(facts)]
    for fact in found:
        fact.pop("capture", None)
        if fact["kind"] == "capture":
            for key in OF_ITS_FILES:
                del fact[key]
    return found


def packets(path: Path) -> int:
    return read_facts([path]).captures[0].packets


def cuts(count: int, seed: str) -> list[int]:
    rng = random.Random(seed)
    return sorted(rng.randrange(count + 1) for _ in range(rng.choice((1, 1, 2, 3, 8))))


def shuffled(paths: Sequence[Path]) -> list[Path]:
    return random.Random(len(paths)).sample(list(paths), len(paths))


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_capture_cut_anywhere(path: Path, tmp_path: Path, here: None) -> None:
    whole = lines(read_facts([path]))
    for trial in range(2):
        at = cuts(packets(path), f"{path.name} {trial}")
        files = split(path, tmp_path / str(trial), at)
        in_order = read_facts(shuffled(files), ReadOptions(rotation="yes"))
        assert lines(in_order) == whole, at
        assert read_facts(files, ReadOptions(rotation="yes", jobs=2)) == in_order, at


@pytest.mark.parametrize("scenario", ["direct/capture", "forwarding-host/parent", "tls-over-udp/quic"])
def test_cut_at_any_frame(scenario: str, tmp_path: Path, here: None) -> None:
    """At every fifth, the first and the last; every sample is cut at random places besides."""
    path = SAMPLES / f"{scenario}.pcap"
    whole = lines(read_facts([path]))
    end = packets(path)
    for cut in {*range(0, end, STRIDE), end}:
        files = split(path, tmp_path / str(cut), [cut])
        in_order = read_facts(files, ReadOptions(rotation="yes"))
        assert lines(in_order) == whole, cut
        assert read_facts(files, ReadOptions(rotation="yes", jobs=2)) == in_order, cut


def test_processes_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LEAST_BYTES", 1)
    path = SAMPLES / "ocsp-at-parent" / "parent.pcap"
    files = split(path, tmp_path, [20, 57, 58, 90])
    assert read_facts(files, ReadOptions(jobs=2)) == read_facts(files)


def test_frames_and_streams_as_wireshark_numbers_them_in_each_file(tmp_path: Path) -> None:
    path = SAMPLES / "ocsp-at-parent" / "parent.pcap"
    files = split(path, tmp_path, [30, 31, 75, 110])
    (capture,) = read_facts(shuffled(files)).captures
    assert [file.path for file in capture.files] == [str(file) for file in files]
    assert [file.packets for file in capture.files] == [30, 1, 44, 35, capture.packets - 110]
    for file, path in zip(capture.files, files, strict=True):
        alone = read_facts([path], ReadOptions(rotation="no"))
        own = {fact.stream for fact in (*alone.handshakes, *alone.ocsp_exchanges)}
        assert own <= {each.number for each in file.tcp_streams}


def test_a_file_that_does_not_go_on_is_a_capture_of_its_own(tmp_path: Path) -> None:
    first = split(SAMPLES / "ocsp-at-parent" / "parent.pcap", tmp_path, [40])
    other = split(SAMPLES / "direct" / "capture.pcap", tmp_path / "other", [100])
    facts = read_facts([*first, *other])
    assert [len(capture.files) for capture in facts.captures] == [2, 2]
    # Two vantages at the same time, told apart by name.
    names = [tmp_path / name for name in ("proxy1.pcap", "proxy2.pcap")]
    for name, part in zip(names, ("child", "parent"), strict=True):
        name.write_bytes((SAMPLES / "ocsp-on-child" / f"{part}.pcap").read_bytes())
    assert [capture.files for capture in read_facts(names).captures] == [(), ()]


def test_roles_keep_files_apart(tmp_path: Path) -> None:
    files = split(SAMPLES / "direct" / "capture.pcap", tmp_path, [50, 100])
    roles = {str(files[0]): "child", str(files[1]): "parent", str(files[2]): "parent"}
    facts = read_facts(files, ReadOptions(roles=roles))
    assert [len(capture.files) for capture in facts.captures] == [0, 2]


def test_a_file_in_the_middle_that_cannot_be_read(tmp_path: Path, here: None) -> None:
    files = split(SAMPLES / "direct" / "capture.pcap", tmp_path, [50, 100, 150])
    files[1].write_bytes(b"no capture at all")
    told: list[str] = []
    facts = read_facts(files, ReadOptions(warn=told.append))
    assert len(told) == 1
    assert str(files[1]) in told[0]
    assert [file.path for file in facts.captures[0].files] == [str(files[n]) for n in (0, 2, 3)]
    assert facts.captures[0].damage == f"{files[1]} could not be read"
    assert read_facts(files, ReadOptions(jobs=2)) == facts


def test_files_that_are_missing_by_their_numbers(tmp_path: Path, here: None) -> None:
    files = split(SAMPLES / "direct" / "capture.pcap", tmp_path, [50, 100, 150])
    facts = read_facts([files[0], files[3]])
    (capture,) = facts.captures
    assert capture.damage == f"files before {files[3]} are missing (2 by their numbers)"
    assert read_facts([files[0], files[3]], ReadOptions(jobs=2)) == facts
    assert read_facts(files[1:3]).captures[0].damage is None


def test_a_file_that_is_cut_short(tmp_path: Path, here: None) -> None:
    files = split(SAMPLES / "direct" / "capture.pcap", tmp_path, [50, 100])
    files[1].write_bytes(files[1].read_bytes()[:-7])
    facts = read_facts(files)
    (capture,) = facts.captures
    assert capture.files[0].damage is None
    assert capture.files[1].damage is not None
    assert capture.damage == f"{files[1]}: {capture.files[1].damage}"
    assert read_facts(files, ReadOptions(jobs=2)) == facts


@pytest.mark.parametrize("seed", range(40))
def test_damage_anywhere_shows_alike(seed: int, tmp_path: Path, here: None) -> None:
    rng = random.Random(seed)
    path = CAPTURES[seed % len(CAPTURES)]
    files = split(path, tmp_path, cuts(packets(path), str(seed))[: rng.randrange(4)])
    for file in files:
        content = bytearray(file.read_bytes())
        for _ in range(rng.choice((0, 1, 3, 10)) if len(content) > 24 else 0):
            content[rng.randrange(24, len(content))] = rng.randrange(256)
        file.write_bytes(content)
    in_order = read_facts(files, ReadOptions(rotation="yes"))
    assert read_facts(files, ReadOptions(rotation="yes", jobs=2)) == in_order


def test_secrets_in_one_file_open_the_sessions_of_others(tmp_path: Path, here: None) -> None:
    inside = SAMPLES / "tls13-suites" / "keys-inside" / "gnutls.pcapng"
    plain = split(SAMPLES / "tls13-suites" / "gnutls.pcap", tmp_path, [30])
    facts = read_facts([*plain, inside], ReadOptions(jobs=2))
    assert facts == read_facts([*plain, inside])
    assert {handshake.decrypted for handshake in facts.handshakes} == {True}

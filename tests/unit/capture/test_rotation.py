from __future__ import annotations

from pathlib import Path

import pytest

from ocsp_pcap.capture import CaptureSource
from ocsp_pcap.capture.rotation import (
    MAX_OVERLAP,
    MAX_SILENCE,
    SHORT_SILENCE,
    Member,
    families,
    follows,
    set_name,
)

from .builders import pcap_header, pcap_record


def grouped(
    folder: Path,
    times: dict[str, int | None],
    roles: dict[str, str] | None = None,
    **options: str,
) -> list[list[str]]:
    """Write captures with one packet at a time, in seconds; return their names in groups."""
    for name, time in times.items():
        (folder / name).parent.mkdir(exist_ok=True)
        records = b"" if time is None else pcap_record(bytes(60), seconds=time)
        (folder / name).write_bytes(pcap_header() + records)
    sources = [CaptureSource(name, folder / name) for name in times]
    groups = families(sources, roles, **options)  # type: ignore[arg-type]
    return [[member.source.name for member in group] for group in groups]


@pytest.mark.parametrize(
    "names",
    [
        ("egress.pcap", "egress.pcap1", "egress.pcap2", "egress.pcap10"),
        ("egress.pcap00", "egress.pcap01"),
        ("proxy1.pcap", "proxy1.pcap1", "proxy1.pcap2"),
        ("egress_00001_20261122104300.pcap", "egress_00002_20261122104301.pcap"),
        ("egress_20261122104300_00001.pcapng", "egress_20261122104301_00002.pcapng"),
        ("egress_00001_20261122104300.pcapng.gz", "egress_00002_20261122104301.pcapng"),
        ("trace-20261122-104300.pcap", "trace-20261122-104400.pcap"),
        ("trace-2026-11-22_10:43:00.pcap", "trace-2026-11-22_10:44:00.pcap"),
        ("trace20261122T104300Z.pcap", "trace20261122T104300Z.pcap1"),
        ("1795344180.pcap", "1795344240.pcap"),
        ("part1.pcap", "part2.pcap", "part10.pcap"),
    ],
)
def test_names_of_one_set(names: tuple[str, ...], tmp_path: Path) -> None:
    times = {name: 1000 + number for number, name in enumerate(names)}
    assert grouped(tmp_path, times) == [list(names)]
    backwards = dict(reversed(list(times.items())))
    assert grouped(tmp_path, backwards) == [list(names)]


@pytest.mark.parametrize(
    "names",
    [
        ("child.pcap", "parent.pcap"),
        ("proxy1_00001_20261122104300.pcap", "proxy2_00001_20261122104300.pcap"),
        ("proxy1.pcap", "proxy1.pcapng"),
        ("a/egress1.pcap", "b/egress2.pcap"),
        ("proxy1-20261122.pcap", "proxy2-20261122.pcap"),
    ],
)
def test_names_of_different_captures(names: tuple[str, ...], tmp_path: Path) -> None:
    assert grouped(tmp_path, dict.fromkeys(names, 1000)) == [[name] for name in names]


def test_a_file_without_packets_stays_behind_the_one_before_it(tmp_path: Path) -> None:
    times = {"e3.pcap": 30, "e2.pcap": None, "e1.pcap": 10, "e4.pcap": 5}
    assert grouped(tmp_path, times) == [["e4.pcap", "e1.pcap", "e2.pcap", "e3.pcap"]]


def test_what_the_user_says_counts(tmp_path: Path) -> None:
    times: dict[str, int | None] = {"b.pcap": 20, "a.pcap": 10, "a1.pcap": 30}
    assert grouped(tmp_path, times, rotation="yes") == [["a.pcap", "b.pcap", "a1.pcap"]]
    assert grouped(tmp_path, {"e1.pcap": 1, "e2.pcap": 2}, rotation="no") == [["e1.pcap"], ["e2.pcap"]]
    roles = {"e1.pcap": "child", "e2.pcap": "parent"}
    assert grouped(tmp_path, {"e1.pcap": 1, "e2.pcap": 2}, roles) == [["e1.pcap"], ["e2.pcap"]]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["direct.pcap"], "direct.pcap"),
        (["x/egress.pcap", "x/egress.pcap1", "x/egress.pcap2"], "x/egress.pcap*"),
        (["e_00009_20261122104300.pcap", "e_00010_20261122104300.pcap"], "e_*_20261122104300.pcap"),
        (["e_00009_20261122104300.pcap", "e_00010_20261122104359.pcap"], "e_*.pcap"),
        (["a.pcap", "b.pcap"], "*.pcap"),
    ],
)
def test_set_name(names: list[str], expected: str) -> None:
    assert set_name(names) == expected
    assert all(Path(name).match(expected) for name in names)


@pytest.mark.parametrize(("by_rotation", "most"), [(True, MAX_SILENCE), (False, SHORT_SILENCE)])
def test_follows(by_rotation: bool, most: int) -> None:
    def begins(time: int | None) -> Member:
        return Member(CaptureSource("x", None), time, 1, 7 if by_rotation else None)

    assert follows(begins(100), 100, 0)
    assert follows(begins(100), 100 + MAX_OVERLAP, 0)
    assert not follows(begins(100), 101 + MAX_OVERLAP, 0)
    assert follows(begins(100 + most), 100, 0)
    assert not follows(begins(101 + most), 100, 0)
    assert follows(begins(101 + most), 100, 20 * most)
    assert follows(begins(None), 100, 0)
    assert follows(begins(100), None, 0)


def test_names_that_only_a_rotation_gives(tmp_path: Path) -> None:
    for names, expected in (
        (("e.pcap", "e.pcap1"), True),
        (("e_00001_20261122104300.pcap", "e_00002_20261122104301.pcap"), True),
        (("e1.pcap", "e2.pcap"), False),
        (("e-20261122-104300.pcap", "e-20261122-104400.pcap"), False),
    ):
        for name in names:
            (tmp_path / name).write_bytes(pcap_header() + pcap_record(bytes(60)))
        ((first, second),) = families([CaptureSource(name, tmp_path / name) for name in names])
        assert (first.by_rotation, second.by_rotation) == (expected, expected)

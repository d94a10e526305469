"""The whole benchmark runs, on captures a fiftieth of the size; no time is asserted."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ocsp_pcap.api import read_facts
from ocsp_pcap.facts import Facts, HandshakeFact
from tests.benchmarks.derive import cut, grow, record_starts
from tests.benchmarks.generate import bulk_shape, dense_shape, generate
from tests.benchmarks.measure import Program, compare
from tests.benchmarks.templates import PCAP_HEADER

OPTIONAL = {"ndpiReader": shutil.which("ndpiReader"), "reading packets": find_spec("pyarrow")}
ROOT = Path(__file__).parents[2]
FACTS, EXPLAIN = "ocsp-pcap facts", "ocsp-pcap explain"
PEERS = ("tshark", "tcpdump -w /dev/null", "ndpiReader", "ssldump", "pyshark", "scapy")
PROGRAMS = {
    "dense": [FACTS, EXPLAIN, f"{EXPLAIN} -v", *PEERS],
    "bulk": [FACTS, EXPLAIN, f"{EXPLAIN}, of Parquet", *PEERS],
    "rotated": [FACTS, f"{FACTS} --jobs 2", "tshark", "tcpdump"],
    "start-up": ["ocsp-pcap --version", EXPLAIN, "tshark", "tcpdump -w /dev/null"],
    **{f"memory: {times} times": [FACTS, "tcpdump -w /dev/null", "tshark"] for times in (1, 2)},
}


@pytest.mark.skipif(
    shutil.which("tshark") is None or shutil.which("tcpdump") is None, reason="tshark or tcpdump is missing"
)
def test_one_command_measures_everything(tmp_path: Path) -> None:
    target = tmp_path / "table.md"
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks",
        "--quick",
        "--size",
        "160",
        "--dense",
        "12",
        "--memory",
        "2",
    ]
    done = subprocess.run(
        [*command, "--keep", str(tmp_path), "-o", str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = target.read_text(encoding="utf-8")
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d UTC\. \d+ processors \(.+\), \d+ GiB of memory", text)
    results, goals = (
        [[cell.strip() for cell in row[2:-2].split(" | ")] for row in table]
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
        for table in [table.splitlines()[2:]]
    )
    sections: dict[str, list[list[str]]] = {}
    for title, *cells in results:
        sections.setdefault(title or list(sections)[-1], []).append(cells)
    assert len(sections) == len(PROGRAMS)
    for (title, rows), (start, names) in zip(sections.items(), PROGRAMS.items(), strict=True):
        assert title.startswith(start)
        assert start.startswith("memory") or title in done.stdout
        for row, name in zip(rows, names, strict=True):
            assert row[0].startswith(name), title
            if "not run" not in row[0] and "stopped" not in row[0]:
                assert all(float(cell.replace(",", "")) > 0 for cell in row[1:3])
                assert re.fullmatch(r"[1-9][\d,]* MB(\\\*)?", row[4])
        if start in {"dense", "bulk", "memory: 1 times", "memory: 2 times"}:
            shown = [row[5] for row in rows if row[0] in {"ocsp-pcap facts", "tshark"}]
            assert shown[0] == shown[1] != "0", title
    assert len(goals) == 14
    optional = ("8 times bulk", *(word for word, found in OPTIONAL.items() if not found))
    for goal, measured, met in goals:
        assert (re.match(r"\d", measured) and met in {"yes", "no"}) or goal.endswith(optional), goal
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bulk.pcap", "dense.pcap", "table.md"]


def _facts(*paths: Path) -> Facts:
    return read_facts(sorted(paths))


def _ends(handshake: HandshakeFact) -> tuple[str, int, str, int]:
    return handshake.client, handshake.client_port, handshake.server, handshake.server_port


def test_every_generated_connection_is_whole_and_another(tmp_path: Path) -> None:
    capture = tmp_path / "dense.pcap"
    shape = dense_shape(2)
    generate(shape, capture)
    facts = _facts(capture)
    assert len(facts.handshakes) == shape.connections
    assert all(one.complete and one.application_data and one.certificates for one in facts.handshakes)
    assert not any(one.missing_bytes for one in facts.handshakes)
    for distinct in (
        {_ends(one) for one in facts.handshakes},
        {one.client_random for one in facts.handshakes},
        {one.server_random for one in facts.handshakes},
    ):
        assert len(distinct) == shape.connections
    assert facts.captures[0].tcp_gaps == 0


def test_a_longer_capture_holds_other_connections_at_later_times(tmp_path: Path) -> None:
    capture = tmp_path / "bulk.pcap"
    shape = bulk_shape(10)
    generate(shape, capture)
    once = capture.stat().st_size
    before = capture.read_bytes()
    grow(capture, once, 2)
    grow(capture, once, 3)
    assert capture.stat().st_size == PCAP_HEADER + 3 * (once - PCAP_HEADER)
    content = capture.read_bytes()
    assert content[:once] == before
    starts = record_starts(capture, len(content))[:-1].tolist()
    times = [struct.unpack_from("<II", content, start) for start in starts]
    assert all(one < later for one, later in pairwise(times))
    facts = _facts(capture)
    assert len(facts.handshakes) == 3 * shape.connections
    assert len({_ends(one) for one in facts.handshakes}) == 3 * shape.connections
    assert len({one.client_random for one in facts.handshakes}) == 3 * shape.connections
    assert not any(one.missing_bytes for one in facts.handshakes)
    assert facts.captures[0].tcp_gaps == 0


def test_a_rotated_set_holds_the_same_packets(tmp_path: Path) -> None:
    capture, directory = tmp_path / "bulk.pcap", tmp_path / "rotated"
    generate(bulk_shape(10), capture)
    directory.mkdir()
    cut(capture, directory, 7)
    files = sorted(directory.iterdir())
    assert [path.name for path in files][::6] == [
        "egress_00001_20261122104300.pcap",
        "egress_00007_20261122104300.pcap",
    ]
    contents = [path.read_bytes() for path in files]
    assert {content[:PCAP_HEADER] for content in contents} == {capture.read_bytes()[:PCAP_HEADER]}
    assert b"".join(content[PCAP_HEADER:] for content in contents) == capture.read_bytes()[PCAP_HEADER:]
    sizes = np.array([len(content) for content in contents])
    assert sizes.max() - sizes.min() < 4000


def test_memory_of_processes_side_by_side_is_added_up() -> None:
    hold = "import sys, time; held = b'x' * 30_000_000; print(len(held)); time.sleep(0.4)"
    script = f'"{sys.executable}" -c "{hold}" & "{sys.executable}" -c "{hold}"; wait'
    one, both = compare(
        [
            Program("one", (sys.executable, "-c", hold), lambda lines: sum(map(int, lines))),
            Program("both", ("sh", "-c", script), lambda lines: sum(map(int, lines)), is_tree=True),
        ],
        1,
        lambda _: None,
    )
    assert (one.certificates, both.certificates) == (30_000_000, 60_000_000)
    assert one.peak > 30_000_000
    assert both.peak > 60_000_000


def test_a_program_that_takes_too_long_is_stopped_and_not_run_again() -> None:
    program = Program("sleep", ("sleep", "30"), limit=0.2)
    (result,) = compare([program], 3, lambda _: None)
    assert not result.finished
    assert [run.status for run in result.runs] == [-9]


def test_a_program_that_fails_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    (result,) = compare([Program("broken", ("sh", "-c", "echo why >&2; exit 3"))], 2, lambda _: None)
    assert not result.finished
    assert capsys.readouterr().err == "broken: why\n\n"

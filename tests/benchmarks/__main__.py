"""Times ``ocsp-pcap`` against other programs on captures made from the samples.

One command: makes the captures, runs the programs in turn on the same files, prints tables of times,
ratios and peak memory, and the goals beside what was measured.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.benchmarks import report
from tests.benchmarks.derive import cut, grow, record_starts
from tests.benchmarks.generate import SAMPLES, bulk_shape, dense_shape, generate
from tests.benchmarks.measure import Program, compare
from tests.benchmarks.programs import dissectors, ours, python_peers, stored, tcpdump, tshark
from tests.benchmarks.report import Goal, Section

SMALL_CAPTURE = SAMPLES / "tls-handshake-forms" / "openssl.pcap"
"""About 50 kB."""
QUICK = 20
"""By which --quick divides sizes and time limits."""
QUICK_FILES = 4
FACTS, EXPLAIN, STORED = "ocsp-pcap facts", "ocsp-pcap explain", "ocsp-pcap explain, of Parquet"
TSHARK_MEMORY = 1.65
"""Bytes that tshark takes for each byte of a bulk capture."""
TSHARK_TIMES = 2
"""Times the bulk capture up to which tshark is run."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    size: float
    dense: float
    memory: int
    files: int
    runs: int
    limit: float
    everywhere: bool


class Benchmark:
    """One run of everything, in a directory for its captures."""

    def __init__(self, options: Options, directory: Path, console: Console) -> None:
        self._options, self._directory, self._console = options, directory, console
        self.sections: dict[str, Section] = {}

    def run(self) -> None:
        """Make captures and measure on them, the longest last."""
        self._dense()
        bulk = self._directory / "bulk.pcap"
        if self._options.size:
            self._bulk(bulk)
            if self._options.files:
                self._rotated(bulk)
        self._start()
        if self._options.size and self._options.memory:
            self._memory(bulk)

    def _measure(self, key: str, title: str, programs: Sequence[Program], runs: int = 0) -> None:
        results = compare(programs, runs or self._options.runs, report.progress(title))
        self.sections[key] = section = Section(title, tuple(results))
        report.print_section(section, self._console)

    def _dense(self) -> None:
        if not self._options.dense:
            return
        capture, shape = self._directory / "dense.pcap", dense_shape(self._options.dense)
        generate(shape, capture)
        _store(capture)
        name = str(capture)
        programs = [
            ours("facts", name),
            ours("explain", name),
            ours("explain", "-v", name, name=f"{EXPLAIN} -v"),
            tshark([capture]),
            tcpdump([capture]),
            *dissectors(capture),
            *python_peers(capture, self._options.limit),
        ]
        title = f"dense: {_described(capture)}, {shape.connections:,} handshakes"
        self._measure("dense", title, programs)

    def _bulk(self, capture: Path) -> None:
        shape = bulk_shape(self._options.size)
        generate(shape, capture)
        _store(capture)
        name = str(capture)
        skipped = None if self._options.everywhere else "only with --all"
        tables = self._directory / "tables"
        programs = [
            ours("facts", name),
            ours("explain", name),
            stored(capture, tables),
            tshark([capture]),
            tcpdump([capture]),
            *dissectors(capture),
            *python_peers(capture, self._options.limit * 15, skipped),
        ]
        title = f"bulk: {_described(capture)}, {shape.connections:,} handshakes"
        self._measure("bulk", title, programs)
        shutil.rmtree(tables, ignore_errors=True)

    def _rotated(self, bulk: Path) -> None:
        directory = self._directory / "rotated"
        directory.mkdir()
        cut(bulk, directory, self._options.files)
        captures = sorted(directory.iterdir())
        _store(*captures)
        pattern = str(directory / "egress_*.pcap")
        programs = [
            *(ours("facts", "--jobs", jobs, pattern, name=f"{FACTS} --jobs {jobs}") for jobs in ("1", "2")),
            tshark(captures, once=True),
            tcpdump(captures),
        ]
        self._measure("rotated", f"rotated: the same as bulk in {len(captures)} files", programs)
        shutil.rmtree(directory)

    def _start(self) -> None:
        programs = [
            ours("--version"),
            ours("explain", str(SMALL_CAPTURE)),
            tshark([SMALL_CAPTURE]),
            tcpdump([SMALL_CAPTURE]),
        ]
        title = f"start-up: a sample of {SMALL_CAPTURE.stat().st_size / 1000:.0f} kB"
        self._measure("start", title, programs)

    def _memory(self, bulk: Path) -> None:
        once = bulk.stat().st_size
        for times in (2**power for power in range(self._options.memory.bit_length())):
            missing = once * times - bulk.stat().st_size
            if shutil.disk_usage(self._directory).free < missing * 1.1:
                self._console.print(f"memory: no room for {times} times the bulk capture", highlight=False)
                break
            grow(bulk, once, times)
            _store(bulk)
            name, needed = str(bulk), bulk.stat().st_size * TSHARK_MEMORY
            unavailable = None
            if times > TSHARK_TIMES or needed > _memory_for_one():
                unavailable = f"it needs {needed / 1e9:.1f} GB of memory"
            programs = [
                ours("facts", name),
                tcpdump([bulk]),
                tshark([bulk], once=True, unavailable=unavailable),
            ]
            title = f"memory: {times} times bulk, {bulk.stat().st_size / 1e9:.2f} GB"
            self._measure(f"memory-{times}", title, programs, 1)
        os.truncate(bulk, once)

    def goals(self) -> list[Goal]:
        """Return what the project wants to reach, and how far it is, in processor time."""
        ratio = report.ratio_goal
        dense, bulk, rotated, start = map(self.sections.get, ("dense", "bulk", "rotated", "start"))
        return [
            ratio("bulk: facts takes 11 times less than tshark", bulk, "tshark", FACTS, least=11),
            ratio("dense: facts takes 3 times less than tshark", dense, "tshark", FACTS, least=3),
            ratio("bulk: facts takes less than ndpiReader", bulk, FACTS, "ndpiReader", most=1),
            ratio("bulk: facts takes at most 7 times as much as tcpdump", bulk, FACTS, "tcpdump", most=7),
            ratio("bulk: explain takes at most 1.4 times as much as facts", bulk, EXPLAIN, FACTS, most=1.4),
            ratio("dense: explain takes at most 1.4 times as much as facts", dense, EXPLAIN, FACTS, most=1.4),
            ratio("bulk: explaining Parquet takes less than reading packets", bulk, STORED, FACTS, most=1),
            report.seconds_goal("dense: explain -v in less than 1.5 s", 1.5, dense, f"{EXPLAIN} -v"),
            report.seconds_goal("--version in less than 0.15 s", 0.15, start, "ocsp-pcap --version"),
            report.seconds_goal("explain of 50 kB in less than 0.6 s", 0.6, start, EXPLAIN),
            ratio(
                "rotated: two processes end 1.7 times sooner than one",
                rotated,
                f"{FACTS} --jobs 1",
                f"{FACTS} --jobs 2",
                least=1.7,
                wall=True,
            ),
            report.certificates_goal("rotated: as many certificates as in one file", rotated, bulk, FACTS),
            *(
                report.memory_goal(
                    f"facts in less than {most} MB at {times} times bulk",
                    most,
                    self.sections.get(f"memory-{times}"),
                    FACTS,
                )
                for times, most in ((1, 100), (8, 200))
            ),
        ]


def _store(*captures: Path) -> None:
    """Wait until captures are on the disk, so that nothing is measured while the system writes them."""
    for capture in captures:
        with capture.open("rb") as file:
            os.fsync(file.fileno())


def _described(capture: Path) -> str:
    size = capture.stat().st_size
    return f"{size / report.MEGABYTE:,.0f} MB, {len(record_starts(capture, size)) - 1:,} packets"


def _memory_for_one() -> int:
    """Return the bytes that one program may take: four fifths of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 8 // 10


def _options(arguments: Sequence[str] | None) -> tuple[Options, argparse.Namespace]:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--size", type=float, default=1000, metavar="MB", help="bulk capture, 0: none (%(default)s)")
    add("--dense", type=float, default=32, metavar="MB", help="dense capture, 0: none (%(default)s)")
    add(
        "--memory",
        type=int,
        default=8,
        metavar="N",
        help="memory at 1, 2, 4 … N times the bulk capture, with as much\nroom on disk; 0: not (%(default)s)",
    )
    add("--files", type=int, default=40, metavar="N", help="files of the rotated set, 0: none (%(default)s)")
    add("--runs", type=int, default=3, metavar="N", help="runs of each program (%(default)s)")
    add(
        "--limit",
        type=float,
        default=120,
        metavar="SECONDS",
        help="for pyshark and scapy on the dense capture, each (%(default)s)",
    )
    add("--all", action="store_true", help="pyshark and scapy on the bulk capture, too, within 15 times that")
    add("--quick", action="store_true", help=f"all at 1/{QUICK} of the size, one run: does it work?")
    add("-o", "--markdown", type=Path, metavar="FILE", help="write the same as GitHub markdown")
    add("--keep", type=Path, metavar="DIRECTORY", help="write the captures here and keep bulk and dense")
    given = parser.parse_args(arguments)
    scale = QUICK if given.quick else 1
    options = Options(
        given.size / scale,
        given.dense / scale,
        given.memory,
        min(given.files, QUICK_FILES) if given.quick else given.files,
        1 if given.quick else given.runs,
        given.limit / scale,
        given.all,
    )
    return options, given


def main(arguments: Sequence[str] | None = None) -> None:
    """Generate, run, print."""
    options, given = _options(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    said = report.conditions(options.runs)
    for paragraph in said:
        console.print(paragraph, highlight=False)
    with tempfile.TemporaryDirectory(prefix="ocsp-pcap-benchmark-") as temporary:
        if given.keep is not None:
            given.keep.mkdir(parents=True, exist_ok=True)
        benchmark = Benchmark(options, given.keep or Path(temporary), console)
        benchmark.run()
    if given.quick:
        console.print("--quick: these captures are too small for the goals to be reached.", highlight=False)
    goals = benchmark.goals()
    report.print_goals(goals, console)
    if given.markdown is not None:
        text = report.markdown(said, list(benchmark.sections.values()), goals)
        given.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Tables of what was measured, for the console and as GitHub markdown."""

from __future__ import annotations

import math
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.benchmarks.measure import Result, first_line
from tests.benchmarks.programs import our_command

MEGABYTE = 1_000_000
NONE = "-"
HEADINGS = (
    "program",
    "seconds",
    "CPU seconds",
    "CPU against facts",
    "peak memory",
    "certificates",
)
NOTES = (
    "Whole processes, start-up included, in turn on the same files, which are in the page cache as far as "
    "they fit; all write to a file. Seconds are medians. Peak memory is the largest resident set of any one "
    "process; with *, of programs that run several processes at a time, the largest sum over them "
    "(proportional set sizes, looked at every 25 ms)."
)


@dataclass(frozen=True, slots=True)
class Section:
    """The results on one capture."""

    title: str
    results: tuple[Result, ...]

    def result(self, start: str) -> Result | None:
        """Return the result of the first program whose name starts so, where it came to an end."""
        found = (one for one in self.results if one.program.name.startswith(start))
        return next((one for one in found if one.finished), None)

    def rows(self) -> list[tuple[str, ...]]:
        """Return the cells of each program."""
        ours = self.result("ocsp-pcap facts")
        return [_row(result, ours) for result in self.results]


@dataclass(frozen=True, slots=True)
class Goal:
    """What the project sets out to reach, and what was measured."""

    text: str
    measured: str
    is_met: bool | None
    """None: it was not measured."""

    def row(self) -> tuple[str, str, str]:
        """Return its cells."""
        return self.text, self.measured, NONE if self.is_met is None else "yes" if self.is_met else "no"


def _row(result: Result, ours: Result | None) -> tuple[str, ...]:
    program = result.program
    if not result.runs:
        return (f"{program.name}: not run, {program.unavailable}", *[NONE] * (len(HEADINGS) - 1))
    seconds, name = _seconds(result.wall), program.name
    if not result.finished:
        is_late = result.runs[-1].wall >= program.limit
        name += " (stopped)" if is_late else " (failed)"
        seconds = f"> {program.limit:.0f}" if is_late else NONE
    return (
        name,
        seconds,
        _seconds(result.processor),
        NONE if ours is None or not result.finished else f"{result.processor / ours.processor:,.2f}",
        f"{result.peak / MEGABYTE:,.0f} MB" + ("*" if program.is_tree else ""),
        NONE if result.certificates is None else f"{result.certificates:,}",
    )


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 20 else f"{value:.1f}"


def ratio_goal(
    text: str,
    section: Section | None,
    one: str,
    other: str,
    *,
    least: float = 0,
    most: float = math.inf,
    wall: bool = False,
) -> Goal:
    """Return a goal of a program to take so many times the processor time, or wall time, of another."""
    numerator, divisor = (section.result(name) if section is not None else None for name in (one, other))
    if numerator is None or divisor is None:
        return Goal(text, NONE, None)
    times = numerator.wall / divisor.wall if wall else numerator.processor / divisor.processor
    return Goal(text, f"{times:.2f} times", least <= times <= most)


def certificates_goal(text: str, section: Section | None, whole: Section | None, program: str) -> Goal:
    """Return the goal of a program to find the same number of certificates in files as in one."""
    one, other = (each.result(program) if each is not None else None for each in (section, whole))
    if one is None or other is None:
        return Goal(text, NONE, None)
    return Goal(
        text, f"{one.certificates:,} of {other.certificates:,}", one.certificates == other.certificates
    )


def seconds_goal(text: str, goal: float, section: Section | None, program: str) -> Goal:
    """Return a goal of a program to take less than so many seconds of processor time."""
    result = section.result(program) if section is not None else None
    if result is None:
        return Goal(text, NONE, None)
    return Goal(text, f"{_seconds(result.processor)} s", result.processor < goal)


def memory_goal(text: str, goal: int, section: Section | None, program: str) -> Goal:
    """Return a goal of a program to need less than so many megabytes."""
    result = section.result(program) if section is not None else None
    if result is None:
        return Goal(text, NONE, None)
    return Goal(text, f"{result.peak / MEGABYTE:,.0f} MB", result.peak < goal * MEGABYTE)


def conditions(runs: int) -> list[str]:
    """Say when, on what machine, with what and how was measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC. {os.cpu_count()} processors ({_processor()}), "
        f"{memory:.0f} GiB of memory, {platform.system()} {platform.release()} {platform.machine()}.",
        ", ".join(
            (
                f"Python {platform.python_version()}",
                first_line((our_command(), "--version")).replace(", version", ""),
                first_line(("tshark", "--version")).rstrip("."),
                first_line(("tcpdump", "--version")),
                first_line(("ndpiReader", "--help")).removeprefix("Welcome to "),
                first_line(("ssldump", "-v")),
                f"pyshark {_package('pyshark')}",
                f"scapy {_package('scapy')}",
            )
        )
        + ".",
        f"{NOTES} {_counted(runs, 'run')} of each program, after one that does not count; one of those that "
        "take long (pyshark, scapy, tshark over several files) and on the captures of the memory curve."
        if runs > 1
        else NOTES,
    ]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or "unknown")


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def print_section(section: Section, console: Console) -> None:
    """Print the results on one capture."""
    _print(section.title, HEADINGS, section.rows(), console)


def print_goals(goals: Sequence[Goal], console: Console) -> None:
    """Print the goals."""
    _print("Goals", ("goal", "measured", "met"), [goal.row() for goal in goals], console, left=2)


def _print(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], console: Console, left: int = 1
) -> None:
    table = Table(title=escape(title), title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < left else "right")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def markdown(said: Sequence[str], sections: Sequence[Section], goals: Sequence[Goal]) -> str:
    """Return everything as GitHub markdown: one table of all captures, one of the goals."""
    rows = [
        (section.title if number == 0 else "", *row)
        for section in sections
        for number, row in enumerate(section.rows())
    ]
    alignment = ("---", "---", *["---:"] * (len(HEADINGS) - 1))
    return (
        "\n\n".join(
            (
                *said,
                _markdown_table(("capture", *HEADINGS), alignment, rows),
                _markdown_table(("goal", "measured", "met"), ("---",) * 3, [goal.row() for goal in goals]),
            )
        )
        + "\n"
    )


def _markdown_table(headings: Sequence[str], alignment: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    escaped = ([cell.replace("|", r"\|").replace("*", r"\*") for cell in row] for row in rows)
    lines = (headings, alignment, *escaped)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def progress(section: str) -> Callable[[str], None]:
    """Return what tells, on a terminal, which program runs."""
    is_terminal = sys.stderr.isatty()

    def tell(program: str) -> None:
        if is_terminal:
            print(f"\r\x1b[K{section}: {program}", end="\r", file=sys.stderr, flush=True)

    return tell

"""Runs whole programs in turn, and keeps what they cost."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

LAUNCHER = Path(__file__).with_name("one_run.py")


@dataclass(frozen=True, slots=True)
class Program:
    """A command to be timed on a capture."""

    name: str
    command: tuple[str, ...]
    count: Callable[[Iterable[bytes]], int] | None = None
    """Counts certificates in the lines that it prints, where it prints them."""
    is_tree: bool = False
    """It starts processes that run at the same time: their memory is added up."""
    once: bool = False
    """It takes so long that one run is enough, without one to warm up."""
    limit: float = 3600
    """Seconds after which it is stopped."""
    unavailable: str | None = None
    """Why it is not run at all; None: it is run."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds, seconds of processor time, and bytes."""

    wall: float
    user: float
    system: float
    peak: int
    status: int


@dataclass(frozen=True, slots=True)
class Result:
    """All runs of one program on one capture."""

    program: Program
    runs: tuple[Run, ...]
    """Empty where it was not run."""
    certificates: int | None
    """Certificates that it showed; None where it shows none or did not come to an end."""

    @property
    def wall(self) -> float:
        """Median seconds."""
        return median(run.wall for run in self.runs)

    @property
    def processor(self) -> float:
        """Median seconds of processor time, in user mode and for it in the kernel."""
        return median(run.user + run.system for run in self.runs)

    @property
    def peak(self) -> int:
        """Most memory of any run, in bytes."""
        return max(run.peak for run in self.runs)

    @property
    def finished(self) -> bool:
        """It was run, and no run was stopped at the time limit or failed."""
        return bool(self.runs) and all(run.status == 0 for run in self.runs)


def compare(programs: Sequence[Program], runs: int, tell: Callable[[str], None]) -> list[Result]:
    """Run the programs in turn, A B A B …, so that none has a quieter machine than the others.

    A program that does not come to a good end is not run again. One run of each before the first that
    counts brings programs and capture into memory, where there are several; certificates are counted
    in the output of the first run. All write their output to a file.
    """
    found: dict[str, list[Run]] = {program.name: [] for program in programs}
    certificates: dict[str, int | None] = dict.fromkeys(found)
    for turn in range(runs + (runs > 1)):
        for program in programs:
            kept = found[program.name]
            if program.unavailable or (program.once and turn) or any(run.status for run in kept):
                continue
            tell(program.name)
            with tempfile.TemporaryFile() as output:
                kept.append(_run(program, output.fileno()))
                if turn == 0 and program.count is not None and kept[-1].status == 0:
                    output.seek(0)
                    certificates[program.name] = program.count(output)
            if turn == 0 and runs > 1 and not program.once and not kept[-1].status:
                kept.clear()
    return [Result(program, tuple(found[program.name]), certificates[program.name]) for program in programs]


def _run(program: Program, output: int) -> Run:
    with tempfile.NamedTemporaryFile() as messages:
        command = [sys.executable, "-I", "-S", str(LAUNCHER), str(program.limit)]
        done = subprocess.run(
            [*command, "tree" if program.is_tree else "process", *program.command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            env={**environment(), "MESSAGES": messages.name},
            text=True,
            check=True,
        )
        wall, user, system, peak, status = map(float, done.stderr.split())
        if status > 0:
            sys.stderr.write(f"{program.name}: {messages.read().decode(errors='replace')}\n")
    return Run(wall, user, system, int(peak), int(status))


def environment() -> dict[str, str]:
    """As users have it: Python keeps the byte code of what it has loaded once."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def first_line(command: Sequence[str]) -> str:
    """Return the first line that a command prints, or that there is no such command."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return f"{command[0]} not installed"
    text = (done.stdout + done.stderr).strip()
    return text.splitlines()[0] if text else "unknown"

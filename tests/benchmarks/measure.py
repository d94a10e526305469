"""Runs whole programs and measures what the kernel says they cost.

This module, and whoever starts programs through it, stays small: a child's peak memory counts from
the memory of its parent at the time of the fork.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import struct_rusage
from statistics import median
from typing import BinaryIO

WARMED_UP = 3
"""Programs that are run once before they are timed; the others take minutes."""


@dataclass(frozen=True, slots=True)
class Program:
    """A command to be timed on a capture."""

    name: str
    command: tuple[str, ...]
    count: Callable[[bytes], int] | None = None
    """Counts certificates in what it prints, where it prints them."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds, seconds of processor time, and bytes."""

    wall: float
    user: float
    system: float
    peak: int
    certificates: int | None
    finished: bool


@dataclass(frozen=True, slots=True)
class Result:
    """All runs of one program on one capture."""

    program: str
    runs: tuple[Run, ...]

    @property
    def wall(self) -> float:
        """Median seconds."""
        return median(run.wall for run in self.runs)

    @property
    def processor(self) -> float:
        """Median seconds of processor time, in user mode and for it in the kernel."""
        return median(run.user + run.system for run in self.runs)

    @property
    def user(self) -> float:
        """Median seconds of processor time in user mode."""
        return median(run.user for run in self.runs)

    @property
    def peak(self) -> int:
        """Most memory of any run, in bytes."""
        return max(run.peak for run in self.runs)

    @property
    def certificates(self) -> int | None:
        """Certificates that it showed."""
        return self.runs[-1].certificates

    @property
    def finished(self) -> bool:
        """No run was stopped at the time limit or failed."""
        return all(run.finished for run in self.runs)


def compare(programs: Sequence[Program], runs: int, limit: float) -> list[Result]:
    """Run the programs in turn, A B A B …, so that none has a quieter machine than the others.

    A program that runs into the limit (seconds) is not run again. One run of each before the first that
    counts brings programs and capture into memory, where there are several.
    """
    found: dict[str, list[Run]] = {program.name: [] for program in programs}
    if runs > 1:
        for program in programs[:WARMED_UP]:
            _run(program, limit)
    for _ in range(runs):
        for program in programs:
            if all(run.finished for run in found[program.name]):
                found[program.name].append(_run(program, limit))
    return [Result(name, tuple(each)) for name, each in found.items()]


def _run(program: Program, limit: float) -> Run:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        status, usage = _wait(program.command, output, errors, limit)
        wall = time.perf_counter() - started
        if status > 0:
            errors.seek(0)
            sys.stderr.write(f"{program.name}: {errors.read().decode(errors='replace')}\n")
        certificates = None
        if program.count is not None and status == 0:
            output.seek(0)
            certificates = program.count(output.read())
    return Run(wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * 1024, certificates, status == 0)


def _wait(
    command: Sequence[str], output: BinaryIO, errors: BinaryIO, limit: float
) -> tuple[int, struct_rusage]:
    """Run a command in a process group of its own; return its exit status and resource usage."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        env=_environment(),
        start_new_session=True,
    )
    timer = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage


def _environment() -> dict[str, str]:
    """As users have it: Python keeps the byte code of what it has loaded once."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def first_line(command: Sequence[str]) -> str:
    """Return the first line that a command prints, "not installed" where there is no such command."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "not installed"
    text = (done.stdout + done.stderr).strip()
    return text.splitlines()[0] if text else "unknown"


def generate(shape: str, output: Path, megabytes: float) -> None:
    """Write a capture in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.generate", shape, str(output)]
    subprocess.run([*command, "--megabytes", str(megabytes)], check=True)

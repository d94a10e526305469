"""Run the worst cases: ``python -m tests.worst_cases [-k WORD] [--markdown]``.

Each is made at N and at 2N, and the program run on both, as a user would. Printed are CPU seconds, the
most memory held, and growth: CPU at 2N over CPU at N, less what it takes to start. Exit status 1 where a
case costs more than it may, grows faster than its size, or ends in an internal error.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .cases import CASES, WorstCase

GROWTH = 3.0
"""CPU at 2N over that at N, from which on it is no longer called linear (small times are uneven)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took."""

    seconds: float
    megabytes: float
    status: int
    message: str


def run(arguments: list[str]) -> Cost:
    """Run the program; its results go nowhere."""
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            [sys.executable, "-m", "ocsp_pcap", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=messages,
            stdin=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        messages.seek(0)
        text = messages.read().decode("utf-8", "replace")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, process.returncode, text)


def measure(case: WorstCase, size: int) -> Cost:
    """Make a case of a size and run the program on it."""
    with tempfile.TemporaryDirectory() as folder:
        return run(case.make(Path(folder), size))


def faults(case: WorstCase, once: Cost, twice: Cost, start: float) -> list[str]:
    """Say what a case does that it must not."""
    found = []
    if once.seconds > case.seconds:
        found.append(f"{once.seconds:.1f} s of CPU, at most {case.seconds:.0f}")
    if once.megabytes > case.megabytes:
        found.append(f"{once.megabytes:.0f} MB, at most {case.megabytes}")
    if twice.seconds > 2 and growth(once, twice, start) > GROWTH:
        found.append("grows faster than its size")
    found += [
        f"exit status {cost.status}: {cost.message.strip()[-200:]}"
        for cost in (once, twice)
        if "Traceback" in cost.message or "internal error" in cost.message or cost.status not in (0, 2)
    ]
    return found


def growth(once: Cost, twice: Cost, start: float) -> float:
    """Return by how much CPU grows when the size doubles."""
    return (twice.seconds - start) / max(once.seconds - start, 0.05)


def main() -> int:
    """Run the cases and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.worst_cases", description=__doc__)
    parser.add_argument("-k", dest="word", default="", help="only cases whose name has this word")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args()
    start = run(["facts", "--help"]).seconds
    bad = False
    line = "| {:<32} | {:>9} | {:>7} | {:>7} | {:>7} | {:>7} | {:>6} | {}{}"
    end = "|" if options.markdown else ""
    heads = ("case", "N", "CPU s", "MB", "2N: CPU s", "2N: MB", "growth", "what N counts")
    print(line.format(*heads, end and " |"))
    if options.markdown:
        print("|---|---:|---:|---:|---:|---:|---:|---|")
    for case in CASES:
        if options.word not in case.name:
            continue
        once, twice = measure(case, case.size), measure(case, 2 * case.size)
        found = faults(case, once, twice, start)
        bad = bad or bool(found)
        numbers = (
            f"{once.seconds:.2f}",
            f"{once.megabytes:.0f}",
            f"{twice.seconds:.2f}",
            f"{twice.megabytes:.0f}",
        )
        what = case.what + (f" **{'; '.join(found)}**" if found else "")
        rate = f"{growth(once, twice, start):.1f}" if twice.seconds > 1 else "-"
        print(line.format(case.name, f"{case.size:,}", *numbers, rate, what, end and " |"), flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())

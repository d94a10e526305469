"""Runs one command and prints what the kernel says that it cost: ``one_run.py LIMIT tree|process COMMAND …``.

Prints seconds, seconds of processor time in user mode and in the kernel, bytes of memory at the peak and
the exit status (negative: killed by that signal) as one line to standard error, which the command does
not get: its messages go to the file of the variable ``MESSAGES``. A command that takes more than LIMIT
seconds is killed.

It imports next to nothing, because a command's peak memory counts from the memory of the process that
started it. Of a ``process`` the peak is the largest resident set of any one process (wait4); of a
``tree`` it is the largest sum over all its processes (proportional set sizes), looked at now and then.
"""

from __future__ import annotations

import os
import signal
import sys
import time

# Importing pathlib would make this process larger.
# ruff: noqa: PTH123, PTH208

INTERVAL = 0.025


def main() -> None:
    """Run the command."""
    limit, is_tree, command = float(sys.argv[1]), sys.argv[2] == "tree", sys.argv[3:]
    messages = os.open(os.environ.pop("MESSAGES"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    started = time.perf_counter()
    child = os.posix_spawnp(
        command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, messages, 2)], setsid=True
    )
    sampled = 0

    def look(*_: object) -> None:
        nonlocal sampled
        if is_tree:
            sampled = max(sampled, _tree_memory(child))
        if time.perf_counter() - started > limit:
            os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, *((INTERVAL, INTERVAL) if is_tree else (limit + INTERVAL, 1)))
    try:
        _, status, usage = os.wait4(child, 0)
    except BaseException:
        os.killpg(child, signal.SIGKILL)
        raise
    wall = time.perf_counter() - started
    signal.setitimer(signal.ITIMER_REAL, 0)
    code = os.waitstatus_to_exitcode(status)
    peak = max(sampled, usage.ru_maxrss * 1024)
    print(wall, usage.ru_utime, usage.ru_stime, peak, code, file=sys.stderr)


def _tree_memory(process: int) -> int:
    """Return the bytes that a process and its descendants hold, what they share counted once."""
    total = _share(process)
    for task in _names(f"/proc/{process}/task"):
        for child in _text(f"/proc/{process}/task/{task}/children").split():
            total += _tree_memory(int(child))
    return total


def _share(process: int) -> int:
    for line in _text(f"/proc/{process}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _text(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


if __name__ == "__main__":
    main()

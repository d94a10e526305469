"""Progress on a terminal, and Ctrl-C while captures are read."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ocsp_pcap.capture.rotation import families
from ocsp_pcap.progress import ReadingWatch

from .program import TIMEOUT, environment, run, wait_until_read

DIRECT = Path(__file__).resolve().parents[2] / "samples" / "direct" / "capture.pcap"
IMPATIENT = "import sys; from ocsp_pcap import cli, progress; progress.PATIENCE = -1; cli.main()"
INTERRUPTING = """
import os, signal
from ocsp_pcap import cli
from ocsp_pcap.observe import capture
once = capture.TcpObserver.receive
def receive(self, columns):
    once(self, columns)
    os.kill(os.getpid(), signal.SIGINT)
capture.TcpObserver.receive = receive
cli.main()
"""


def run_on_terminal(*arguments: str) -> tuple[bytes, str]:
    """Run the program with a terminal as standard error; return standard output and what the terminal got."""
    mine, theirs = pty.openpty()
    with os.fdopen(mine, "rb", buffering=0) as screen:
        done = subprocess.Popen(
            [sys.executable, "-c", IMPATIENT, *arguments],
            stdout=subprocess.PIPE,
            stderr=theirs,
            env=environment({"TERM": "xterm", "COLUMNS": "120"}),
        )
        os.close(theirs)
        shown = b""
        try:
            while piece := screen.read(4096):
                shown += piece
        except OSError:
            pass  # how Linux tells that the other end is closed
        out, _ = done.communicate(timeout=TIMEOUT)
    assert done.returncode == 0
    return out, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def test_progress_on_a_terminal() -> None:
    out, shown = run_on_terminal("facts", str(DIRECT))
    assert "202 packets" in shown
    assert "reading" in shown
    assert json.loads(out.splitlines()[0])["packets"] == 202


def test_no_progress_elsewhere() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPATIENT, "facts", str(DIRECT)],
        capture_output=True,
        env=environment(),
        timeout=TIMEOUT,
        check=True,
    )
    assert done.stderr == b""


@pytest.mark.parametrize("command", ["facts", "explain"])
def test_interrupted_while_at_work(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTING, command, str(DIRECT), str(DIRECT.parent.parent / "staples")],
        capture_output=True,
        env=environment(),
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 130
    told = done.stderr.decode()
    assert "reading was interrupted: what follows is a partial result" in told
    assert "could be begun" in told
    assert b"reading was interrupted after frame" in done.stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupted_before_anything_was_read(jobs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for a capture that cannot be read."""

    def interrupted(*arguments: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return families(*arguments)

    monkeypatch.setattr("ocsp_pcap.read_captures.families", interrupted)
    result = run("facts", DIRECT, "--jobs", jobs)
    assert (result.status, result.out) == (130, "")
    assert result.err == "ocsp-pcap: reading was interrupted before 1 file could be begun.\n"


def test_the_second_interrupt_is_at_once() -> None:
    watch = ReadingWatch(terminal=False)
    watch.interrupt(signal.SIGINT)
    assert watch.stopped
    with pytest.raises(KeyboardInterrupt):
        watch.interrupt(signal.SIGINT)


def test_waiting_ends_where_the_user_interrupts() -> None:
    watch = ReadingWatch(terminal=False)

    def blocks() -> int:
        watch.interrupt()
        return 1

    assert watch.wait(blocks) is None
    assert watch.stopped
    assert ReadingWatch(terminal=False).wait(lambda: 1) == 1


@pytest.mark.parametrize("late", [0, 4000])
def test_a_pipe_that_is_interrupted_is_explained_as_far_as_it_came(late: int, tmp_path: Path) -> None:
    """``tcpdump -w - | ocsp-pcap explain -``: Ctrl-C goes to both, and tcpdump then writes what it held."""
    content = DIRECT.read_bytes()
    out = tmp_path / "out.json"
    out.write_text("before")
    command = [sys.executable, "-m", "ocsp_pcap", "explain", "-", "--format", "json", "-o", str(out)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as program:
        assert program.stdin is not None
        program.stdin.write(content[: len(content) - late])
        program.stdin.flush()
        wait_until_read(program.stdin.fileno())
        program.send_signal(signal.SIGINT)
        time.sleep(0.1)
        program.stdin.write(content[len(content) - late :])
        program.stdin.close()
        program.stdin = None
        _, told = program.communicate(timeout=60)
    assert program.returncode == 130
    assert out.read_text() == "before"
    found = json.loads((tmp_path / "out.json.partial").read_text())
    assert any(verdict["cause"] == "queried" for verdict in found["verdicts"])
    assert b"out.json.partial" in told

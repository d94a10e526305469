"""Every file that the program writes is there whole or not at all, whatever ends the writing."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .program import DIRECT, environment

WRITING = {
    "explain": ("explain", str(DIRECT), "--format", "html", "-o", "out"),
    "facts": ("facts", str(DIRECT), "-o", "out"),
    "check": ("check", str(DIRECT), "--write", "out"),
    "evidence": ("evidence", str(DIRECT), "-o", "out"),
    "ticket": ("ticket", str(DIRECT), "-o", "folder"),
    "ticket of what is replaced": ("ticket", str(DIRECT), "-o", "folder", "--anonymize"),
}
SLOWLY = """
import os, signal, sys
# What is started in the background of a shell ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)
def slow(event, arguments):
    if event in ("os.rename", "shutil.rmtree") and not os.path.exists("reached"):
        open("reached", "w").close()
        import time
        time.sleep(60)
sys.addaudithook(slow)
from ocsp_pcap.cli import main
main()
"""


def before(folder: Path, command: str) -> None:
    """Put older results there, but for what is not replaced."""
    if command.startswith("ticket"):
        (folder / "folder").mkdir()
        (folder / "folder" / "answer.md").write_text("before")
    elif command != "check":
        (folder / "out").write_text("before")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", WRITING)
def test_a_file_that_grows_too_large_leaves_what_was_there(command: str, tmp_path: Path) -> None:
    """As a full disk does: RLIMIT_FSIZE makes every write beyond 1,000 bytes fail."""
    before(tmp_path, command)
    there = contents(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "ocsp_pcap", *WRITING[command]],
        cwd=tmp_path,
        env=environment() | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )
    assert done.returncode == 2, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(tmp_path) == there
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


SIGNALS = [(command, signal.SIGTERM) for command in WRITING if command != "facts"]
SIGNALS += [("facts", signal.SIGHUP), ("facts", signal.SIGINT)]


@pytest.mark.parametrize(("command", "number"), SIGNALS)
def test_a_signal_while_a_file_is_written_leaves_nothing_behind(
    command: str, number: signal.Signals, tmp_path: Path
) -> None:
    before(tmp_path, command)
    there = contents(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", SLOWLY, *WRITING[command]],
        cwd=tmp_path,
        # Bytecode is renamed into its place, too.
        env=environment() | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        for _ in range(1200):
            if (tmp_path / "reached").exists():
                break
            time.sleep(0.05)
        assert [path for path in tmp_path.iterdir() if path.name.startswith(".")], "it is being written"
        program.send_signal(number)
        _, told = program.communicate(timeout=60)
    (tmp_path / "reached").unlink()
    assert program.returncode == 128 + number
    assert "Traceback" not in told
    assert contents(tmp_path) == there
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]

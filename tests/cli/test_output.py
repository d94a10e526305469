"""Where output goes: files, pipes that close, terminals with and without colour, interruptions."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from .program import (
    CHILD,
    COMMAND,
    DIRECT,
    EXPECT,
    PARENT,
    SITE,
    TIMEOUT,
    environment,
    refused,
    run,
    run_process,
    wait_until_read,
)

FULL = Path("/dev/full")
ESCAPE = "\x1b"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_file_in_a_folder_that_is_not_there(form: str, tmp_path: Path) -> None:
    out = tmp_path / "missing" / "report"
    refused(run("explain", DIRECT, "--format", form, "-o", out), "cannot be written", "missing")
    refused(run("facts", DIRECT, "-o", out), "cannot be written")
    refused(run("check", DIRECT, "--expect", EXPECT, "--junit", out), "cannot be written")
    refused(run("evidence", DIRECT, "-o", out), "cannot be written")


def test_a_folder_as_output(tmp_path: Path) -> None:
    refused(run("explain", DIRECT, "-o", tmp_path), "this is a directory")


@pytest.mark.parametrize("command", ["explain", "facts", "evidence"])
def test_a_capture_is_not_overwritten(command: str, tmp_path: Path) -> None:
    capture = tmp_path / "capture.pcap"
    capture.write_bytes(DIRECT.read_bytes())
    refused(run(command, capture, "-o", capture), "is an input")
    assert capture.read_bytes() == DIRECT.read_bytes()


def test_a_file_that_is_no_report_is_not_replaced_without_a_word(tmp_path: Path) -> None:
    out = tmp_path / "notes.txt"
    out.write_text("call the customer back\n")
    said = run("explain", DIRECT, "-o", out).err
    assert f"{out}: will be replaced; what it holds does not look like a report of ocsp-pcap" in said
    assert "OCSP" in out.read_text()


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("explain", ()),
        ("explain", ("-v",)),
        ("explain", ("--format", "md")),
        ("explain", ("--format", "json")),
        ("explain", ("--format", "html")),
        ("facts", ()),
        ("evidence", ()),
    ],
)
def test_a_report_is_replaced_without_a_word(command: str, options: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "will be replaced" not in run(command, DIRECT, *options, "-o", out).err
    assert "will be replaced" not in run(command, DIRECT, *options, "-o", out).err


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_full_disk(form: str) -> None:
    refused(run("explain", DIRECT, "--format", form, "-o", FULL), "/dev/full: cannot be written")
    with FULL.open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "explain", str(DIRECT), "--format", form],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.decode().startswith("ocsp-pcap: standard output: cannot be written: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("explain", str(DIRECT), "-vv"), 0),
        (("explain", str(DIRECT), "--format", "json"), 0),
        (("explain", str(DIRECT), "--format", "html"), 0),
        (("facts", str(DIRECT)), 0),
        (("cause",), 0),
        (("check", str(DIRECT), "--expect", str(EXPECT)), 1),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_reader_that_goes_away(arguments: tuple[str, ...], status: int) -> None:
    """The pipe is closed before anything is written; the exit status is what it would have been."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, *arguments], stdout=writing, stderr=subprocess.PIPE, env=environment(), check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (status, b"")


@pytest.mark.parametrize(
    ("name", "options", "start"),
    [
        ("report.html", (), "<!DOCTYPE html>"),
        ("report.HTM", (), "<!DOCTYPE html>"),
        ("ticket.md", (), "**"),
        ("result.json", (), "{"),
        ("report.txt", (), "4 OCSP requests"),
        ("report.html", ("--format", "text"), "4 OCSP requests"),
    ],
)
def test_the_name_of_the_file_tells_the_format(
    tmp_path: Path, name: str, options: tuple[str, ...], start: str
) -> None:
    file = tmp_path / name
    result = run("explain", DIRECT, "-o", file, *options)
    assert result.status == 0
    assert file.read_text(encoding="utf-8").startswith(start)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_result_is_written_in_blocks(unbuffered: str) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        extra = {"PYTHONUNBUFFERED": unbuffered}
        subprocess.run([*COMMAND, "facts", DIRECT], stdout=theirs, env=environment(extra), check=True)
        ours.setblocking(False)
        block = ours.recv(1 << 20)
    assert block.decode() == run("facts", DIRECT).out


def test_no_standard_output_at_all() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "explain", str(DIRECT)],
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 2)


@pytest.mark.parametrize("arguments", [("explain", str(DIRECT)), ("cause", "queried"), ("explain", "-")])
@pytest.mark.parametrize("extra", [{}, {"FORCE_COLOR": "1"}, {"TERM": "xterm-256color"}])
def test_no_colour_where_standard_output_is_no_terminal(
    arguments: tuple[str, ...], extra: Mapping[str, str], tmp_path: Path
) -> None:
    result = run(*arguments, stdin=DIRECT.read_bytes(), extra=extra)
    assert result.status == 0
    assert ESCAPE not in result.out
    if arguments[0] == "explain":
        file = tmp_path / "report.txt"
        run(*arguments, "-o", file, stdin=DIRECT.read_bytes(), extra=extra)
        assert ESCAPE not in file.read_text(encoding="utf-8")


def on_terminal(*arguments: str | Path, extra: Mapping[str, str]) -> str:
    """Run the program on a terminal and return what it prints there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=environment({"TERM": "xterm-256color", "COLUMNS": "100", **extra}),
    ) as process:
        os.close(theirs)
        printed = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:
                break
            if not data:
                break
            printed += data
        assert process.wait(TIMEOUT) == 0
    os.close(ours)
    return printed.decode()


@pytest.mark.parametrize("arguments", [("explain", DIRECT), ("cause",), ("cause", "queried")])
def test_colour_on_a_terminal_unless_it_is_not_wanted(arguments: tuple[str | Path, ...]) -> None:
    assert ESCAPE in on_terminal(*arguments, extra={})
    assert ESCAPE not in on_terminal(*arguments, extra={"NO_COLOR": "1"})
    assert ESCAPE not in on_terminal(*arguments, extra={"TERM": "dumb"})


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_output_that_cannot_show_every_character(encoding: str) -> None:
    chain = ("--child", CHILD, "--parent", PARENT, "--site", SITE)
    for arguments in (
        ("explain", *chain, "-v"),
        ("explain", *chain, "--format", "html"),
        ("check", *chain, "--expect", EXPECT),
        ("cause",),
        ("cause", "cached"),
    ):
        result = run(*arguments, encoding=encoding)
        assert (result.status, result.err) == (0, ""), arguments


def test_a_locale_that_cannot_show_every_character() -> None:
    extra = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    result = run_process("explain", "--child", CHILD, "--parent", PARENT, "--site", SITE, "-v", extra=extra)
    assert (result.status, result.err) == (0, "")


def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C while the program waits for more of a capture: what came so far counts."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with (
        subprocess.Popen(
            [*COMMAND, "facts", str(fifo)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        ) as process,
        fifo.open("wb") as writer,
    ):  # opens once the program has opened its end
        writer.write(DIRECT.read_bytes()[:4096])
        writer.flush()
        wait_until_read(writer.fileno())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert err.decode() == "ocsp-pcap: warning: reading was interrupted: what follows is a partial result\n"
    (capture, *_) = map(json.loads, out.splitlines())
    assert capture["packets"] == 21, "all that came through the pipe"
    assert capture["damage"].endswith("reading was interrupted after frame 21: this is a partial result")


def test_the_plain_locale_gets_ascii() -> None:
    command = [sys.executable, "-m", "ocsp_pcap", "explain", str(DIRECT)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    plain = environment | {"LC_ALL": "C"}
    printed = subprocess.run(command, env=plain, capture_output=True, check=True).stdout
    assert printed.isascii()
    assert b"+ 1 OCSP staple in the handshakes" in printed
    assert b"-->" in printed
    printed = subprocess.run(
        command, env=environment | {"LC_ALL": "C.UTF-8"}, capture_output=True, check=True
    ).stdout
    assert "✓ 1 OCSP staple" in printed.decode()

"""Mistakes on the command line itself."""

from __future__ import annotations

import errno
import gc
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from ocsp_pcap import cli

from .program import COMMAND, DIRECT, environment, refused, run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain",), "Give a capture"),
        (("facts",), "CAPTURE"),
        (("check",), "--expect"),
        (("evidence", str(DIRECT)), "--output"),
        (("crosscheck",), "CAPTURE"),
        (("explain", "--colour", str(DIRECT)), "--colour"),
        (("explain", "--format", "pdf", str(DIRECT)), "'pdf'"),
        (("facts", "--format", "csv", str(DIRECT)), "'csv'"),
        (("facts", "--format", "parquet", str(DIRECT)), "give one with -o"),
        (("explain", "--site"), "--site"),
        (("expalin", str(DIRECT)), "expalin"),
    ],
)
def test_usage(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert (result.status, result.out) == (2, "")
    assert words in result.err


def test_a_capture_in_place_of_a_command() -> None:
    result = run(DIRECT)
    assert result.status == 2
    assert f"ocsp-pcap explain {DIRECT}" in result.err


def test_an_unknown_cause_is_told_with_those_like_it() -> None:
    refused(run("cause", "querid"), "'querid'", "queried")
    refused(run("cause", "\x1b[31mnonsense"), "\\x1b[31mnonsense")


def test_a_mistake_of_the_program_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise KeyError("a\nmistake")

    for change in ("set_threshold", "freeze"):
        monkeypatch.setattr(gc, change, lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["ocsp-pcap", "facts", str(DIRECT)])
    monkeypatch.setattr("ocsp_pcap.commands.facts.read_captures", fail)
    monkeypatch.delenv(cli.TRACEBACK_VARIABLE, raising=False)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == cli.INTERNAL_ERROR
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("ocsp-pcap: internal error: KeyError: ")
    assert cli.TRACEBACK_VARIABLE in second
    monkeypatch.setenv(cli.TRACEBACK_VARIABLE, "1")
    with pytest.raises(KeyError):
        cli.main()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("_rust.abi3.so: failed to map segment from shared object"),
    ],
    ids=["memory", "system", "loader"],
)
def test_memory_that_runs_out_is_told_as_what_it_is(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    for change in ("set_threshold", "freeze"):
        monkeypatch.setattr(gc, change, lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["ocsp-pcap", "facts", str(DIRECT)])
    monkeypatch.setattr("ocsp_pcap.commands.facts.read_captures", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ocsp-pcap: out of memory: ")


def test_interrupted_while_it_starts(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [*COMMAND, "--version"],
        capture_output=True,
        text=True,
        env=environment({"PYTHONPATH": str(tmp_path)}),
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "ocsp-pcap: interrupted\n")

"""Completion as a shell asks for it, and the examples in the help."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ocsp_pcap.cli import cli
from ocsp_pcap.commands import COMMANDS
from ocsp_pcap.completion import SHELLS, is_capture_name
from ocsp_pcap.examples import EXAMPLES

from .program import run


def offered(folder: Path, *words: str) -> list[tuple[str, str]]:
    """Return (type, value) of what bash would be offered for the last word."""
    line = ["ocsp-pcap", *words]
    environment = {
        **os.environ,
        "_OCSP_PCAP_COMPLETE": "bash_complete",
        "COMP_WORDS": shlex.join(line) if words[-1] else f"{shlex.join(line[:-1])} ",
        "COMP_CWORD": str(len(line) - 1),
    }
    printed = subprocess.run(
        [
            sys.executable,
            "-c",
            "from ocsp_pcap.cli import cli; cli(prog_name='ocsp-pcap')",
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [(kind, value) for kind, _, value in (line.partition(",") for line in printed.splitlines())]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.pcap", "a.pcapng.gz", "egress.pcap12", "notes.txt", "facts.jsonl", ".hidden.pcap"):
        (tmp_path / name).touch()
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / "b.cap").touch()
    return tmp_path


@pytest.mark.parametrize(
    "before", [["explain"], ["explain", "--child"], ["evidence", "--parent"], ["diff"], ["facts"]]
)
def test_captures_are_offered(before: list[str], folder: Path) -> None:
    found = offered(folder, *before, "")
    assert [value for kind, value in found if kind == "plain"] == [
        *("a.pcap", "a.pcapng.gz", "egress.pcap12", "facts.jsonl"),
    ]
    assert ("dir", "") in found
    assert ("plain", "captures/b.cap") in offered(folder, *before, "captures/")


def test_codes_and_bounds_are_offered(folder: Path) -> None:
    assert next(value for _, value in offered(folder, "cause", "reiss")) == "reissued-certificate"
    assert any(value.endswith("=") for _, value in offered(folder, "explain", "--bound", ""))
    assert ("plain", "--child") in offered(folder, "explain", "--ch")


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_are_printed(shell: str) -> None:
    result = run("completion", shell)
    assert result.status == 0
    assert "_OCSP_PCAP_COMPLETE" in result.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=result.out, text=True, check=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.PCAP", True),
        ("a.pcapng.zst", True),
        ("a.pcap7", True),
        ("a.txt", False),
        ("pcap", False),
        ("a.gz", False),
    ],
)
def test_names_of_captures(name: str, expected: bool) -> None:
    assert is_capture_name(name) == expected


def test_every_command_has_examples_that_it_takes() -> None:
    assert set(EXAMPLES) == set(COMMANDS)
    for name, examples in EXAMPLES.items():
        shown = " ".join(run(name, "--help").out.split())
        for example in examples:
            assert " ".join(example.split()) in shown
            words = shlex.split(example.split(" | ")[-1].split(" > ")[0])
            assert words[:2] == ["ocsp-pcap", name]
            command = cli.get_command(click.Context(cli), name)
            assert command is not None
            command.make_context(name, words[2:])

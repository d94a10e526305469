"""Completion as a shell asks for it, and the examples in the help."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import click
import pytest

from ocsp_pcap.commands import COMMANDS
from ocsp_pcap.commands.group import cli
from ocsp_pcap.completion import Shell, is_capture_name
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
            "from ocsp_pcap.commands.group import cli; cli(prog_name='ocsp-pcap')",
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


@pytest.mark.parametrize("shell", get_args(Shell))
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


def test_a_real_bash_completes(folder: Path, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    program = tmp_path / "bin" / "ocsp-pcap"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nfrom ocsp_pcap.commands.group import cli\ncli(prog_name='ocsp-pcap')\n",
        encoding="utf-8",
    )
    program.chmod(0o755)

    def replies(*words: str) -> list[str]:
        script = (
            'source <(ocsp-pcap completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
            # Outside of a line that is being edited there is no compopt: its options are shown.
            'compopt() { echo "$2"; }; function=$(complete -p ocsp-pcap | sed "s/.*-F //; s/ .*//"); '
            '$function ocsp-pcap "${COMP_WORDS[COMP_CWORD]}" ""; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        printed = subprocess.run(
            [bash, "--norc", "-c", script, "bash", "ocsp-pcap", *words],
            cwd=folder,
            env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        return printed.stdout.split()

    captures = ["a.pcap", "a.pcapng.gz", "egress.pcap12", "facts.jsonl"]
    assert sorted(replies("explain", "")) == sorted([*captures, "plusdirs"])
    assert "a.pcap" in replies("explain", "--child", "a")
    assert replies("cause", "reissued-c") == ["reissued-certificate"]
    assert "--child" in replies("explain", "--ch")


def test_the_examples_run_as_they_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that has what they name; only a live capture is fed from a file."""
    samples = Path(__file__).parents[2] / "samples"
    chain, keys = samples / "ocsp-at-parent", samples / "tls13-with-keys"
    for name, source in {
        "child.pcap": chain / "child.pcap", "parent.pcap": chain / "parent.pcap",
        "site.toml": chain / "site.toml", "parent-ca.pem": chain / "parent-ca.pem",
        "capture.pcap": samples / "direct" / "capture.pcap", "capture.pcapng": keys / "parent.pcap",
        "sslkeys.log": keys / "parent.keys", "tls13.pcap": keys / "parent.pcap",
        "captures/a.pcap": chain / "child.pcap", "captures/b.pcap": chain / "parent.pcap",
        "egress_1.pcapng": chain / "parent.pcap", "egress_2.pcapng": chain / "child.pcap",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(source, tmp_path / name)
    (tmp_path / "squid.conf").write_text("http_port 10.77.1.20:3128 ssl-bump\nssl_bump bump all\n")
    (tmp_path / "sysinfo.txt").write_text(
        "!- BEGIN networking\nip-default-gateway 10.77.2.1 1 100\n!- END networking\n"
    )
    monkeypatch.chdir(tmp_path)
    assert run("explain", "capture.pcap", "--format", "json", "-o", "before.json").status == 0
    shutil.copy("before.json", "after.json")
    assert run("facts", "capture.pcap", "-o", "before.jsonl").status == 0
    shutil.copy("before.jsonl", "after.jsonl")
    for name, examples in EXAMPLES.items():
        for example in examples:
            if "completion bash" in example:
                continue
            if example.startswith("ocsp-pcap crosscheck") and shutil.which("tshark") is None:
                continue
            words = shlex.split(example.split(" | ")[-1])[1:]
            if words[-1] == "-":
                words[-1] = "capture.pcap"
            here = [word.replace("shop.", "*.").replace(".example.com", ".test") for word in words]
            result = run(*(word.replace("*.*.", "*.") for word in here))
            assert result.status == 0, (name, example, result.err)


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

"""Names in stored facts and site files: nothing connects to them, and no pipe or device so named is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .program import DIRECT, run

WATCHED = """
import json, os, sys
opened, stderr = [], sys.stderr
def watch(event, arguments):
    if event in ("open", "os.open", "socket.connect", "socket.getaddrinfo", "os.listdir", "os.scandir"):
        opened.append(event + " " + str(arguments[1 if event == "socket.connect" else 0]))
sys.addaudithook(watch)
from ocsp_pcap import cli
for folder, words in json.loads(sys.argv[1]):
    os.chdir(folder)
    sys.argv[1:] = words
    opened.clear()
    sys.stderr = open("told", "w")
    try:
        cli.main()
    except SystemExit:
        pass
    found = "\\n".join(opened)
    sys.stderr.close()
    with open("opened", "w") as file:
        file.write(found)
"""
COMMANDS = (
    ("explain", "{facts}", "--format", "json"),
    ("explain", "{facts}", "--forecast"),
    ("explain", "--child", "{facts}"),
    ("explain", "{facts}", "{other}"),
    ("facts", "{facts}"),
    ("facts", "{facts}", "--format", "parquet", "-o", "tables"),
    ("check", "{facts}", "--write", "expect.toml"),
    ("check", "{facts}", "--expect", "{expect}"),
    ("diff", "{facts}", "{facts}"),
    ("evidence", "{facts}", "-o", "out.pcapng"),
    ("evidence", "{facts}", "{other}", "-o", "out.pcapng"),
    ("ticket", "{facts}", "-o", "ticket"),
    ("ticket", "{facts}", "-o", "ticket", "--anonymize"),
    ("crosscheck", "{facts}"),
)


@pytest.mark.parametrize("kind", ["url", "pipe", "device", "file", "directory", "glob"])
def test_nothing_is_opened_because_stored_facts_name_it(kind: str, tmp_path: Path) -> None:
    """Whatever the command: no connection, no look into a file, pipe, device or directory."""
    secret = tmp_path / "secret"
    secret.mkdir()
    os.mkfifo(secret / "pipe")
    (secret / "file.pcap").write_bytes(DIRECT.read_bytes())
    other = tmp_path / "other.pcap"
    other.write_bytes(DIRECT.read_bytes())
    name = {
        "url": "ftp://127.0.0.1/secret/a.pcap",
        "pipe": str(secret / "pipe"),
        "device": "/dev/zero",
        "file": str(secret / "file.pcap"),
        "directory": str(secret),
        "glob": str(secret / "*.pcap"),
    }[kind]
    facts = [json.loads(line) for line in run("facts", str(DIRECT)).out.splitlines()]
    for fact in facts:
        fact.update({key: name for key in ("path", "capture") if key in fact})
    stored = tmp_path / "facts.jsonl"
    stored.write_text("".join(json.dumps(fact) + "\n" for fact in facts))
    expect = tmp_path / "e.toml"
    expect.write_text('[[expect]]\nfinding = "ocsp-nowhere"\n')
    runs = []
    for number, command in enumerate(COMMANDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        runs.append((str(folder), [w.format(facts=stored, other=other, expect=expect) for w in command]))
    subprocess.run(
        [sys.executable, "-c", WATCHED, json.dumps(runs)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=120,
        check=True,
    )
    for folder, command in runs:
        opened = (Path(folder) / "opened").read_text().splitlines()
        assert any("facts.jsonl" in each for each in opened), command
        suspects = [each for each in opened if "/secret/" in each or each.endswith(("/secret", "/zero"))]
        assert not suspects, command
        assert not [each for each in opened if each.startswith("socket.")], command
        if command[0] in ("evidence", "ticket"):
            assert "name it beside the facts" in (Path(folder) / "told").read_text(), command
            assert {path.name for path in Path(folder).iterdir()} == {"opened", "told"}, command


@pytest.mark.parametrize("option", ["--keylog", "--policy-trace", "--rsa-key"])
def test_a_device_is_no_input(option: str) -> None:
    found = run("explain", str(DIRECT), option, "/dev/zero")
    assert found.status == 2
    assert "/dev/zero is a device" in found.err


def test_a_site_file_that_names_a_device_as_authority(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[proxies.child]\naddresses = ["10.0.0.1"]\nca = ["/dev/zero"]\n')
    found = run("explain", str(DIRECT), "--site", str(site))
    assert found.status == 2
    assert "ca '/dev/zero' holds more than 16,777,216 bytes" in found.err

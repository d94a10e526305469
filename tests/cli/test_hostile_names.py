"""What stored facts and site files name is not connected to, and no pipe or device of it is read."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from .program import DIRECT, run


@pytest.mark.parametrize("kind", ["url", "pipe", "device"])
def test_evidence_from_facts_opens_ordinary_files_only(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    name = {"url": "ftp://127.0.0.1/a.pcap", "pipe": str(pipe), "device": "/dev/zero"}[kind]
    facts = [json.loads(line) for line in run("facts", str(DIRECT)).out.splitlines()]
    for fact in facts:
        fact.update({key: name for key in ("path", "capture") if key in fact})
    stored = tmp_path / "facts.jsonl"
    stored.write_text("".join(json.dumps(fact) + "\n" for fact in facts))

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = run("evidence", str(stored), "-o", str(tmp_path / "out.pcapng"))
    assert found.status == 2
    assert "evidence needs its packets: it is no file of this machine" in found.err
    assert not (tmp_path / "out.pcapng").exists()


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

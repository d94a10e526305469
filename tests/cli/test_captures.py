"""Captures of every kind, sound or not: what can be read is explained, what cannot is told."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner

from ocsp_pcap.commands.group import cli

from .program import DIRECT, PARENT, Result, datagram, packets_of, pcap, pcapng, refused, run, run_process

QUERIED = "plain.site.test"


def causes(result: Result) -> dict[str, str]:
    document: dict[str, Any] = json.loads(result.out)
    return {verdict["host"]: verdict["cause"] for verdict in document["verdicts"]}


def damage(result: Result) -> str | None:
    document: dict[str, Any] = json.loads(result.out)
    found: str | None = document["captures"][0]["damage"]
    return found


WHOLE = causes(run_process("explain", DIRECT, "--format", "json"))


def explain(*arguments: str | Path, **options: Any) -> Result:
    return run("explain", *arguments, "--format", "json", **options)


@pytest.mark.parametrize("command", ["explain", "facts", "crosscheck"])
def test_an_empty_file(command: str, tmp_path: Path) -> None:
    file = tmp_path / "empty.pcap"
    file.touch()
    refused(run(command, file), "empty.pcap", "the file is empty")


def test_a_text_file(tmp_path: Path) -> None:
    file = tmp_path / "notes.pcap"
    file.write_text("Dear colleague,\nthe capture follows.\n")
    refused(run("explain", file), "notes.pcap", "neither pcap nor pcapng", "text")


@pytest.mark.parametrize("command", ["explain", "facts", "crosscheck"])
def test_a_missing_file(command: str, tmp_path: Path) -> None:
    refused(run(command, tmp_path / "missing.pcap"), "missing.pcap", "no such file")


def test_a_directory_without_captures(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing here")
    refused(run("explain", tmp_path), str(tmp_path), "holds no captures", "1 file")


def test_a_glob_that_matches_nothing(tmp_path: Path) -> None:
    refused(run("explain", tmp_path / "*.pcap"), "no file matches")


@pytest.fixture
def nobody() -> Iterator[None]:
    """Give up root's right to read everything, once what a first run imports is there."""
    assert CliRunner().invoke(cli, ["explain", str(DIRECT)]).exit_code == 0
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


def test_a_file_without_permission(nobody: None) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "secret.pcap"
        file.write_bytes(DIRECT.read_bytes())
        file.chmod(0)
        done = CliRunner().invoke(cli, ["explain", str(file)])
        assert done.exit_code == 2
        assert done.output.endswith("secret.pcap: no permission to read it.\n")


def test_a_name_that_would_act_on_the_terminal(tmp_path: Path) -> None:
    result = run("explain", tmp_path / "\x1b[2Jgone.pcap")
    refused(result, "\\x1b[2Jgone.pcap")


def test_several_inputs_of_which_none_can_be_read(tmp_path: Path) -> None:
    text = tmp_path / "text.pcap"
    text.write_text("text\n")
    result = run("explain", text, tmp_path / "missing.pcap")
    assert (result.status, result.out) == (2, "")
    assert "text.pcap" in result.err
    assert "missing.pcap" in result.err


@pytest.mark.parametrize("option", [(), ("--child",), ("--parent",)])
def test_one_bad_input_among_good_ones(option: tuple[str, ...], tmp_path: Path) -> None:
    """The others are explained; the status still says that an input could not be read."""
    result = explain(DIRECT, *option, tmp_path / "missing.pcap")
    assert result.status == 2
    assert causes(result) == WHOLE
    assert result.err.startswith("ocsp-pcap: warning: ")
    assert "missing.pcap: no such file" in result.err


def test_a_capture_without_tls(tmp_path: Path) -> None:
    file = tmp_path / "time.pcap"
    file.write_bytes(pcap([datagram(), datagram()]))
    result = run("explain", file)
    assert (result.status, result.err) == (0, "")
    assert "The capture shows no certificate" in result.out


def test_a_capture_without_packets(tmp_path: Path) -> None:
    file = tmp_path / "nothing.pcap"
    file.write_bytes(pcap([]))
    result = run("explain", file)
    assert (result.status, result.err) == (0, "")
    assert "The capture holds no packets." in result.out


def test_a_capture_cut_in_mid_packet(tmp_path: Path) -> None:
    file = tmp_path / "cut.pcap"
    data = DIRECT.read_bytes()
    file.write_bytes(data[: len(data) // 2 + 7])
    result = explain(file)
    assert result.status == 0
    assert causes(result)[QUERIED] == "queried"
    assert "cut short" in (damage(result) or "")
    text = run("explain", file)
    assert text.status == 0
    assert "cut short" in " ".join(text.out.split())


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_capture_under_a_wrong_name(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    file = tmp_path / "capture.txt"
    file.write_bytes(compress(DIRECT.read_bytes()))
    result = explain(file)
    assert (result.status, causes(result)) == (0, WHOLE)


def test_a_compressed_capture_cut_short(tmp_path: Path) -> None:
    file = tmp_path / "capture.pcap.gz"
    data = gzip.compress(DIRECT.read_bytes())
    file.write_bytes(data[: len(data) * 3 // 4])
    result = explain(file)
    assert result.status == 0
    assert causes(result)[QUERIED] == "queried"
    assert damage(result)


def test_a_pcapng_with_a_broken_block_in_the_middle(tmp_path: Path) -> None:
    packets = packets_of(DIRECT)
    whole, broken = tmp_path / "whole.pcapng", tmp_path / "broken.pcapng"
    whole.write_bytes(pcapng(packets))
    broken.write_bytes(pcapng(packets, broken_before=150))
    assert causes(explain(whole)) == WHOLE
    result = explain(broken)
    assert result.status == 0
    assert causes(result)[QUERIED] == "queried"
    assert "frame 151" in (damage(result) or "")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input(pack: Callable[[bytes], bytes]) -> None:
    """From a pipe, and from what stands for standard input in a process that calls the program."""
    for how in (run, run_process):
        result = how("explain", "-", "--format", "json", stdin=pack(DIRECT.read_bytes()))
        assert (result.status, causes(result)) == (0, WHOLE)


def test_empty_standard_input() -> None:
    refused(run("explain", "-"), "-: the file is empty")
    refused(run_process("explain", "-"), "-: the file is empty")


def test_standard_input_cannot_be_read_twice(tmp_path: Path) -> None:
    data = DIRECT.read_bytes()
    refused(run("crosscheck", "-", stdin=data), "read only once")
    refused(run("evidence", "-", "-o", tmp_path / "out.pcapng", stdin=data), "read only once")


def test_a_fifo(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(DIRECT.read_bytes()))
    writer.start()
    result = explain(fifo)
    writer.join()
    assert (result.status, causes(result)) == (0, WHOLE)
    refused(run("crosscheck", fifo), "read only once")


def test_directories_and_globs(tmp_path: Path) -> None:
    (tmp_path / "one.pcap").write_bytes(DIRECT.read_bytes())
    (tmp_path / "two.pcap").write_bytes(PARENT.read_bytes())
    (tmp_path / "readme.txt").write_text("these are captures")
    by_folder, by_glob = explain(tmp_path), explain(tmp_path / "*.pcap")
    assert by_folder.status == by_glob.status == 0
    assert by_folder.out == by_glob.out
    assert len(json.loads(by_folder.out)["captures"]) == 2


def test_a_folder_in_which_one_file_is_a_capture_in_name_only(tmp_path: Path) -> None:
    (tmp_path / "one.pcap").write_bytes(DIRECT.read_bytes())
    (tmp_path / "empty.pcap").touch()
    result = explain(tmp_path)
    assert causes(result) == WHOLE

"""Which arguments name facts, and which captures they spare."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import fsspec
import pytest

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.facts import Facts
from ocsp_pcap.facts.json import facts_to_jsonl
from ocsp_pcap.tables import TablesError, is_stored, stored_facts, take_stored
from ocsp_pcap.tables.write import write_tables

from .parts import SAMPLES, capture, sample

PCAP = SAMPLES / "direct" / "capture.pcap"


def json_lines(facts: Facts, path: Path) -> Path:
    path.write_text("".join(f"{line}\n" for line in facts_to_jsonl(facts)))
    return path


def test_what_is_stored(tmp_path: Path) -> None:
    write_tables(sample("direct"), tmp_path / "facts")
    lines = json_lines(sample("direct"), tmp_path / "facts.jsonl")
    (tmp_path / "facts.jsonl.gz").write_bytes(gzip.compress(lines.read_bytes()))
    for name in ("facts", "facts.jsonl", "facts.jsonl.gz"):
        assert is_stored(str(tmp_path / name))
        assert stored_facts(str(tmp_path / name)) == sample("direct")
    write_tables(sample("direct"), "memory://what/facts")
    fsspec.filesystem("memory").pipe("/what/facts.jsonl", lines.read_bytes())
    for url in ("memory://what/facts", "memory://what/facts.jsonl", (tmp_path / "facts").as_uri()):
        assert is_stored(url)
        assert stored_facts(url) == sample("direct")
    for url in ("memory://what", "memory://missing", "nowhere://x", PCAP.as_uri()):
        assert not is_stored(url)
    (tmp_path / "empty").touch()
    for other in (PCAP, SAMPLES / "direct", tmp_path, tmp_path / "missing", tmp_path / "empty", "-", "\0"):
        assert not is_stored(str(other))
        assert stored_facts(str(other)) is None


def test_what_is_broken(tmp_path: Path) -> None:
    lines = json_lines(sample("direct"), tmp_path / "facts.jsonl")
    data = lines.read_bytes()
    lines.write_bytes(data[:-20])
    with pytest.raises(TablesError, match=r"facts\.jsonl: line \d+: this is not JSON"):
        stored_facts(str(lines))
    lines.write_bytes(gzip.compress(data)[:-400])
    with pytest.raises(TablesError, match=r"facts\.jsonl: "):
        stored_facts(str(lines))
    lines.write_bytes(data.split(b"\n", 1)[1])
    with pytest.raises(TablesError, match=r"of a capture of which it knows nothing: .*direct"):
        stored_facts(str(lines))
    write_tables(Facts(handshakes=sample("direct").handshakes), tmp_path / "facts")
    with pytest.raises(TablesError, match="of a capture of which it knows nothing"):
        stored_facts(str(tmp_path / "facts"))


def test_facts_stand_among_captures(tmp_path: Path) -> None:
    failed, staples = SAMPLES / "handshake-failed" / "capture.pcap", SAMPLES / "staples"
    write_tables(read_facts([failed]), tmp_path / "facts")
    names: dict[str, list[str]] = {}
    options = ReadOptions(stored=lambda argument, called: names.update({argument: list(called)}))
    facts = read_facts([tmp_path / "facts", PCAP, json_lines(sample("staples"), tmp_path / "s")], options)
    assert [c.path for c in facts.captures] == [
        str(failed), str(PCAP), str(staples / "child.pcap"), str(staples / "parent.pcap")
    ]  # fmt: skip
    assert names == {
        str(tmp_path / "facts"): [str(failed)],
        str(tmp_path / "s"): [str(staples / "child.pcap"), str(staples / "parent.pcap")],
    }
    alone = [read_facts([failed]), read_facts([PCAP]), sample("staples")]
    assert facts.handshakes == tuple(h for each in alone for h in each.handshakes)


def test_a_capture_that_facts_know_is_not_read_again(tmp_path: Path) -> None:
    copy = tmp_path / "capture.pcap"
    shutil.copy(PCAP, copy)
    write_tables(read_facts([copy]), tmp_path / "facts")
    arguments = [str(copy), str(tmp_path / "facts")]
    whole = copy.read_bytes()

    assert take_stored(arguments).captures == []
    copy.write_bytes(whole + whole[24:])
    assert take_stored(arguments).captures == [str(copy)]
    copy.write_bytes(whole[:24] + bytes(len(whole) - 24))
    assert take_stored(arguments).captures == [str(copy)]
    copy.unlink()
    inputs = take_stored(arguments)
    assert inputs.captures == []
    assert inputs.together(None)[1] == {argument: (str(copy),) for argument in reversed(arguments)}
    assert take_stored([str(tmp_path / "other.pcap"), arguments[1]]).captures == [
        str(tmp_path / "other.pcap")
    ]


def test_a_capture_that_changed_stands_beside_what_it_was(tmp_path: Path) -> None:
    copy = tmp_path / "capture.pcap"
    shutil.copy(PCAP, copy)
    write_tables(read_facts([copy]), tmp_path / "facts")
    shutil.copy(SAMPLES / "handshake-failed" / "capture.pcap", copy)
    facts = read_facts([tmp_path / "facts", copy])
    assert [c.path for c in facts.captures] == [f"{copy}#2", str(copy)]
    assert facts.captures[1] == read_facts([copy]).captures[0]


def test_a_rotated_set_is_known_by_its_glob(tmp_path: Path) -> None:
    from ocsp_pcap.facts import CaptureFile

    files = tuple(CaptureFile(str(tmp_path / f"cap{number}"), 1, 1, 2, None) for number in (1, 2))
    pattern = str(tmp_path / "cap*")
    write_tables(Facts(captures=(capture(pattern, files=files),)), tmp_path / "facts")
    assert take_stored([str(tmp_path / "facts"), pattern]).captures == []
    shutil.copy(PCAP, tmp_path / "cap3")
    assert take_stored([str(tmp_path / "facts"), pattern]).captures == [pattern]


def test_an_input_that_is_broken_is_told_and_left_out(tmp_path: Path) -> None:
    write_tables(sample("direct"), tmp_path / "facts")
    (tmp_path / "facts" / "handshake" / "part-00000.parquet").write_bytes(b"")
    told: list[str] = []
    facts = read_facts([tmp_path / "facts", PCAP], ReadOptions(warn=told.append))
    assert [c.path for c in facts.captures] == [str(PCAP)]
    assert len(told) == 1
    assert "handshake/part-00000.parquet" in told[0]

"""Facts that are stored and explained later, as a user does it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from ocsp_pcap.facts.times import time_text

from .program import CHILD, DIRECT, EXPECT, PARENT, SAMPLES, SITE, refused, run, run_process

NAMES = ("ocsp-at-parent", "all-interfaces")
"""Two captures with a site file, and one capture that holds both legs."""


def captures_of(name: str) -> list[Path]:
    """The captures of a sample."""
    return sorted((SAMPLES / name).glob("*.pcap"))


def site_of(name: str) -> Path | None:
    """The site file of a sample."""
    path = SAMPLES / name / "site.toml"
    return path if path.exists() else None


def arguments(name: str, **in_place: Path) -> list[str]:
    """The arguments of ``explain`` for a sample, with other files in the place of its captures."""
    found: list[str] = []
    for capture in captures_of(name):
        role = {"child": ["--child"], "parent": ["--parent"]}.get(capture.stem, [])
        found += [*role, str(in_place.get(capture.stem, capture))]
    site = site_of(name)
    return [*found, "--site", str(site)] if site else found


def store(directory: Path, *captures: str | Path, site: Path | None = None) -> Path:
    result = run(
        "facts", *captures, *(("--site", site) if site else ()), "--format", "parquet", "-o", directory
    )
    assert (result.status, result.out, result.err) == (0, "", "")
    return directory


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("name", NAMES)
def test_stored_facts_are_explained_as_the_captures_are(name: str, form: str, tmp_path: Path) -> None:
    explained = run("explain", *arguments(name), "--format", form)
    assert explained.status == 0
    captures = captures_of(name)
    facts = store(tmp_path / "facts", *captures, site=site_of(name))
    assert run("explain", *arguments(name), facts, "--format", form) == explained
    if len(captures) == 1:
        alone = arguments(name, **{captures[0].stem: facts})
        assert run("explain", *alone, "--format", form) == explained


@pytest.mark.parametrize("name", ["several-children", "staples"])
def test_each_proxy_can_have_facts_of_its_own(name: str, tmp_path: Path) -> None:
    stored = {c.stem: store(tmp_path / c.stem, c, site=site_of(name)) for c in captures_of(name)}
    for more in ((), ("--forecast",)):
        explained = run("explain", *arguments(name), *more, "--format", "json")
        assert explained.status == 0
        assert run("explain", *arguments(name, **stored), *more, "--format", "json") == explained


def test_captures_that_are_gone_are_explained_from_their_facts(tmp_path: Path) -> None:
    for capture in (CHILD, PARENT):
        shutil.copy(capture, tmp_path)
    chain = ("--child", "child.pcap", "--parent", "parent.pcap", "--site", SITE, "--format", "json")
    explained = run("explain", *chain, cwd=tmp_path)
    store(tmp_path / "facts", *(tmp_path / name for name in ()), CHILD)
    result = run(
        "facts",
        "child.pcap",
        "parent.pcap",
        "--site",
        SITE,
        "--format",
        "parquet",
        "-o",
        "facts",
        cwd=tmp_path,
    )
    assert (result.status, result.err) == (0, "")
    for name in ("child.pcap", "parent.pcap"):
        (tmp_path / name).unlink()
    assert run("explain", "facts", *chain, cwd=tmp_path) == explained
    check = run("check", "facts", *chain[:-2], "--expect", EXPECT, cwd=tmp_path)
    assert check.status == 0
    refused(run("evidence", "facts", "-o", "e.pcapng", cwd=tmp_path), "child.pcap", "needs its packets")
    refused(
        run("explain", "--child", "facts", "--parent", "facts", cwd=tmp_path),
        "both as --child and as --parent",
    )


def test_evidence_comes_from_captures_that_are_named_beside_the_facts(tmp_path: Path) -> None:
    facts = store(tmp_path / "facts", DIRECT)
    assert run("evidence", DIRECT, "-o", tmp_path / "1.pcapng").status == 0
    refused(run("evidence", facts, "-o", tmp_path / "2.pcapng"), "name it beside the facts")
    assert run("evidence", facts, DIRECT, "-o", tmp_path / "2.pcapng").status == 0
    assert (tmp_path / "1.pcapng").read_bytes() == (tmp_path / "2.pcapng").read_bytes()


def test_crosscheck_needs_packets(tmp_path: Path) -> None:
    facts = store(tmp_path / "facts", DIRECT)
    refused(run("crosscheck", facts), "facts: holds facts, and not the packets that are needed")


def test_json_lines_are_stored_facts_too(tmp_path: Path) -> None:
    lines = run("facts", DIRECT).out
    (tmp_path / "facts.jsonl").write_text(lines)
    facts = store(tmp_path / "facts", tmp_path / "facts.jsonl")
    assert run("facts", facts).out == lines
    explained = run("explain", DIRECT)
    assert run("explain", facts) == run("explain", tmp_path / "facts.jsonl") == explained


def test_duckdb_and_pandas_read_what_the_json_lines_say(tmp_path: Path) -> None:
    import duckdb
    import pandas

    captures = captures_of("staples")
    facts = store(tmp_path / "facts", *captures)
    lines = [json.loads(line) for line in run("facts", *captures).out.splitlines()]
    handshakes = [line for line in lines if line["kind"] == "handshake"]
    stapled = Counter(line["sni"] for line in handshakes if line["staples"])
    assert stapled

    table = duckdb.read_parquet(str(facts / "handshake" / "*.parquet"))
    query = "SELECT sni, count(*) FROM handshakes WHERE len(staples) > 0 GROUP BY sni"
    assert dict(table.query("handshakes", query).fetchall()) == stapled
    found = table.query("t", "SELECT epoch_us(time) * 1000 + time_nanoseconds FROM t").fetchall()
    times = [time_text(nanoseconds) for (nanoseconds,) in found]
    assert times == [line["time"] for line in handshakes]

    frame = pandas.read_parquet(facts / "handshake")
    assert Counter(frame[frame.staples.map(len) > 0].sni) == stapled
    exact = frame.time.astype("datetime64[ns, UTC]").astype("int64") + frame.time_nanoseconds
    assert [time_text(nanoseconds) for nanoseconds in exact] == times
    assert str(frame.time.dtype) == "datetime64[us, UTC]"
    assert [frames["certificate"] for frames in frame.frames if frames["certificate"]] == [
        line["frames"]["certificate"] for line in handshakes if line["frames"]["certificate"]
    ]
    certificates = pandas.read_parquet(facts / "certificate")
    assert [dict(pairs) for pairs in certificates.issuer_name_hashes] == [
        line["issuer_name_hashes"] for line in lines if line["kind"] == "certificate"
    ]
    assert len(pandas.read_parquet(facts / "crl_fetch")) == 0


def test_where_tables_are_not_written(tmp_path: Path) -> None:
    for output in ((), ("-o", "-")):
        result = run("facts", DIRECT, "--format", "parquet", *output)
        assert (result.status, result.out) == (2, "")
        assert "give one with -o" in result.err
    (tmp_path / "notes.txt").touch()
    refused(run("facts", DIRECT, "--format", "parquet", "-o", tmp_path), "holds notes.txt", "is not replaced")
    refused(run("facts", DIRECT, "--format", "parquet", "-o", tmp_path / "a" / "b"), "there is no directory")
    refused(run("facts", DIRECT, "--format", "parquet", "-o", tmp_path / "notes.txt"), "this is a file")
    refused(run("facts", DIRECT, "--format", "parquet", "-o", "nowhere://x/y"), "nowhere")


def test_broken_tables(tmp_path: Path) -> None:
    facts = store(tmp_path / "facts", DIRECT)
    part = facts / "handshake" / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    refused(run("explain", facts), "handshake/part-00000.parquet")
    shutil.rmtree(facts / "handshake")
    refused(run("explain", facts), "the table handshake is missing")
    partly = run("explain", facts, DIRECT)
    assert (partly.status, partly.out) == (2, run("explain", DIRECT).out)


@pytest.mark.parametrize("package", ["pyarrow", "fsspec"])
def test_without_the_extra_it_says_what_to_install(package: str, tmp_path: Path) -> None:
    facts = store(tmp_path / "facts", DIRECT)
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "sitecustomize.py").write_text(f"import sys\nsys.modules[{package!r}] = None\n")
    hide = {"PYTHONPATH": str(tmp_path / "hide")}
    words = (f"needs {package}: pip install 'ocsp-pcap[parquet]'",)
    place = tmp_path / "other" if package == "pyarrow" else "memory://facts"
    refused(run_process("facts", DIRECT, "--format", "parquet", "-o", place, extra=hide), *words)
    refused(run_process("explain", facts if package == "pyarrow" else place, extra=hide), *words)
    assert run_process("explain", DIRECT, extra=hide) == run("explain", DIRECT)


def test_what_stored_facts_can_no_longer_learn_is_told(tmp_path: Path) -> None:
    facts = store(tmp_path / "facts", DIRECT)
    result = run("explain", facts, "--site", SITE)
    assert result.status == 0
    assert "CA was not at hand when the facts were written" in result.err
    keys = SAMPLES / "tls13-with-keys" / "child.keys"
    result = run("explain", facts, "--keylog", keys)
    assert result.status == 0
    assert "keys open nothing in stored facts" in result.err

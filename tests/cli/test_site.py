"""`--site` and `ocsp-pcap site` on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ocsp_pcap import bounds
from tests.cli.program import CHILD, PARENT, SAMPLES, SITE, run

PARENT_CA = SAMPLES / "ocsp-at-parent" / "parent-ca.pem"
SQUID = (
    "http_port 10.77.1.30:3128 ssl-bump tls-cert=parent-ca.pem\nssl_bump bump all\nhttp_access allow all\n"
)


def squid(folder: Path, more: str = "") -> Path:
    (folder / "parent-ca.pem").write_bytes(PARENT_CA.read_bytes())
    path = folder / "squid.conf"
    path.write_text(SQUID + more)
    return path


def test_a_configuration_as_a_site_file(tmp_path: Path) -> None:
    conf = squid(tmp_path, "sslcrtvalidator_program /usr/bin/checker\n")
    kept = tmp_path / "site.toml"
    result = run("site", f"parent={conf}", "-o", str(kept))
    assert (result.status, result.out, result.err) == (0, "", "")
    text = kept.read_text()
    lines = text.splitlines()
    assert 'addresses = ["10.77.1.30"]' in lines
    assert lines[lines.index("ocsp = true") - 1].startswith(
        f"# {conf}:4: sslcrtvalidator_program /usr/bin/checker"
    )
    assert lines[lines.index("intercepts = true") - 1] == f"# {conf}:2: ssl_bump bump all"
    again = run(
        "explain", "--child", str(CHILD), "--parent", str(PARENT), "--site", str(kept), "--format", "json"
    )
    assert again.status == 0


@pytest.fixture
def _bounds_as_before() -> Iterator[None]:
    yield
    bounds.set_to({})


@pytest.mark.usefixtures("_bounds_as_before")
def test_a_file_that_is_too_large_names_the_bound_that_this_command_takes(tmp_path: Path) -> None:
    assert "document_bytes=268435456\n" in run("site", "--bound", "list").out
    result = run("site", f"parent={squid(tmp_path)}", "--bound", "document_bytes=20")
    assert result.status == 2
    assert "at most 20 bytes of a policy trace or of a configuration" in result.err
    assert "--bound document_bytes=N" in result.err


@pytest.mark.usefixtures("_bounds_as_before")
def test_log_lines_that_are_left_out_are_said(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    line = "1780000000.000 1 10.0.0.1 TCP_TUNNEL/200 5 CONNECT a.test:443 - HIER_DIRECT/1.1.1.1 -\n"
    log.write_text("x" * 200 + "\n" + line)
    result = run(
        *("explain", str(PARENT), "--log", str(log)), *("--bound", "log_line=150", "--format", "json")
    )
    (sentence,) = json.loads(result.out)["bounds_reached"]
    assert "at most 150 bytes of a line of a log" in sentence
    assert sentence in result.err


def test_configurations_in_place_of_a_site_file(tmp_path: Path) -> None:
    conf = squid(tmp_path, "include /etc/elsewhere.conf\n")
    result = run(
        *("explain", "--child", str(CHILD), "--parent", str(PARENT), "--format", "json"),
        *("--site", str(SITE), "--site", f"parent={conf}"),
    )
    assert result.status == 0
    assert f"{conf}:4: what it includes, /etc/elsewhere.conf, is not in the folder" in result.err
    assert json.loads(result.out)["verdicts"]


def test_what_is_no_configuration_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("dear diary\n")
    for arguments in (("site", str(other)), ("explain", str(CHILD), "--site", str(other))):
        result = run(*arguments)
        assert result.status == 2
        assert f"{other}: is neither a site file (TOML) nor" in result.err


def test_the_output_is_no_input(tmp_path: Path) -> None:
    conf = squid(tmp_path)
    assert run("site", f"parent={conf}", "-o", str(conf)).status == 2
    assert conf.read_text() == SQUID


def test_a_log_is_quoted_where_it_fits(tmp_path: Path) -> None:
    before = json.loads(run("explain", "--parent", str(PARENT), "--format", "json").out)
    shop = next(verdict for verdict in before["verdicts"] if verdict["host"] == "shop.site.test")
    moment = datetime.fromisoformat(shop["sightings"][0]["time"][:26] + "+00:00").timestamp()
    log = tmp_path / "access.log"
    log.write_text(
        f"{moment + 1:.3f} 1000 10.77.1.20 TCP_TUNNEL/200 9 CONNECT shop.site.test:443 - HIER_DIRECT/1 -\n"
    )
    result = run("explain", "--parent", str(PARENT), "--log", str(log), "--format", "json")
    assert (result.status, result.err) == (0, "")
    after = json.loads(result.out)
    quotes = [
        (verdict["host"], entry["note"])
        for verdict in after["verdicts"]
        for entry in verdict["evidence"]
        if entry["capture"] == str(log)
    ]
    assert [host for host, _ in quotes] == ["shop.site.test"]
    assert quotes[0][1].startswith("line 1: ")


def test_logs_that_do_not_help(tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    other.write_text("1500000000.000 1000 10.0.0.1 TCP_TUNNEL/200 9 CONNECT a.test:443 - HIER_DIRECT/1 -\n")
    result = run("explain", "--parent", str(PARENT), "--log", str(other))
    assert result.status == 0
    assert "none of them is about these connections" in result.err
    other.write_text("hello\n")
    refused = run("explain", "--parent", str(PARENT), "--log", str(other))
    assert refused.status == 2
    assert "is no log that is known here" in refused.err


def test_the_zone_of_a_log(tmp_path: Path) -> None:
    before = json.loads(run("explain", "--parent", str(PARENT), "--format", "json").out)
    shop = next(verdict for verdict in before["verdicts"] if verdict["host"] == "shop.site.test")
    moment = datetime.fromisoformat(shop["sightings"][0]["time"][:26] + "+00:00")
    log = tmp_path / "error.log"

    def quotes(*options: str) -> tuple[list[str], str]:
        result = run("explain", "--parent", str(PARENT), "--log", str(log), "--format", "json", *options)
        assert result.status == 0
        notes = [e["note"] for v in json.loads(result.out)["verdicts"] for e in v["evidence"]]
        return [note for note in notes if note.startswith("line ")], result.err

    local = (moment + timedelta(hours=2)).strftime("%Y/%m/%d %H:%M:%S")
    responder = shop["certificate"]["ocsp_urls"][0].split("/")[2]
    log.write_text(f"{local} [error] 1#1: x while requesting certificate status, responder: {responder}\n")
    found, told = quotes()
    assert found
    assert all(note.startswith("line 1 (no time zone; read as UTC+02:00, which fits") for note in found)
    assert "fit the packets as UTC+02:00, which is a sign and no proof; --zone tells the zone" in told
    found, told = quotes("--zone", "+02:00")
    assert all(note.startswith("line 1: ") for note in found)
    assert told == ""
    refused = run("explain", "--parent", str(PARENT), "--log", str(log), "--zone", "CEST")
    assert refused.status == 2
    assert "'CEST' is no time zone" in refused.err

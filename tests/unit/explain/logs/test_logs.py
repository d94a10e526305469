"""Logs, as the real programs wrote them in the laboratory, and ELFF as documented."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap import bounds
from ocsp_pcap.explain.logs import LogEntry, LogError
from ocsp_pcap.explain.logs.apache import ApacheReader
from ocsp_pcap.explain.logs.elff import ElffReader
from ocsp_pcap.explain.logs.haproxy import haproxy_line, serial_in
from ocsp_pcap.explain.logs.nginx import nginx_line
from ocsp_pcap.explain.logs.read import load_log
from ocsp_pcap.explain.logs.squid import squid_line

RECORDED = Path(__file__).parent / "recorded"
GOOD = "563f2b69beaaad05eeb8ab3e510be625b2dabece"


def read(name: str) -> tuple[LogEntry, ...]:
    return load_log(RECORDED / name)


@pytest.mark.parametrize("name", ["squid-native.log", "squid-bump-mode.log", "squid-combined.log"])
def test_squid_tells_what_it_tunnelled_and_what_it_intercepted(name: str) -> None:
    entries = read(name)
    told = {(entry.host, entry.said) for entry in entries}
    assert told == {
        ("good.log.test", "tunnelled"),
        ("refused.log.test", "intercepted"),
        ("other.log.test", "intercepted"),
        ("absent.log.test", "intercepted"),
    }
    assert {(entry.kind, entry.zone, entry.client) for entry in entries} == {("squid", True, "127.0.0.1")}


def test_squid_writes_at_the_end_of_a_connection() -> None:
    _, entry = squid_line(
        "1795895678.840 60000 10.0.0.1 TCP_TUNNEL/200 9 CONNECT a.test:443 - HIER_DIRECT/10.0.0.2 -"
    )
    assert entry is not None
    assert entry.time == (1795895678840 - 60000) * 10**6
    assert squid_line("1795895678.840 1 10.0.0.1 TCP_MISS/200 9 GET http://a.test/ - HIER_DIRECT/1 -") == (
        True,
        None,
    )
    _, six = squid_line("1795895678.840 1 ::1 TCP_TUNNEL/200 9 CONNECT [2001:db8::1]:443 - HIER_DIRECT/1 -")
    assert six is not None
    assert six.host == "2001:db8::1"


def test_haproxy_tells_the_certificate_that_it_asked_about() -> None:
    for name in ("haproxy.log", "haproxy-syslog.log"):
        entries = read(name)
        assert {entry.kind for entry in entries} == {"haproxy"}
        asked = [entry for entry in entries if entry.responder is not None]
        assert asked[0].serial == GOOD
        assert asked[0].responder is not None
        assert asked[0].responder.startswith("http://127.0.0.1:9180//MFUw")
        assert (
            asked[0].time
            == int(datetime(2026, 11, 28, 19, 54, 59, tzinfo=UTC).timestamp()) * 10**9 + 577 * 10**6
        )
        assert not asked[0].zone
        assert Counter(entry.said for entry in entries) == {"failed": 11, "answered": 1}


def test_a_serial_number_out_of_the_path() -> None:
    path = (
        "MFUwUzBRME8wTTAJBgUrDgMCGgUABBQX1N5fV%2Fhcj9%2FsosnzD17PsRLcMgQU"
        "ZjJGIoBGNRNRdRkIbt1IWu6tnfECFFY%2FK2m%2Bqq0F7rirPlEL5iWy2r7O"
    )
    for url in (f"http://o.test/{path}", f"http://o.test//{path}", f"http://o.test/ocsp/v1//{path}"):
        assert serial_in(url) == GOOD
    for url in ("http://o.test/", "http://o.test/MFUwUzBR", "http://[", "", "http://o.test/%00%ff"):
        assert serial_in(url) is None


def test_nginx_tells_the_responder_that_failed() -> None:
    entries = read("nginx-error.log")
    assert {entry.kind for entry in entries} == {"nginx"}
    assert {entry.responder for entry in entries} == {"127.0.0.1", "ocsp.nowhere.invalid"}
    (unknown,) = [entry for entry in entries if entry.status]
    assert (unknown.status, unknown.said) == ("unknown", "answered")
    assert unknown.time == int(datetime(2026, 11, 28, 19, 53, 35, tzinfo=UTC).timestamp()) * 10**9
    assert not unknown.zone


def test_apache_tells_status_and_serial() -> None:
    entries = read("apache-error.log")
    validated = [entry for entry in entries if "AH03239" in entry.text]
    assert [(entry.host, entry.status) for entry in validated] == [
        ("good.log.test", "good"),
        ("other.log.test", "unknown"),
    ]
    assert validated[0].serial == GOOD
    failed = {entry.responder for entry in entries if entry.said == "failed"}
    assert {"127.0.0.1:9", "ocsp.nowhere.invalid"} <= failed
    assert any("AH01941" in entry.text for entry in entries)


def test_apache_names_the_responder_in_a_line_of_its_own() -> None:
    reader = ApacheReader()
    head = "[Sun Nov 29 04:11:46.818902 2026] [ssl:error] [pid 7:tid {}] [client 10.77.0.10:38394] "
    bad = "AH01980: bad response from OCSP server: 503 Service Temporarily Unavailable"

    def responder(thread: int) -> str | None:
        _, entry = reader.line(head.format(thread) + bad)
        assert entry is not None
        return entry.responder

    assert responder(1) is None
    assert reader.line(head.format(1) + "AH01973: connecting to OCSP responder 'ocsp.ill.test:80'")[0]
    assert (responder(1), responder(2)) == ("ocsp.ill.test:80", None)


FIELDS = (
    "date time c-ip x-rs-certificate-validate-status x-rs-certificate-observed-errors x-rs-ocsp-error"
    " cs-host x-rs-certificate-hostname"
)
ELFF = f"""#Software: SGOS 6.7.5.1
#Version: 1.0
#Date: 2026-06-01 12:00:00
#Fields: {FIELDS}
2026-06-01 12:00:01 10.0.0.1 CERT_VALID none - shop.test -
2026-06-01 12:00:02 10.0.0.1 "CERT INVALID" revoked "no response" 192.0.2.7 Bank.Test
2026-06-01 12:00:03 10.0.0.1 - - - a.test -
2026-06-01 12:00:04 10.0.0.1 cut
"""


def test_elff_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "ssl.log"
    path.write_text(ELFF)
    valid, failed = load_log(path)
    assert (valid.host, valid.said, valid.zone, valid.line) == ("shop.test", "checked", True, 5)
    assert valid.time == int(datetime(2026, 6, 1, 12, 0, 1, tzinfo=UTC).timestamp()) * 10**9
    assert (failed.host, failed.said) == ("bank.test", "failed")
    assert "x-rs-ocsp-error no response" in failed.text


def test_a_compressed_log(tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress((RECORDED / "squid-native.log").read_bytes()))
    assert len(load_log(path)) == 4
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(LogError, match="cannot be read"):
        load_log(path)


@pytest.mark.reaches("log_entries")
def test_of_a_long_log_the_first_lines_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes((RECORDED / "squid-native.log").read_bytes())
    bounds.adjust({"log_entries": 3})
    assert len(load_log(path)) == 3
    assert bounds.take_reached() == {"log_entries": 1}


@pytest.mark.reaches("log_entries")
def test_of_too_many_threads_the_responders_are_forgotten() -> None:
    reader = ApacheReader()
    head = "[Sun Nov 29 04:11:46.818902 2026] [ssl:debug] [pid 7:tid {}] [client 10.77.0.10:38394] "
    bounds.adjust({"log_entries": 1})
    for thread in (1, 2):
        reader.line(head.format(thread) + "AH01973: connecting to OCSP responder 'ocsp.ill.test:80'")
    _, entry = reader.line(head.format(1) + "AH01980: bad response from OCSP server: 503")
    assert entry is not None
    assert entry.responder is None


@pytest.mark.reaches("log_line")
def test_a_line_that_is_too_long_counts_as_several(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"x" * 1000 + b"\n" + (RECORDED / "squid-native.log").read_bytes())
    bounds.adjust({"log_line": 600})
    assert [entry.line for entry in load_log(path)] == [entry.line + 2 for entry in read("squid-native.log")]


def test_what_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\x00\xff" * 5000 + b"\nhello\n")
    with pytest.raises(LogError, match="is no log that is known here"):
        load_log(path)
    with pytest.raises(LogError, match="cannot be read: No such file"):
        load_log(tmp_path / "absent")
    with pytest.raises(LogError, match="cannot be read: Is a directory"):
        load_log(tmp_path)


@given(st.text(), st.text())
def test_no_text_raises(before: str, after: str) -> None:
    elff = ElffReader()
    for line in (
        before,
        f"#Fields: {before}",
        after,
        f'[{before}] <OCSP-UPDATE> -/- 1 200 "GET http://o/{after} HTTP/1.1"',
        f"2026/06/01 12:00:00 [error] {before} while requesting certificate status, responder: {after}",
        f"[Sat Nov 28 19:54:03.404007 2026] [ssl:error] {before} AH03239: {after} serial: AB {before}",
        f"1795895678.840 1 {before} TCP_TUNNEL/200 9 CONNECT {after} -",
    ):
        for reader in (squid_line, ApacheReader().line, nginx_line, haproxy_line, elff.line):
            reader(line)

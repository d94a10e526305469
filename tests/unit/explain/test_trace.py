"""Policy traces of a proxy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.explain.trace import TraceError, load_trace, parse_trace

NOON = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()) * 10**9


def test_what_a_proxy_writes(tmp_path: Path) -> None:
    path = tmp_path / "policy.trace"
    path.write_text(
        "start transaction\n"
        "2026-06-01 12:00:00.250 Validating certificate for Shop.Test\n"
        "OCSP: using cached response\n"
        "something else\n"
        "2026-06-01T14:00:00+02:00 Validating certificate for other.test, depth 0\n"
        "2026-06-01T12:00:03Z   OCSP: querying responder http://ocsp.ca.test/\n",
        encoding="utf-8",
    )
    first, second = load_trace(path)
    assert (first.host, first.action, first.line, first.url) == ("shop.test", "cached", 3, None)
    assert first.time == NOON + 250_000_000
    assert (second.host, second.action, second.line) == ("other.test", "query", 6)
    assert second.url == "http://ocsp.ca.test/"
    assert second.time == NOON + 3 * 10**9
    assert first.path == str(path)


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("2026-06-01 12:00:00", NOON),
        ("[2026-06-01T12:00:00,5]", NOON + 500_000_000),
        ("2026-06-01T08:00:00.000000001-0400", NOON + 1),
        (f"{NOON // 10**9}", NOON),
        (f"{NOON // 10**9}.5", NOON + 500_000_000),
        ("2026-13-01 12:00:00", None),
        ("12:00:00", None),
        ("", None),
    ],
)
def test_timestamps(stamp: str, time: int | None) -> None:
    lines = f"{stamp} Validating certificate for shop.test\nOCSP: using cached response"
    (entry,), checks = parse_trace(lines, "t")
    assert entry.time == time
    assert checks == 1


def test_the_time_of_the_action_comes_before_that_of_the_check() -> None:
    lines = "1780000000 Validating certificate for a\n1780000002 OCSP: using cached response"
    assert parse_trace(lines, "t")[0][0].time == 1_780_000_002 * 10**9


def test_an_action_without_a_host_says_nothing() -> None:
    assert parse_trace("OCSP: using cached response\n", "t") == ((), 0)


def test_a_check_without_an_action_is_a_trace_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "policy.trace"
    path.write_text("Validating certificate for shop.test\n")
    assert load_trace(path) == ()


def test_what_is_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"GET / HTTP/1.1 200\n\xff\xfe\n")
    with pytest.raises(TraceError, match='is no policy trace: it has no line "Validating cert'):
        load_trace(path)
    with pytest.raises(TraceError, match="cannot be read: No such file"):
        load_trace(tmp_path / "absent")
    with pytest.raises(TraceError, match="cannot be read: Is a directory"):
        load_trace(tmp_path)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    parse_trace(text, "t")
    parse_trace(f"{text} Validating certificate for {text}\n{text}OCSP: querying responder {text}", "t")


@pytest.mark.parametrize(
    ("stamp", "dated", "zone"),
    [
        ("Mon, 01 Jun 2026 12:00:00 GMT", True, True),
        ("[01/Jun/2026:14:00:00 +0200]", True, True),
        ("2026-06-01 12:00:00 UTC", True, True),
        ("2026/06/01 12:00:00", True, False),
        ("Mon Jun  1 12:00:00 2026", True, False),
        ("Jun  1 12:00:00", False, False),
        ("[12:00:00]", False, False),
        ("2026-06-01 12:00:00 CST", True, False),
    ],
)
def test_how_much_of_a_time_is_told(stamp: str, dated: bool, zone: bool) -> None:
    (entry,), _ = parse_trace(f"{stamp} Validating certificate for a.test\nOCSP: using cached response", "t")
    assert entry.time == (NOON if dated else None)
    assert (entry.dated, entry.zone) == (dated, zone)


BLOCK = """start transaction -------------------
  CPL Evaluation Trace: transaction ID=659540
    <Proxy>
      MATCH: ALLOW
{middle}
  connection: service.name=Explicit HTTP client.address=10.10.0.10 proxy.port=8080
  time: 2026-06-01 12:00:00 UTC
  CONNECT tcp://Shop.test:443/
  user: unauthenticated
stop transaction --------------------
"""


def test_a_block_of_a_proxysg_tells_host_and_time_below() -> None:
    (entry,), checks = parse_trace(BLOCK.format(middle="  OCSP: using cached response"), "t")
    assert (entry.host, entry.time, entry.line, checks) == ("shop.test", NOON, 5, 0)
    assert (entry.dated, entry.zone, entry.certain, entry.transaction) == (True, True, True, "659540")


def test_a_check_named_in_a_block_counts_before_the_request() -> None:
    middle = "  Validating certificate for cdn.test\n  [11:59:59] OCSP: querying responder http://o.test/"
    (entry,), _ = parse_trace(BLOCK.format(middle=middle), "t")
    assert (entry.host, entry.time, entry.dated) == ("cdn.test", NOON, True)


def test_a_heading_dates_what_is_under_it() -> None:
    (entry,), _ = parse_trace(
        "start transaction -- Mon, 01 Jun 2026 12:00:00 UTC\n"
        "Validating certificate for a.test\nOCSP: using cached response\n",
        "t",
    )
    assert (entry.time, entry.dated, entry.zone) == (NOON, True, True)


def test_transactions_that_name_themselves_may_be_mixed() -> None:
    lines = [
        "start transaction ID=1",
        "start transaction ID=2",
        "transaction ID=1: Validating certificate for a.test",
        "transaction ID=2: Validating certificate for b.test",
        "transaction ID=1: OCSP: using cached response",
        "transaction ID=2: OCSP: querying responder http://o.test/",
        "stop transaction ID=1",
        "stop transaction ID=2",
    ]
    first, second = parse_trace("\n".join(lines), "t")[0]
    assert (first.host, first.action, first.transaction) == ("a.test", "cached", "1")
    assert (second.host, second.action, second.transaction) == ("b.test", "query", "2")
    assert first.certain
    assert second.certain


def test_transactions_that_are_mixed_without_a_name_are_uncertain() -> None:
    lines = [
        "start transaction",
        "Validating certificate for a.test",
        "start transaction",
        "Validating certificate for b.test",
        "OCSP: using cached response",
        "stop transaction",
        "stop transaction",
    ]
    (entry,), _ = parse_trace("\n".join(lines), "t")
    assert not entry.certain


def test_two_checks_at_once_make_the_answer_uncertain() -> None:
    lines = [
        "2026-06-01T12:00:00Z Validating certificate for a.test",
        "2026-06-01T12:00:01Z Validating certificate for b.test",
        "2026-06-01T12:00:02Z OCSP: using cached response",
        "2026-06-01T12:05:00Z Validating certificate for c.test",
        "2026-06-01T12:05:00Z OCSP: using cached response",
    ]
    early, late = parse_trace("\n".join(lines), "t")[0]
    assert not early.certain
    assert late.certain


def test_a_check_that_waits_is_found_however_many_had_their_answer_since() -> None:
    answered = [
        f"2026-06-01T12:00:{n:02}Z {words}"
        for n in range(1, 20)
        for words in (f"Validating certificate for h{n}.test", "OCSP: using cached response")
    ]
    waiting = "2026-06-01T12:00:00Z Validating certificate for a.test"
    assert all(entry.certain for entry in parse_trace("\n".join(answered), "t")[0])
    assert not any(entry.certain for entry in parse_trace("\n".join((waiting, *answered)), "t")[0])


def test_a_check_that_asked_and_used_its_cache_does_not_say_for_which_certificate() -> None:
    lines = (
        "Validating certificate for a.test\nOCSP: using cached response\nOCSP: querying responder http://o/"
    )
    assert [entry.certain for entry in parse_trace(lines, "t")[0]] == [False, False]


def test_a_trace_in_utf_16(tmp_path: Path) -> None:
    path = tmp_path / "policy.trace"
    path.write_text("Validating certificate for a.test\nOCSP: using cached response\n", encoding="utf-16")
    assert load_trace(path)[0].host == "a.test"


def test_a_trace_of_transactions_without_any_check(tmp_path: Path) -> None:
    path = tmp_path / "policy.trace"
    path.write_text(BLOCK.format(middle=""))
    assert load_trace(path) == ()

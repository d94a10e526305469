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

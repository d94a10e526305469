"""Counts, times and limits in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.report.layout import lay_out
from ocsp_pcap.report.wording import (
    attention,
    capture_limits,
    cause_phrase,
    count,
    duration,
    headline,
    moment,
    time_span,
)

from .demo import PARENT_PCAP, SECOND, START, capture, demo_explanation, demo_verdicts, exchange


def _headline(explanation: Explanation) -> str:
    layout = lay_out(explanation)
    return headline(explanation, layout.verdicts, layout.folded)


def test_headline_answers_the_question() -> None:
    assert _headline(demo_explanation()) == (
        "OCSP was seen for 1 of 7 certificates (2 validators); 1 could not reach its responder, "
        "1 is unexplained, 1 could not be read (encrypted), 1 has no OCSP URL, 1 was reissued by a proxy, "
        "1 was stapled. "
        "1 intermediate without OCSP traffic not counted."
    )


def test_headline_of_one_certificate() -> None:
    queried, stapled = demo_verdicts()[:2]
    assert _headline(Explanation((), (queried,), (), ())) == "OCSP was seen for the only certificate."
    assert _headline(Explanation((), (stapled,), (), ())) == (
        "OCSP was not seen for the only certificate; 1 was stapled."
    )


def test_headline_of_several() -> None:
    queried, stapled = demo_verdicts()[:2]
    assert _headline(Explanation((), (stapled,) * 3, (), ())) == (
        "OCSP was seen for none of 3 certificates; 3 were stapled."
    )
    revoked = replace(queried, status="revoked")
    assert _headline(Explanation((), (queried, revoked), (), ())) == (
        "OCSP was seen for 2 of 2 certificates. 1 certificate is REVOKED."
    )


def test_headline_of_nothing() -> None:
    assert _headline(Explanation((), (), (), ())) == "No certificate and no TLS handshake to explain."
    assert _headline(Explanation((), (), (), (exchange(),))).endswith(
        "1 OCSP exchange belongs to no handshake."
    )


@pytest.mark.parametrize(
    "code", [code for code, entry in CAUSES.items() if entry.presence not in (None, "present")]
)
def test_every_cause_has_its_phrase(code: str) -> None:
    assert cause_phrase(code, 1).startswith("1 ")
    assert cause_phrase(code, 1200).startswith("1,200 ")
    assert code not in cause_phrase(code, 1) or "-" not in code or code == "short-lived"


def test_attention() -> None:
    queried, stapled, *_ = demo_verdicts()
    assert attention(replace(queried, status="revoked")) < attention(
        replace(queried, presence="attempted", cause="x")
    )
    assert attention(replace(stapled, cause="unexplained")) < attention(stapled) < attention(queried)


def test_times() -> None:
    assert moment(START) == "2026-01-02 03:04:05 UTC"
    assert moment(START, fraction=True) == "2026-01-02 03:04:05.123456 UTC"
    assert moment(None) == "unknown"
    assert time_span(START, START + 90 * SECOND) == "2026-01-02 03:04:05 → 03:05:35 UTC (1.5 min)"
    assert (
        time_span(START, START + 86_400 * SECOND)
        == "2026-01-02 03:04:05 → 2026-01-03 03:04:05 UTC (24 h 0 min)"
    )
    assert time_span(None, START) == "no time stamps"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.25, "250 ms"),
        (12.34, "12.3 s"),
        (90, "1.5 min"),
        (3700, "1 h 2 min"),
        (400_000, "4 days 15 h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(round(seconds * SECOND)) == text


def test_capture_limits() -> None:
    assert capture_limits(capture(PARENT_PCAP)) == ()
    assert capture_limits(
        capture(
            PARENT_PCAP, damage="cut short at byte 17", dropped=1, truncated_packets=2, snaplen=96,
            tcp_gaps=1, one_sided_streams=2, undecoded_packets=3, notes=("a key log opened nothing",),
        )
    ) == (
        "damaged: cut short at byte 17",
        "1 packet dropped while capturing",
        "2 packets cut short (snaplen 96)",
        "1 gap in TCP streams",
        "2 one-sided TCP streams",
        "3 packets not decoded",
        "a key log opened nothing",
    )  # fmt: skip


def test_count() -> None:
    assert (count(1, "row"), count(2, "row"), count(1234, "entry", "entries")) == (
        "1 row",
        "2 rows",
        "1,234 entries",
    )

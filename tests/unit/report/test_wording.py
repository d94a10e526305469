"""Counts, times and limits in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ocsp_pcap.report.wording import (
    attention,
    capture_limits,
    capture_remarks,
    duration,
    moment,
    time_span,
    wrapped,
)

from .demo import PARENT_PCAP, SECOND, START, capture, demo_verdicts


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


@pytest.mark.parametrize(
    ("note", "limits"),
    [
        ("a.keys: opened 5 of the 5 sessions it has keys for", False),
        ("a.keys: opened 5 of the 9 sessions it has keys for; 4 are in other captures", False),
        ("a.keys: opened 5 of the 9 sessions it has keys for; 4 are not in the captures", False),
        ("a.pem: opened 2 of the 2 sessions with RSA key exchange that use it", False),
        ("a.keys: opened none of the 5 sessions it has keys for; not one of them is in the captures", True),
        ("a.keys: opened 4 of the 5 sessions it has keys for; 1 are in the captures and did not open", True),
        ("a.keys: opened 5 of the 5 sessions it has keys for; 1 lines contradict others", True),
        ("a.pem: opened 1 of the 2 sessions with RSA key exchange that use it", True),
    ],
)
def test_keys_that_served_are_no_limit(note: str, limits: bool) -> None:
    said = capture(PARENT_PCAP, notes=(note,))
    assert (capture_limits(said), capture_remarks(said)) == (((note,), ()) if limits else ((), (note,)))


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


def test_a_word_longer_than_a_line_is_cut_and_not_broken() -> None:
    assert wrapped("www.googletagmanager.com, dati.ntop.org +8", 20, 3) == [
        "www.googletagmanage…", "dati.ntop.org +8",
    ]  # fmt: skip
    assert wrapped("a bb cc dd", 5, 3) == ["a bb", "cc dd"]
    assert wrapped("a bb cc dd", 4, 1) == ["a b…"]

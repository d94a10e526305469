from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.repetition import Habit, Repetition, repetitions
from ocsp_pcap.facts import Fact

from .facts_factory import PARENT, SECOND, capture, certificate, exchange, facts, handshake, response, site

SHOP, NEWS = certificate(), certificate("news.test")


def repetition(*story: Fact) -> Repetition | None:
    case = Case(facts(SHOP, NEWS, *story), Context())
    return repetitions(case).get(case.identity(PARENT))


def story(*visits: float, asked: Sequence[float] = (), **other: Any) -> Repetition | None:
    """Visits at some seconds, and queries one second after those of ``asked``."""
    return repetition(
        *(handshake("shop.test", SHOP, time=time, **other) for time in visits),
        *(exchange(SHOP, time=time + 1) for time in asked),
    )


def test_nothing_repeated() -> None:
    assert story(0, 100, 200, asked=[0]) is None
    assert story(0) is None


@pytest.mark.parametrize(
    ("visits", "asked", "habit"),
    [
        ([0, 100, 200, 300], [0, 100, 200, 300], "keeps-nothing"),
        ([0, 100], [0, 100], "keeps-nothing"),
        ([0, 30, 70, 100, 130], [0, 70, 130], "fixed-lifetime"),
        ([0, 100, 130], [0, 100], "fixed-lifetime"),
        ([0, 100, 130, 300, 2000], [0, 100, 130], "irregular"),
        # Used for longer than another was: no lifetime lies between the two.
        ([0, 2, 3.2, 10, 13.8], [0, 2, 10], "irregular"),
    ],
)
def test_habits(visits: list[float], asked: list[float], habit: Habit) -> None:
    found = story(*visits, asked=asked)
    assert found is not None
    assert found.habit == habit
    assert len(found.repeats) == len(asked) - 1


def test_where_packets_are_missing_a_query_may_be_too() -> None:
    visits = [handshake("shop.test", SHOP, time=time) for time in (0, 30, 70)]
    asked = [exchange(SHOP, time=time) for time in (1, 71)]
    found = repetition(capture(tcp_gaps=1), *visits, *asked)
    assert found is not None
    assert (found.habit, found.used_at) == ("untold", ())
    seen = facts(SHOP, capture(tcp_gaps=1), *visits, *asked)
    said = next(f.summary for f in explain(seen, Context()).findings if f.code == "repeated-queries")
    assert "the captures do not tell" in said


def test_a_query_a_moment_before_a_visit_may_be_its_own() -> None:
    found = repetition(
        *(handshake("shop.test", SHOP, time=time) for time in (0, 40, 70)),
        *(exchange(SHOP, time=time, delay=0.01) for time in (0.2, 39.98, 70.2)),
    )
    assert found is not None
    assert found.used_at == ()


def test_a_visit_at_the_end_of_the_capture_tells_nothing_of_use() -> None:
    visits, asked = (0, 40, 70), (0.2, 40.2)
    for end, used in ((72, 0), (100, 1)):
        found = repetition(
            capture(until=end),
            *(handshake("shop.test", SHOP, time=time) for time in visits),
            *(exchange(SHOP, time=time, delay=0.01) for time in asked),
        )
        assert found is not None
        assert len(found.used_at) == used


def test_ages() -> None:
    found = story(0, 30, 70, 100, 140, asked=[0, 70, 140])
    assert found is not None
    # The answer comes 1.1 s after the visit.
    assert [age / SECOND for age in found.used_at] == [28.9, 28.9]
    assert [age / SECOND for age in found.asked_at] == [69.9, 69.9]


@pytest.mark.parametrize(
    ("lifetime", "agrees"), [(20, False), (30, True), (60, True), (69, True), (75, False)]
)
def test_a_configured_lifetime(lifetime: int, agrees: bool) -> None:
    found = story(0, 30, 70, 100, 140, asked=[0, 70, 140])
    assert found is not None
    assert found.agrees_with(lifetime * SECOND) is agrees


def test_a_visit_that_waits_for_the_same_answer_used_no_cache() -> None:
    found = story(0, 100, 100.5, asked=[0, 100])
    assert found is not None
    assert found.used_at == ()


@pytest.mark.parametrize("other", [{"complete": False}, {"staples": (response(SHOP),)}])
def test_visits_that_need_no_answer_used_no_cache(other: dict[str, Any]) -> None:
    found = repetition(
        handshake("shop.test", SHOP),
        handshake("shop.test", SHOP, time=50, **other),
        handshake("shop.test", SHOP, time=100),
        exchange(SHOP, time=1),
        exchange(SHOP, time=101),
    )
    assert found is not None
    assert found.used_at == ()
    assert found.habit == "keeps-nothing"


def test_all_certificates_of_a_validator_tell_of_its_cache() -> None:
    """Asked again about one after 100 s, about the other after 500, used in between: one lifetime."""
    visits = [handshake("shop.test", SHOP, time=time) for time in (0, 50, 100)]
    others = [handshake("news.test", NEWS, time=time) for time in (0, 500)]
    queries = [exchange(SHOP, time=time) for time in (1, 101)] + [
        exchange(NEWS, time=time) for time in (1, 501)
    ]
    found = repetition(*visits, *others, *queries)
    assert found is not None
    assert found.habit == "fixed-lifetime"
    assert [repeat.certificate for repeat in found.repeats] == [SHOP, NEWS]


def test_an_answer_used_longer_than_another_was() -> None:
    visits = [handshake("shop.test", SHOP, time=time) for time in (0, 100)]
    others = [handshake("news.test", NEWS, time=time) for time in (0, 900)]
    found = repetition(
        *visits, *others, exchange(SHOP, time=1), exchange(SHOP, time=101), exchange(NEWS, time=1)
    )
    assert found is not None
    assert found.habit == "irregular"


def code_and_summary(*story: Fact, **context: Any) -> tuple[str, str]:
    found = explain(facts(SHOP, NEWS, *story), Context(**context)).findings
    (only,) = [item for item in found if item.code in ("ttl-override-in-use", "repeated-queries")]
    assert only.evidence
    return only.code, only.summary


def told(visits: list[float], asked: list[float], **context: Any) -> tuple[str, str]:
    return code_and_summary(
        *(handshake("shop.test", SHOP, time=time) for time in visits),
        *(exchange(SHOP, time=time + 1) for time in asked),
        **context,
    )


def test_findings_say_how_the_cache_is_used() -> None:
    code, summary = told([0, 100, 200], [0, 100, 200])
    assert code == "repeated-queries"
    assert "keeps no answer, or none for as long as 100 s;" in summary
    code, summary = told([0, 1.105], [0, 0.12])
    assert code == "repeated-queries"
    assert "1 time, first after 20 ms" in summary
    assert "keeps no answer; no connection is seen to have used one" in summary
    # The last one asks nothing, though whether it used what the one before it got is open.
    assert told([0, 100, 101.04], [0, 100])[1].endswith("no connection is seen to have used one.")
    code, summary = told([0, 30, 70], [0, 70])
    assert code == "ttl-override-in-use"
    assert "up to an age of 29 s and replaced from 70 s on" in summary
    code, summary = told([0, 100, 1000], [0, 100])
    assert code == "repeated-queries"
    assert "do not share" in summary


def test_findings_and_the_site_file() -> None:
    override = site(parent={"cache_ttl": 60 * SECOND})
    code, summary = told([0, 30, 70], [0, 70], site=override)
    assert code == "ttl-override-in-use"
    assert "as the TTL override of the site file demands" in summary
    code, summary = told([0, 30, 70], [0, 30, 70], site=override)
    assert code == "repeated-queries"
    assert "which a TTL override of 60 s does not explain" in summary


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ([0, 60, 120.5, 181], "ttl-override-in-use", "at an even interval of about 60 s"),
        ([0, 60, 400, 500], "repeated-queries", "connections are not visible"),
        ([0, 60], "repeated-queries", "connections are not visible"),
    ],
)
def test_where_the_connections_are_encrypted_only_the_interval_tells(
    asked: list[float], code: str, words: str
) -> None:
    queries = [exchange(SHOP, time=time, delay=0.1) for time in asked]
    hidden = handshake("shop.test", time=0, certificate_encrypted=True, version="TLS 1.3")
    found = code_and_summary(hidden, *queries)
    assert found[0] == code
    assert words in found[1]

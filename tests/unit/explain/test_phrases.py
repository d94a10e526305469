"""Phrases of causes about a number of certificates."""

from __future__ import annotations

import pytest

from ocsp_pcap.explain.cause_phrases import cause_phrase, cause_phrases
from ocsp_pcap.explain.causes import CAUSES, URGENCY
from ocsp_pcap.explain.phrases import count, listed


@pytest.mark.parametrize("code", [code for code, entry in CAUSES.items() if entry.kind == "cause"])
def test_every_cause_has_its_phrase_and_its_place(code: str) -> None:
    assert all(CAUSES[code].phrase)
    assert code in URGENCY
    assert cause_phrase(code, 1).startswith("1 ")
    assert cause_phrase(code, 1200).startswith("1,200 ")


@pytest.mark.parametrize("code", [code for code, entry in CAUSES.items() if entry.kind == "cause"])
def test_what_is_not_confirmed_is_told_as_a_possibility(code: str) -> None:
    assert {"may", "perhaps"} & set(cause_phrase(code, 2, sure=False).split())


def test_what_is_confirmed_and_what_is_not_are_counted_apart_the_urgent_first() -> None:
    rows = [
        ("stapled", "confirmed"),
        ("stapled", "likely"),
        ("http-error", "confirmed"),
        ("stapled", "confirmed"),
    ]
    assert cause_phrases(rows) == ["1 got an HTTP error", "2 were stapled", "1 may have been stapled"]


def test_count_and_lists() -> None:
    assert (count(1, "row"), count(2, "row"), count(1234, "entry", "entries")) == (
        "1 row",
        "2 rows",
        "1,234 entries",
    )
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ocsp_pcap.explain.difference import ExplanationOutline, difference, outline_of, outline_of_json
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.report.difference import difference_markdown, difference_to_json, headline
from ocsp_pcap.report.json import explanation_to_text
from tests.samples.cases import explanation_of_all, sample

BEFORE = explanation_of_all(sample("ocsp-on-child"))
AFTER = explanation_of_all(sample("ocsp-at-parent"))


def changed(explanation: Explanation, **values: Any) -> ExplanationOutline:
    """Return an explanation of which the first verdict of a server's own certificate says something else."""
    first = next(v for v in explanation.verdicts if v.validator.role == "parent" and v.chain_role == "leaf")
    verdicts = tuple(replace(v, **values) if v is first else v for v in explanation.verdicts)
    return outline_of(replace(explanation, verdicts=verdicts))


def test_the_same_twice_is_no_change() -> None:
    found = difference(outline_of(AFTER), outline_of(AFTER))
    assert (found.changes, found.findings, found.worse) == ((), (), False)
    assert found.same == len(AFTER.verdicts)
    assert "Nothing changed." in headline(found)


def test_ocsp_moved_to_the_parent() -> None:
    found = difference(outline_of(BEFORE), outline_of(AFTER))
    better = {(c.role, c.host) for c in found.changes if c.direction == "better"}
    assert better == {("parent", "plain.site.test"), ("parent", "shop.site.test")}
    assert not found.worse
    assert ("ocsp-on-wrong-proxy", "better") in {(f.code, f.direction) for f in found.findings}
    assert "OCSP asked by the parent proxy for 4 of 4 certificates, before for 0 of 3." in headline(found)


def test_and_back_again_is_worse() -> None:
    found = difference(outline_of(AFTER), outline_of(BEFORE))
    assert found.worse
    assert {c.host for c in found.changes if c.direction == "worse"} == {"plain.site.test", "shop.site.test"}
    assert "Worse than before: 2 certificates." in headline(found)
    assert "1 names no responder: no-ocsp.site.test" in headline(found)


@pytest.mark.parametrize(
    ("values", "direction"),
    [
        ({"presence": "attempted", "cause": "http-error", "status": None}, "worse"),
        ({"presence": "absent", "cause": "ocsp-disabled", "status": None}, "worse"),
        ({"status": "revoked"}, "worse"),
        ({"presence": "absent", "cause": "cached"}, "changed"),
        ({"presence": "absent", "cause": "no-ocsp-url", "status": None}, "changed"),
        ({"presence": "unknown", "cause": "capture-filtered", "status": None}, "changed"),
        ({"presence": "absent", "cause": "unexplained", "status": None}, "changed"),
    ],
)
def test_what_is_worse_than_an_answer(values: dict[str, Any], direction: str) -> None:
    (change,) = difference(outline_of(AFTER), changed(AFTER, **values)).changes
    assert change.direction == direction
    if direction == "worse":
        (back,) = difference(changed(AFTER, **values), outline_of(AFTER)).changes
        assert back.direction == "better"


def test_a_stored_explanation_says_the_same() -> None:
    document = json.loads("".join(explanation_to_text(AFTER)))
    assert outline_of_json(document) == outline_of(AFTER)


@pytest.mark.parametrize(
    "document", [{}, [], {"headline": "", "verdicts": [1], "findings": []}, {"verdicts": None}]
)
def test_what_is_no_explanation_is_told(document: Any) -> None:
    with pytest.raises(ValueError, match="no explanation"):
        outline_of_json(document)


def test_a_hostile_host_stays_text() -> None:
    found = difference(outline_of(AFTER), changed(AFTER, host="a|b`<img src=x>[x](y)\x1b[2J"))
    text = difference_markdown(found)
    assert "\x1b" not in text
    row = next(line for line in text.splitlines() if "<img" in line)
    assert row.count("|") - row.count("\\|") == 6
    assert difference_to_json(found)["schema"] == "ocsp-pcap-diff/1"

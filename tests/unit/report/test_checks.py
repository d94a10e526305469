"""Expectations on the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ocsp_pcap.explain.expect import Expectation, Outcome
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.report.checks import evidence_places, expectation_text, render_checks

from .hostile import HOSTILE

HELD = Outcome(
    Expectation(1, {"role": "parent", "host": "plain.site.test", "presence": "present"}),
    True,
    "1 verdict: present, queried.",
    (Evidence("x/parent.pcap", 219, 9, "response"), Evidence("x/parent.pcap", 212, 9, "request")),
)
BROKEN = Outcome(
    Expectation(2, {"finding": "ocsp-on-wrong-proxy"}),
    False,
    "No such finding.",
    (Evidence("site.toml", None, None, "ocsp = true"),),
)


def render(results: list[Outcome], width: int = 120) -> str:
    file = io.StringIO()
    render_checks(results, Console(file=file, width=width))
    return file.getvalue()


def test_broken_expectations_come_first() -> None:
    text = render([HELD, BROKEN])
    assert text.index("✗ broken") < text.index("✓ held")
    assert "finding=ocsp-on-wrong-proxy" in text
    assert "role=parent host=plain.site.test" in text
    assert "No such finding." in text
    assert "site.toml" in text
    # Of what holds nothing more has to be said.
    assert "1 verdict: present" not in text
    assert "✗ 1 of 2 expectations broken" in text


def test_last_line() -> None:
    assert "the expectation holds" in render([HELD])
    assert "all 2 expectations hold" in render([HELD, HELD])
    assert "No expectation" in render([])


def test_texts() -> None:
    assert expectation_text(BROKEN.expectation) == "finding=ocsp-on-wrong-proxy"
    assert evidence_places(HELD.evidence) == ["parent.pcap: frames 212, 219"]
    assert evidence_places(BROKEN.evidence) == ["site.toml"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_do_nothing(text: str) -> None:
    shown = render([Outcome(Expectation(1, {"host": text}), False, text, (Evidence(text, 1, 1, text),))])
    assert all(line.isprintable() for line in shown.split("\n"))

"""Hostile names stay text in what is passed on: differences, tickets, notebooks, timelines, pictures."""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.difference import difference, outline_of
from ocsp_pcap.explain.model import Cover, Event, Lane, Timeline, Validator
from ocsp_pcap.explain.site import Proxy, Site, Source
from ocsp_pcap.explain.site.read import load_sites
from ocsp_pcap.facts import Facts
from ocsp_pcap.facts.json import dumps
from ocsp_pcap.notebook import Result
from ocsp_pcap.report.difference import difference_markdown, difference_to_json, render_difference
from ocsp_pcap.report.first_expectations import expectations_toml
from ocsp_pcap.report.timeline_svg import timeline_svg
from ocsp_pcap.ticket import SupportCase, write_ticket

from .demo import demo_explanation
from .hostile import HOSTILE, hostile_explanation

OWN = {
    *("b", "p", "ol", "li", "strong", "table", "thead", "tbody", "tr", "th", "td", "div"),
    *("svg", "style", "title", "rect", "line", "text", "tspan", "g", "path"),
}
"""Elements that a notebook is given."""
TAGS = re.compile(r"<(script|img|a |iframe|b>)", re.IGNORECASE)


def harmless(text: str) -> None:
    """Nothing in it acts on a terminal or turns text around."""
    for character in text:
        assert character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), (
            repr(character)
        )


@pytest.mark.parametrize("name", HOSTILE)
def test_differences(name: str) -> None:
    hostile = outline_of(hostile_explanation(name))
    for found in (
        difference(outline_of(demo_explanation()), hostile),
        difference(hostile, outline_of(demo_explanation())),
    ):
        file = io.StringIO()
        render_difference(found, Console(file=file, width=100))
        harmless(file.getvalue())
        markdown = difference_markdown(found)
        harmless(markdown)
        assert "\n- item" not in markdown
        outside = re.sub(r"(`+).*?\1", "", markdown)
        assert not TAGS.search(outside.replace("\\<", ""))
        assert dumps(difference_to_json(found)).isascii()


@pytest.mark.parametrize("name", HOSTILE)
def test_notebooks(name: str) -> None:
    result = Result(hostile_explanation(name), Facts(), Context())
    shown = result._repr_html_() + result.verdicts._repr_html_() + result.findings._repr_html_()
    harmless(shown)
    assert set(re.findall(r"</?([a-z]+)", re.sub("<style>.*?</style>", "", shown))) <= OWN


@pytest.mark.parametrize("name", HOSTILE)
def test_timelines(name: str) -> None:
    lane = Lane(name, None, (Event(5, "query", name, 1, name),), (Cover(5, 9, name),))
    line = Timeline(Validator(name, "parent"), 0, 10, (lane,), 0)
    for narrow in (False, True):
        svg = timeline_svg(line, narrow=narrow)
        harmless(svg)
        root = ElementTree.fromstring(svg)
        tags = {each.tag.partition("}")[2] for each in root.iter()}
        assert tags <= {"svg", "line", "text", "g", "rect", "path", "circle", "title"}


@pytest.mark.parametrize("name", HOSTILE)
def test_tickets_and_first_expectations(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explanation = hostile_explanation(name)
    source = Source(name, 1, "squid", name)
    proxy = Proxy("parent", product=None, issuers=(name.strip() or "CN=x",), sources=(("issuers", source),))
    context = Context(Site(name, (proxy,)))
    monkeypatch.setattr("ocsp_pcap.ticket.write_evidence", lambda *_: None)
    write_ticket(
        SupportCase(explanation, Facts(), context, [], [Path(name.replace("\0", "") or "k")]), tmp_path
    )
    harmless((tmp_path / "answer.md").read_text(encoding="utf-8"))
    text = (tmp_path / "site.toml").read_text(encoding="utf-8")
    harmless(text)
    assert len(load_sites([str(tmp_path / "site.toml")]).proxies) == 1
    harmless(expectations_toml(explanation))


def test_the_check_notices(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        harmless("\u202e")
    with pytest.raises(AssertionError):
        harmless("\x1b")

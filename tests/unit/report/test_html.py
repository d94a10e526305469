"""The report as a page."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from ocsp_pcap.explain.model import Doubt, Explanation
from ocsp_pcap.report.html import render_html
from ocsp_pcap.terminal.escape import safe_text

from .demo import PARENT_PCAP, capture, demo_explanation, demo_verdicts, exchange, many_verdicts
from .hostile import HOSTILE, hostile_explanation, odd_verdict

VOID = {"meta", "input", "br", "img"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; elements must nest; some ends may be left out, if told."""

    def __init__(self, text: str, *, optional_ends: bool = False) -> None:
        super().__init__()
        self.optional = {"td", "tr"} if optional_ends else set()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag in self.optional and self.open[-1] in self.optional:
            # The end of a cell or row may be left out before the next one (HTML 13.1.2.4).
            while self.open[-1] == "td" or (tag == "tr" and self.open[-1] == "tr"):
                self.open.pop()
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag not in self.optional and self.open[-1] in self.optional:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)


def test_page() -> None:
    text = render_html(demo_explanation())
    page = Page(text)
    assert page.open == []
    assert text.startswith("<!DOCTYPE html>")
    shown = "".join(page.text)
    for part in (
        "3 OCSP requests from parent 10.77.2.30: 1 answered good",
        "12 packets dropped while capturing",
        "ocsp-on-wrong-proxy",
        "parent 10.77.2.30",
        "frame.number in {504, 507, 519, 523, 540}",
        "the capture may have begun after an earlier answer",
        "1 OCSP exchange for certificates that the sender was not seen to receive",
    ):
        assert part in shown, part
    assert text.count('<tbody class="verdict') == 7
    assert render_html(demo_explanation(), verbose=1).count('<tbody class="verdict') == 8


def test_page_is_self_contained() -> None:
    page = Page(render_html(demo_explanation()))
    names = {name for name, _ in page.attributes}
    assert not {"src", "action", "srcset", "data"} & names
    assert all((value or "").startswith("#c-") for name, value in page.attributes if name == "href")
    assert not any(name.startswith("on") for name in names)
    assert "link" not in page.elements
    assert "url(" not in render_html(demo_explanation())


def test_policy_admits_the_script_and_the_style_only() -> None:
    text = render_html(demo_explanation())
    (policy,) = [
        value for name, value in Page(text).attributes if name == "content" and "default-src" in (value or "")
    ]
    assert policy is not None
    assert "default-src 'none'" in policy
    for element in ("script", "style"):
        (content,) = re.findall(f"<{element}>(.*?)</{element}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_change_nothing_but_text(hostile: str) -> None:
    text = render_html(hostile_explanation(hostile), verbose=1)
    page = Page(text)
    # An empty name still shows: whether an optional part is there depends on the name being empty.
    harmless = Page(render_html(hostile_explanation("name" if hostile else ""), verbose=1))
    assert page.open == []
    assert page.elements == harmless.elements
    assert [name for name, _ in page.attributes] == [name for name, _ in harmless.attributes]
    assert all(line.isprintable() for line in text.split("\n"))
    text.encode("utf-8")
    if hostile.strip():
        assert safe_text(hostile) in "".join(page.text)


def test_rows_are_grouped_by_cause_the_urgent_first() -> None:
    text = render_html(demo_explanation())
    causes = re.findall(r'<span class="cause">([^<]*)</span>', text)
    assert causes[0] == "responder-unreachable"
    assert causes[-1] == "queried"
    assert len(causes) == len(set(causes))


def test_doubts_are_told_beside_the_sentence() -> None:
    first, *others = demo_verdicts()
    doubted = replace(first, confidence="likely", doubts=(Doubt("clock", "the clocks differ by an hour"),))
    text = render_html(Explanation((capture(PARENT_PCAP),), (doubted, *others), (), ()))
    assert text.count("Likely only, because the clocks differ by an hour.") == 2


def test_unmatched_exchanges_carry_serial_status_and_frames() -> None:
    text = "".join(Page(render_html(Explanation((), (), (), (exchange("5e77"),)))).text)
    assert "serial 5e77: good" in text
    assert re.search(r"frames \d+, \d+", text)


def test_anchors_are_stable_and_distinct() -> None:
    found = [re.findall(r'id="(c-[^"]*)"', render_html(demo_explanation())) for _ in range(2)]
    assert found[0] == found[1]
    assert len(found[0]) == len(set(found[0])) == 7


def test_many_rows_share_their_words_and_lose_nothing() -> None:
    many = many_verdicts(1200)
    text = render_html(Explanation((capture(PARENT_PCAP),), many, (), ()))
    page = Page(text, optional_ends=True)
    assert page.open == []
    anchors = re.findall(r'<(?:tr|tbody)[^>]*\sid="(c-[^"]*)"', text)
    assert len(anchors) == len(set(anchors)) == 1200
    shown = "".join(page.text)
    for verdict in many[::97]:
        assert verdict.host is not None
        assert verdict.host in shown
        if verdict.certificate is not None:
            assert verdict.certificate.sha256 in shown
            assert verdict.certificate.serial in shown
    # What all rows of a cause have in common is said once for each of the first rows, and once for the rest.
    assert text.count("sent 4 SYN to 203.0.113.99") < 60
    assert len(text) < 1_000_000


def test_many_findings_alike_are_folded() -> None:
    finding = demo_explanation().findings[1]
    text = render_html(Explanation((), (), (finding,) * 70, ()))
    assert Page(text).open == []
    assert text.count('<div class="finding') == 50
    assert "47 findings more of the kind ocsp-on-wrong-proxy</summary>" in text
    assert "20 findings more of the kind ocsp-on-wrong-proxy in the report as JSON" in text


def test_nothing_at_all() -> None:
    assert "Nothing." in render_html(Explanation((), (), (), (), headline="Nothing."))


def test_unknown_words_are_shown() -> None:
    odd = Explanation((capture(PARENT_PCAP),), (odd_verdict(demo_verdicts()[0]),), (), ())
    assert "no-such-cause" in render_html(odd)

"""The report for tickets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocsp_pcap.explain.model import Doubt, Explanation
from ocsp_pcap.report.markdown import render_markdown

from .demo import PARENT_PCAP, capture, demo_explanation, demo_verdicts, exchange
from .hostile import HOSTILE, hostile_explanation, odd_verdict


def read(text: str) -> list[Any]:
    """The tokens that a Markdown reader makes of a report."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return [inner for token in reader.parse(text) for inner in (token, *(token.children or []))]


def test_report() -> None:
    text = render_markdown(demo_explanation())
    assert text.startswith("**3 OCSP requests from parent 10.77.2.30: ")
    for part in (
        "- \\[2\\] `parent.pcapng`: 48,213 packets",
        "**problem** `ocsp-on-wrong-proxy`: ",
        "| ✓ present | `queried` | 1 | `plain.site.test` | \\[2\\] 104, 107 |",
        "### `quiet.site.test`: absent, `unexplained`",
        "```\nframe.number in {704, 707}\n```",
        "- `cached`: the capture may have begun after an earlier answer",
        "1. Start a new capture on 10.77.2.30",
        "1 OCSP exchange for certificates that the sender was not seen to receive:",
        "serial 5e77: good, frames ",
    ):
        assert part in text, part


def test_the_ticket_comes_first_and_the_details_are_folded() -> None:
    first, folded = render_markdown(demo_explanation()).split("<details>")
    assert len(first.splitlines()) <= 45
    assert "### " not in first
    assert folded.rstrip().endswith("</details>")
    causes = [line.split("`")[1] for line in first.splitlines() if line.startswith("| ") and "`" in line]
    assert causes[0] == "responder-unreachable"
    assert causes[-1] == "queried"


def test_many_certificates_are_no_wall() -> None:
    first = demo_verdicts()[0]
    many = tuple(replace(first, host=f"h{number}.test") for number in range(2000))
    explanation = Explanation((capture(PARENT_PCAP),), many, (), ())
    text = render_markdown(explanation)
    assert len(text.split("<details>")[0].splitlines()) < 20
    assert "| 2,000 | `h0.test`, `h1.test`" in text
    assert "and 1,996 more" in text
    assert "1980 certificates more" in text.replace(",", "")
    assert len(text.splitlines()) < 1500
    assert "h1999.test" in render_markdown(explanation, verbose=1)


def test_no_revoked_exchange_is_cut_off() -> None:
    good = tuple(exchange(f"5e{number:02x}") for number in range(40))
    response = good[0].response
    assert response is not None
    single = replace(response.singles[0], serial="bad1", status="revoked")
    bad = replace(exchange("bad1"), response=replace(response, singles=(single,)))
    text = render_markdown(Explanation((), (), (), (*good, bad)))
    assert "serial bad1: REVOKED" in text
    assert "and 36 more" in text


def test_doubts_are_told() -> None:
    doubted = replace(demo_verdicts()[0], confidence="likely", doubts=(Doubt("clock", "the clocks differ"),))
    text = render_markdown(Explanation((capture(PARENT_PCAP),), (doubted,), (), ()))
    assert "Likely only, because the clocks differ." in text
    assert "(likely)" in text


def test_report_of_nothing() -> None:
    assert "Nothing." in render_markdown(Explanation((), (), (), (), headline="Nothing."))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_change_nothing_but_text(hostile: str) -> None:
    text = render_markdown(hostile_explanation(hostile), verbose=1)
    assert all(line.isprintable() for line in text.split("\n"))
    kinds = [token.type for token in read(text)]
    harmless = [token.type for token in read(render_markdown(hostile_explanation("name"), verbose=1))]
    for kind in (
        "td_open",
        "tr_open",
        "heading_open",
        "list_item_open",
        "fence",
        "strong_open",
        "table_open",
    ):
        # Blank names leave optional parts out.
        assert kinds.count(kind) == harmless.count(kind) or not hostile.strip(), kind
    # The report's own HTML is what folds the details.
    assert kinds.count("html_block") == 2
    assert not {"html_inline", "link_open", "image", "em_open", "s_open", "code_block"} & set(kinds)
    for token in read(text):
        if token.type == "text":
            assert "://" not in token.content
            assert "@" not in token.content


def test_unknown_words_are_shown() -> None:
    odd = Explanation((capture(PARENT_PCAP),), (odd_verdict(demo_verdicts()[0]),), (), ())
    assert "no-such-cause" in render_markdown(odd)


def test_many_findings_alike_are_counted() -> None:
    finding = demo_explanation().findings[1]
    text = render_markdown(Explanation((), (), (finding,) * 9, ()))
    assert "And 8 findings more of the kind ocsp-on-wrong-proxy." in text.replace("\\", "")
    assert text.count("### problem") == 3
    assert "6 findings more of the kind" in text

"""The report for tickets."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.report.markdown import render_markdown

from .demo import PARENT_PCAP, capture, demo_explanation, demo_verdicts
from .hostile import HOSTILE, hostile_explanation, odd_verdict


def read(text: str) -> list[Any]:
    """The tokens that a Markdown reader makes of a report."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return [inner for token in reader.parse(text) for inner in (token, *(token.children or []))]


def test_report() -> None:
    text = render_markdown(demo_explanation())
    assert text.startswith("# OCSP in the capture\n\n**3 OCSP requests from parent 10.77.2.30: ")
    for part in (
        "- \\[2\\] `parent.pcapng`: 48,213 packets",
        "### problem: `ocsp-on-wrong-proxy`",
        "## Certificates received by parent 10.77.2.30",
        "| ✓ present | `queried` | `plain.site.test` | good | confirmed | \\[2\\] 104, 107, 212 +1 |",
        "### `quiet.site.test`: absent, `unexplained`",
        "```\nframe.number in {704, 707}\n```",
        "- `cached`: the capture may have begun after an earlier answer",
        "1. Start a new capture on 10.77.2.30",
        "1 OCSP exchange for certificates that no handshake in the captures showed.",
    ):
        assert part in text, part
    assert "### `plain.site.test`" not in text
    assert "### `plain.site.test`" in render_markdown(demo_explanation(), verbose=1)


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
    assert not {"html_inline", "html_block", "link_open", "image", "em_open", "s_open", "code_block"} & set(
        kinds
    )
    for token in read(text):
        if token.type == "text":
            assert "://" not in token.content
            assert "@" not in token.content


def test_unknown_words_are_shown() -> None:
    odd = Explanation((capture(PARENT_PCAP),), (odd_verdict(demo_verdicts()[0]),), (), ())
    assert "no-such-cause" in render_markdown(odd)

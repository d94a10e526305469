"""Escaping of hostile text."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.terminal.escape import (
    encodable,
    markdown_block,
    markdown_code,
    markdown_text,
    safe_text,
    xml_text,
)
from tests.unit.report.hostile import HOSTILE

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(HOSTILE)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain.site.test", "plain.site.test"),
        ("müller.example 中文 ✓", "müller.example 中文 ✓"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\nb\r\tc\x00", r"a\nb\r\tc\x00"),
        ("\x9b\x7f\xa0", r"\x9b\x7f\xa0"),
        ("a\u202eb\u200e", r"a\u202eb\u200e"),
        ("\ud800", r"\ud800"),
        ("\U000e0041\u3164\ufe0f", r"\U000e0041\u3164\ufe0f"),
        ("e\u0301", "e\u0301"),
    ],
)
def test_safe_text(text: str, safe: str) -> None:
    assert safe_text(text) == safe


@given(ANY_TEXT)
def test_safe_text_is_visible_encodable_and_final(text: str) -> None:
    safe = safe_text(text)
    assert safe.isprintable()
    assert all(
        unicodedata.bidirectional(each) not in {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI"}
        for each in safe
    )
    safe.encode("utf-8")
    assert safe_text(safe) == safe
    assert not re.search("[\u0300-\u036f]{5}", safe)


def test_limit() -> None:
    assert safe_text("abcdef", limit=6) == "abcdef"
    assert safe_text("abcdefg", limit=6) == "abcde…"


@given(ANY_TEXT, st.sampled_from(["ascii", "utf-8", "latin-1", "cp1252", "no-such-encoding"]))
def test_encodable(text: str, encoding: str) -> None:
    encodable(text, encoding).encode("ascii" if encoding.startswith("no") else encoding)


def _markdown_tokens(text: str) -> list[tuple[str, str]]:
    """What a Markdown reader makes of text: every token with its content, inline ones too."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return [
        (inner.type, inner.content) for token in reader.parse(text) for inner in (token.children or [token])
    ]


@given(ANY_TEXT)
def test_markdown_code_is_one_code_span(text: str) -> None:
    tokens = _markdown_tokens("x " + markdown_code(text) + " y")
    spans = [content for kind, content in tokens if kind == "code_inline"]
    expected = [safe_text(text)] if text.strip(" ") else []
    assert spans == expected
    assert {kind for kind, _ in tokens} <= {"paragraph_open", "paragraph_close", "text", "code_inline"}


@given(ANY_TEXT)
def test_markdown_text_is_prose_only(text: str) -> None:
    tokens = _markdown_tokens(markdown_text(text))
    allowed = {"paragraph_open", "paragraph_close", "text", "text_special", "code_inline"}
    assert {kind for kind, _ in tokens} <= allowed
    shown = "".join(content for _, content in tokens)
    assert shown.replace(" ", "") == safe_text(text).replace(" ", "")
    for kind, content in tokens:
        if kind == "text":
            assert "://" not in content
            assert "@" not in content


@given(ANY_TEXT)
def test_markdown_table_cells_stay_cells(text: str) -> None:
    row = f"| {markdown_code(text, table=True)} | {markdown_text(text, table=True)} | end |"
    tokens = _markdown_tokens(f"| a | b | c |\n|---|---|---|\n{row}")
    kinds = [kind for kind, _ in tokens]
    assert kinds.count("td_open") == 3
    assert kinds.count("tr_open") == 2
    assert not {"html_inline", "link_open", "image", "em_open", "strong_open", "s_open"} & set(kinds)


@given(ANY_TEXT)
def test_markdown_block(text: str) -> None:
    ((kind, content),) = _markdown_tokens(markdown_block(text))
    assert (kind, content) == ("fence", safe_text(text) + "\n")


@given(ANY_TEXT)
def test_xml_text_has_only_what_xml_allows(text: str) -> None:
    from xml.etree import ElementTree

    element = ElementTree.Element("a", {"b": safe_text(text)})
    element.text = xml_text(text)
    read = ElementTree.fromstring(ElementTree.tostring(element, encoding="utf-8"))
    assert read.attrib["b"] == safe_text(text)
    assert (read.text or "") == xml_text(text)

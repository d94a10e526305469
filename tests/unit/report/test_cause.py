"""The cause command's output."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ocsp_pcap.explain.causes import CAUSES, SECTIONS
from ocsp_pcap.report.cause import (
    UnknownCodeError,
    cause_table_markdown,
    render_cause,
    render_causes,
    suggestions,
)

from .test_text import Ascii


@pytest.mark.parametrize("code", CAUSES)
def test_every_page_can_be_shown(code: str) -> None:
    file = io.StringIO()
    render_cause(code, Console(file=file, width=80))
    text = file.getvalue()
    assert f"{code}: " in text
    for section in SECTIONS:
        assert section in text
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())


def test_pages_in_ascii() -> None:
    file = Ascii()
    render_cause("stapled", Console(file=file, width=80))
    assert file.getvalue().isascii()


def test_unknown_code() -> None:
    with pytest.raises(UnknownCodeError, match=r"did you mean cached") as caught:
        render_cause("cahced", Console(file=io.StringIO()))
    assert caught.value.suggestions == ("cached",)
    with pytest.raises(UnknownCodeError, match=r"^no cause or finding is called '\\x1b\[31m'$"):
        render_cause("\x1b[31m", Console(file=io.StringIO()))


def test_suggestions() -> None:
    assert suggestions("OCSP_Disabled") == ("ocsp-disabled",)
    assert {"stapled", "staple-fetch"} <= set(suggestions("staple"))
    assert suggestions("zzzzzz") == ()
    assert suggestions("x" * 100_000) == ()


def test_table_of_all_codes() -> None:
    file = io.StringIO()
    render_causes(Console(file=file, width=100))
    for code in CAUSES:
        assert code in file.getvalue()


def test_table_for_the_readme() -> None:
    table = cause_table_markdown()
    rows = [line for line in table.splitlines() if line.startswith("|") and "`" in line]
    assert len(rows) == len(CAUSES)
    assert "| absent | `stapled` | A fresh staple for this certificate came in the handshake. |" in rows
    assert all(row.count("|") == 4 for row in rows)

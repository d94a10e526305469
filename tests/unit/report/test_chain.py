from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ocsp_pcap.api import explain, read_facts
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.report.chain import chain_rows
from ocsp_pcap.report.html import render_html
from ocsp_pcap.report.markdown import render_markdown
from ocsp_pcap.report.text import render_text

SAMPLES = Path(__file__).parents[3] / "samples"


def explained(name: str) -> Explanation:
    return explain(read_facts([SAMPLES / name / "child.pcap", SAMPLES / name / "parent.pcap"]))


def as_text(explanation: Explanation) -> str:
    console = Console(file=StringIO(), width=120)
    render_text(explanation, console=console)
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def test_the_reissued_certificate_stands_next_to_the_original() -> None:
    rows = chain_rows(explained("ocsp-on-child"))
    at = next(place for place, row in enumerate(rows) if row[0] == "plain.site.test")
    child, parent = rows[at], rows[at + 1]
    assert child[2] == "Example parent interception CA"
    assert child[3] == "none"
    assert parent[0] == ""
    assert parent[2] == "Lab Issuing CA"
    assert parent[3] == "http://ocsp.pki.test/"


def test_a_leg_that_is_only_tunnelled_says_so() -> None:
    rows = chain_rows(explained("parent-tunnels"))
    assert any(row[1].startswith("parent") and row[2] == "(only tunnelled)" for row in rows)


@pytest.mark.parametrize("render", [as_text, render_markdown, render_html])
def test_every_report_has_the_table(render) -> None:  # type: ignore[no-untyped-def]
    text = render(explained("ocsp-on-child"))
    assert "Through the chain" in text
    assert "Example parent interception CA" in text


def test_one_leg_alone_makes_no_chain() -> None:
    explanation = explain(read_facts([SAMPLES / "ocsp-on-child" / "child.pcap"]))
    assert chain_rows(explanation) == []
    assert "Through the chain" not in as_text(explanation)

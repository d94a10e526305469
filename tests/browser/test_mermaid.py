"""Mermaid's own parser accepts the pictures, whatever names are in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ocsp_pcap.report.picture_mermaid import picture_mermaid
from tests.samples.cases import explanation_of_all, samples
from tests.unit.report.hostile import HOSTILE
from tests.unit.report.test_picture import hostile

from .conftest import module


@pytest.fixture(scope="module")
def mermaid(chromium: Any) -> Iterator[Any]:
    library = module("mermaid/dist/mermaid.min.js")
    page = chromium.new_page()
    page.set_content("<body></body>")
    page.add_script_tag(path=str(library))
    page.evaluate("mermaid.initialize({ startOnLoad: false, securityLevel: 'strict' })")
    yield page
    page.close()


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_the_picture_of_every_sample_is_drawn(mermaid: Any, case: Any) -> None:
    picture = explanation_of_all(case).picture
    text = picture_mermaid(picture)
    assert mermaid.evaluate("async (text) => (await mermaid.parse(text)).diagramType", text).startswith(
        "flowchart"
    )
    svg = mermaid.evaluate("async (text) => (await mermaid.render('drawing', text)).svg", text)
    for node in picture.nodes:
        assert node.title in svg


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(mermaid: Any, name: str) -> None:
    text = picture_mermaid(hostile(name))
    svg = mermaid.evaluate("async (text) => (await mermaid.render('drawing', text)).svg", text)
    assert "<img" not in svg
    assert "<script" not in svg
    assert 'href="javascript' not in svg

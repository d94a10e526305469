"""The three drawings of the chain, and that hostile names stay text in each."""

from __future__ import annotations

import io
import re
from importlib import resources
from typing import get_args
from xml.etree import ElementTree

import pytest
from rich.console import Console

from ocsp_pcap.explain.model import Link, LinkKind, Node, Picture
from ocsp_pcap.report.picture_mermaid import picture_mermaid
from ocsp_pcap.report.picture_svg import picture_svg, picture_words
from ocsp_pcap.report.picture_text import picture_lines, print_picture
from ocsp_pcap.report.wording import LINK_MARKS
from ocsp_pcap.terminal.sheet import Sheet

from .hostile import HOSTILE

PICTURE = Picture(
    (
        Node("child0", "child", "Child proxy", "10.77.1.20", ("site: OCSP on",)),
        Node("parent0", "parent", "Parent proxy", "10.77.2.30"),
        Node("responder0", "responder", "OCSP responder", "ocsp.ca.test"),
        Node("origin", "origin", "12 origins", "shop.test, mail.test +10"),
    ),
    (
        Link("child0", "parent0", "tls", "3 TLS handshakes"),
        Link("origin", "parent0", "staple", "1 OCSP staple in the handshakes"),
        Link("origin", "parent0", "staple-unusable", "1 OCSP staple, not usable: it is stale"),
        Link("parent0", "responder0", "ocsp", "1 OCSP request: 1 good"),
        Link("parent0", "responder0", "ocsp-revoked", "1 OCSP request: 1 REVOKED"),
        Link("parent0", "responder0", "ocsp-failed", "1 OCSP request: 1 HTTP error"),
        Link("child0", "responder0", "impossible", "3 were reissued by a proxy upstream"),
        Link("parent0", "responder0", "missing", "2 were not checked (OCSP is off)"),
    ),
)


def hostile(name: str) -> Picture:
    nodes = (Node("child0", "child", name, name, (name,)), Node("origin", "origin", "Origin", name))
    return Picture(nodes, (Link("child0", "origin", "tls", name),))


def drawn(picture: Picture, width: int, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print_picture(Sheet(Console(file=file, width=width)), picture)
    file.seek(0)
    return file.read()


@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_box_characters_fit_and_tell_everything(width: int) -> None:
    text = drawn(PICTURE, width)
    assert max(map(len, text.splitlines())) <= width
    joined = " ".join(re.sub(r"[│├┤▶◀─╌]", " ", text).split())
    for link in PICTURE.links:
        assert link.label in joined


def test_box_characters_without_unicode_and_without_room() -> None:
    text = drawn(PICTURE, 80, "ascii")
    assert text.isascii()
    assert "x no OCSP possible" in text
    assert picture_lines(PICTURE, 30) == []
    assert drawn(Picture(), 80) == ""


def test_svg_is_xml_and_names_what_it_shows() -> None:
    root = ElementTree.fromstring(picture_svg(PICTURE))
    text = " ".join("".join(root.itertext()).split())
    for part in ("Child proxy", "OCSP responder", "1 REVOKED", "not checked"):
        assert part in text
    assert "10.77.2.30" in root.attrib["aria-label"]
    ghosts = [each for each in root.iter() if "ghost" in each.attrib.get("class", "")]
    assert len(ghosts) == 2
    assert "style" not in {name for each in root.iter() for name in each.attrib}
    assert len(picture_words(PICTURE)) == len(PICTURE.links)
    assert picture_svg(Picture()) == ""


def test_green_is_good_and_nothing_else_in_every_drawing() -> None:
    green = {"staple", "ocsp"}
    kinds = get_args(LinkKind)
    assert {kind for kind in kinds if LINK_MARKS[kind] == "✓"} == green
    picture = Picture(PICTURE.nodes, tuple(Link("parent0", "responder0", kind, kind) for kind in kinds))
    styles = dict(zip(kinds, re.findall(r"linkStyle \d+ (.*)", picture_mermaid(picture)), strict=True))
    assert {kind for kind, style in styles.items() if styles["ocsp"].split(",")[0] in style} == green
    drawn = {
        word: style for line, style in picture_lines(picture, 160) for word in line.split() if word in kinds
    }
    assert {kind for kind in kinds if "green" in drawn.get(kind, "")} == green
    assert all("red" in drawn[kind] for kind in kinds if "revoked" in kind)
    css = "".join(
        resources.files("ocsp_pcap.report").joinpath("templates", name).read_text()
        for name in ("picture.css", "report.css")
    )
    for selectors in re.findall(r"([^{}]*)\{[^}]*var\(--present[^}]*\}", css):
        assert not re.search("revoked|unknown|failed|unusable|missing", selectors), selectors


def test_mermaid_has_a_line_a_link() -> None:
    text = picture_mermaid(PICTURE)
    assert text.startswith("flowchart LR\n")
    assert sum(" child0 " in f" {line} " or " parent0 " in f" {line} " for line in text.splitlines()) >= 6
    assert "-.->" in text
    assert text.count("linkStyle") == len({link.kind for link in PICTURE.links})
    assert picture_mermaid(Picture()) == ""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    picture = hostile(name)
    root = ElementTree.fromstring(picture_svg(picture))
    assert {each.tag.partition("}")[2] for each in root.iter()} <= {
        "svg", "line", "rect", "text", "tspan", "g", "path",
    }  # fmt: skip
    mermaid = picture_mermaid(picture)
    assert mermaid.isascii()
    for line in mermaid.splitlines():
        label = re.search(r'"(.*)"', line)
        if label:
            assert not set(re.sub(r"#\d+;|<br/>", "", label[1])) & set("\"'<>[](){}|#;`&\\")
    for width in (60, 120):
        text = drawn(picture, width)
        assert all(character.isprintable() or character == "\n" for character in text)

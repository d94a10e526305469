"""The picture of the chain as SVG: hosts side by side, an arrow a link below them, as on a sequence diagram.

Colours are classes, so that the page that holds the picture decides them; a picture of its own brings
the same rules along. What colour says, a sign before each label says, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from markupsafe import escape

from ocsp_pcap.explain.model import Link, Node, Picture
from ocsp_pcap.report.wording import GHOSTS, LINK_MARKS, wrapped
from ocsp_pcap.terminal.escape import safe_text

PITCH: Final = 224
"""Units from one host to the next."""
_BOX: Final = 196
_LINE: Final = 17
_CHARACTER: Final = 6.9
"""Units that a character takes, on average, in the font of the labels."""
_GAP: Final = 20
_HEAD: Final = 8
_SHORTEST_ROOM: Final = 300


def picture_svg(picture: Picture, *, style: str | None = None) -> str:
    """Return the picture as one svg element; empty where there is nothing to draw.

    ``style``: rules that the element brings along, for where no page provides them.
    """
    if len(picture.nodes) < 2:
        return ""
    return "".join(_elements(picture, style))


def picture_words(picture: Picture) -> list[str]:
    """Return a sentence a link, for those who do not see the picture."""
    names = {node.id: f"{node.title} {node.name}" for node in picture.nodes}
    return [
        f"{names[link.source]} to {names[link.target]}: {LINK_MARKS[link.kind]} {link.label}".replace(
            ":  ", ": "
        )
        for link in picture.links
    ]


def _elements(picture: Picture, style: str | None) -> Iterator[str]:
    centres = {node.id: place * PITCH + PITCH // 2 for place, node in enumerate(picture.nodes)}
    width = PITCH * len(picture.nodes)
    texts = [_node_text(node) for node in picture.nodes]
    top = max(map(len, texts)) * _LINE + 18
    rows: list[str] = []
    y = top + 10
    for link in picture.links:
        lines, x, anchor = _label(link, centres, width)
        y += _LINE * len(lines) + 4
        rows.append(_text(lines, x, y - _LINE * (len(lines) - 1) - 6, f"label {link.kind}", anchor))
        rows.append(_arrow(link, centres, y))
        y += _GAP - 4
    height = y + 8
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="The chain: {_safe(_summary(picture))}">'
    )
    if style is not None:
        yield f"<style>{style}</style>"
    for x in centres.values():
        yield f'<line class="life" x1="{x}" y1="{top}" x2="{x}" y2="{height - 6}"/>'
    for node, lines in zip(picture.nodes, texts, strict=True):
        x = centres[node.id]
        box = f'x="{x - _BOX // 2}" y="1" width="{_BOX}" height="{top - 2}" rx="9"'
        yield f'<rect class="box {node.kind}" {box}/>'
        yield _text(lines[:1], x, 21, "title", "middle")
        yield _text(lines[1:], x, 21 + _LINE, "name", "middle")
    yield from rows
    yield "</svg>"


def _summary(picture: Picture) -> str:
    return ", ".join(f"{node.title} {node.name}" for node in picture.nodes)


def _node_text(node: Node) -> list[str]:
    room = int(_BOX / _CHARACTER) - 1
    parts = (node.title, node.name, *node.notes)
    return [line for part in parts for line in wrapped(safe_text(part), room, 2)]


def _label(link: Link, centres: dict[str, int], width: int) -> tuple[list[str], int, str]:
    """Return the lines of a label, where they begin, and how they are anchored there."""
    left = min(centres[link.source], centres[link.target])
    right = max(centres[link.source], centres[link.target])
    words = safe_text(f"{LINK_MARKS[link.kind]} {link.label}".strip())
    room = width - left - 20
    if room < _SHORTEST_ROOM:
        return wrapped(words, int((right - 20) / _CHARACTER), 3), right - 12, "end"
    return wrapped(words, int(room / _CHARACTER), 3), left + 12, "start"


def _arrow(link: Link, centres: dict[str, int], y: int) -> str:
    start, end = centres[link.source], centres[link.target]
    step = _HEAD if end > start else -_HEAD
    tip = end - (2 if end > start else -2)
    line = f'<line class="shaft" x1="{start}" y1="{y}" x2="{tip - step}" y2="{y}"/>'
    if link.kind == "impossible":
        x = tip - step
        head = f'<path class="cross" d="M{x - 5} {y - 5}l10 10M{x + 5} {y - 5}l-10 10"/>'
    else:
        head = f'<path class="head" d="M{tip} {y}l{-step} -5v10z"/>'
    ghost = " ghost" if link.kind in GHOSTS else ""
    return f'<g class="link {link.kind}{ghost}">{line}{head}</g>'


def _text(lines: list[str], x: float, y: float, classes: str, anchor: str) -> str:
    spans = "".join(
        f'<tspan x="{x}" y="{y + number * _LINE}">{_safe(line)}</tspan>' for number, line in enumerate(lines)
    )
    return f'<text class="{classes}" text-anchor="{anchor}">{spans}</text>' if lines else ""


def _safe(text: str) -> str:
    return str(escape(safe_text(text)))

"""The picture of the chain in box characters, for terminals: hosts side by side, arrows below."""

from __future__ import annotations

from typing import Final

from ocsp_pcap.explain.model import Link, LinkKind, Picture
from ocsp_pcap.report.wording import GHOSTS, LINK_MARKS, wrapped
from ocsp_pcap.terminal.escape import encodable, safe_text
from ocsp_pcap.terminal.sheet import Sheet

NARROWEST: Final = 40
"""Columns below which nothing is drawn."""
_WIDEST_BOX: Final = 26
_NARROWEST_BOX: Final = 9
_LINK_STYLES: Final[dict[LinkKind, str]] = {
    "tls": "", "staple": "green", "staple-revoked": "bold red", "staple-unusable": "yellow",
    "ocsp": "bold green", "ocsp-revoked": "bold red", "ocsp-unknown": "bold yellow",
    "ocsp-failed": "bold yellow", "crl": "cyan",
    "missing": "bold red", "impossible": "dim", "needless": "dim", "hidden": "magenta",
}  # fmt: skip
_MARKS: Final = frozenset("✓✗…")
_BOXES: Final = {
    "┌": "+", "┐": "+", "└": "+", "┘": "+", "─": "-", "│": "|", "┬": "+", "├": "+", "┤": "+",
    "╌": "-", "▶": ">", "◀": "<",
}  # fmt: skip


def print_picture(sheet: Sheet, picture: Picture) -> None:
    """Print the picture as wide as the terminal; nothing where that is too narrow for it."""
    if len(picture.nodes) < 2 or not picture.links:
        return
    drawing = picture_lines(picture, sheet.width)
    for line, style in drawing:
        sheet.drawing(line, style, _BOXES)


def picture_lines(picture: Picture, width: int) -> list[tuple[str, str]]:
    """Return the lines of the picture, each with the style of what it shows; none where it has no room."""
    number = len(picture.nodes)
    pitch = min(width // number, _WIDEST_BOX + 4) if number else 0
    box = pitch - 2
    if width < NARROWEST or box < _NARROWEST_BOX:
        return []
    centres = {node.id: place * pitch + box // 2 for place, node in enumerate(picture.nodes)}
    lines: list[tuple[str, str]] = []
    texts = [
        [_plain(part) for part in (node.title, node.name, *node.notes[:1]) if part] for node in picture.nodes
    ]
    cells = [[piece for part in parts for piece in wrapped(part, box - 2, 2)] for parts in texts]
    height = max(map(len, cells))
    lines.append(("  ".join("┌" + "─" * (box - 2) + "┐" for _ in cells), ""))
    for row in range(height):
        parts = [cell[row] if row < len(cell) else "" for cell in cells]
        lines.append(
            ("  ".join("│" + part.center(box - 2) + "│" for part in parts), "bold" if row == 0 else "")
        )
    feet = "─" * (box // 2 - 1) + "┬"
    lines.append(("  ".join("└" + feet.ljust(box - 2, "─") + "┘" for _ in cells), ""))
    for link in picture.links:
        lines += _arrow(link, centres, width)
    return lines


def _arrow(link: Link, centres: dict[str, int], width: int) -> list[tuple[str, str]]:
    """Return the label of a link and its arrow, the lifelines of the other hosts around them."""
    start, end = centres[link.source], centres[link.target]
    left, right = min(start, end), max(start, end)
    label = _plain(f"{LINK_MARKS[link.kind]} {link.label}".strip())
    room = width - left - 3
    if room < NARROWEST:
        left_edge = max(width - max(NARROWEST, len(label)) - 1, 1)
        room = width - left_edge - 1
    else:
        left_edge = left + 2
    style = _LINK_STYLES[link.kind]
    drawn = [(_overlay(centres, piece, left_edge), style) for piece in wrapped(label, room, 4)]
    body = "╌" if link.kind in GHOSTS else "─"
    shaft = [body] * (right - left - 1)
    if end > start:
        shaft[-1] = "✗" if link.kind == "impossible" else "▶"
        arrow = "├" + "".join(shaft) + "│"
    else:
        shaft[0] = "◀"
        arrow = "│" + "".join(shaft) + "┤"
    return [*drawn, (_overlay(centres, arrow, left, pad=False), style)]


def _overlay(centres: dict[str, int], text: str, at: int, *, pad: bool = True) -> str:
    """Return the lifelines with a text over them."""
    width = max(*centres.values(), at + len(text)) + 2
    cells = [" "] * width
    for centre in centres.values():
        cells[centre] = "│"
    if pad:
        text = f" {text} "
        at -= 1
    cells[at : at + len(text)] = text
    return "".join(cells).rstrip()


def _plain(text: str) -> str:
    """Return text in which every character is one column wide."""
    return "".join(
        character if character in _MARKS or character.isascii() else encodable(character, "ascii")
        for character in safe_text(text)
    )

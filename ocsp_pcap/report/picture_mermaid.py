"""The picture of the chain as a Mermaid flowchart, which forges and ticket systems draw from Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.model import LinkKind, Picture
from ocsp_pcap.report.wording import LINK_MARKS
from ocsp_pcap.terminal.escape import safe_text

_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,:/_+-")
_ARROWS: Final[dict[LinkKind, str]] = {
    "missing": "-.->", "impossible": "-.-x", "needless": "-.->", "hidden": "-.->",
}  # fmt: skip
_STYLES: Final[dict[LinkKind, str]] = {
    "tls": "stroke:#6b7280",
    "staple": "stroke:#1a7f4b,stroke-width:2px",
    "staple-revoked": "stroke:#b3261e,stroke-width:2px",
    "staple-unusable": "stroke:#a65b00,stroke-width:2px",
    "ocsp": "stroke:#1a7f4b,stroke-width:3px",
    "ocsp-revoked": "stroke:#b3261e,stroke-width:3px",
    "ocsp-unknown": "stroke:#a65b00,stroke-width:3px",
    "ocsp-failed": "stroke:#a65b00,stroke-width:3px",
    "crl": "stroke:#2563a8",
    "missing": "stroke:#b3261e,stroke-width:2px,stroke-dasharray:6 4",
    "impossible": "stroke:#6b7280,stroke-width:2px,stroke-dasharray:6 4",
    "needless": "stroke:#6b7280,stroke-dasharray:3 4",
    "hidden": "stroke:#7a3fa8,stroke-dasharray:3 4",
}
_LONGEST: Final = 160


def picture_mermaid(picture: Picture) -> str:
    """Return the picture as the text of a Mermaid diagram, without the fence around it; empty for none."""
    return "\n".join(_lines(picture)) if picture.nodes else ""


def _lines(picture: Picture) -> Iterator[str]:
    yield "flowchart LR"
    for node in picture.nodes:
        words = "<br/>".join(_text(part) for part in (node.title, node.name, *node.notes))
        yield f'    {node.id}["{words}"]'
    for link in picture.links:
        arrow = _ARROWS.get(link.kind, "-->")
        label = _text(f"{LINK_MARKS[link.kind]} {link.label}".strip())
        yield f'    {link.source} {arrow}|"{label}"| {link.target}'
    for kind in dict.fromkeys(link.kind for link in picture.links):
        numbers = ",".join(str(number) for number, link in enumerate(picture.links) if link.kind == kind)
        yield f"    linkStyle {numbers} {_STYLES[kind]}"


def _text(text: str) -> str:
    """Return text that means nothing to Mermaid, nor to the HTML and Markdown that it reads labels as."""
    return "".join(
        character if character in _PLAIN else f"#{ord(character)};"
        for character in safe_text(text, limit=_LONGEST).strip() or "(empty)"
    )

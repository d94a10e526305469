"""Consoles that print only what is safe: paragraphs, hanging items, lines to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ocsp_pcap.terminal.escape import encodable, safe_text
from ocsp_pcap.terminal.paper import Paper
from ocsp_pcap.terminal.words import Words

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_MARKS: Final = {"✓": "+", "✗": "x", "…": "...", "→": "->", "·": "-"}
"""What stands for a symbol where the output has ASCII only."""

VERDICT_STYLES: Final = {
    "present": "green", "attempted": "yellow", "absent": "cyan", "unknown": "magenta",
    "revoked": "bold red", "good": "green",
}  # fmt: skip
SEVERITY_STYLES: Final = {"problem": "bold red", "advice": "yellow", "info": "green"}

_NARROWEST: Final = 20
"""Columns below which a hanging paragraph is set under its head."""


class Sheet:
    """A rich console, or paper, that prints only what is safe, in characters that its encoding has."""

    def __init__(self, console: Console | Paper) -> None:
        self.console = console
        self.width = console.width
        self.is_plain = not console.encoding.lower().startswith("utf")
        """There are characters that it does not have."""
        self.write = console.file.write
        """Writes text that is safe and styled as it is."""
        self._styles: dict[str, tuple[str, str]] = {"": ("", "")}

    def text(self, text: str, style: str = "", *, limit: int | None = None) -> Words:
        """Return text that this console can show and that does nothing to it."""
        text = safe_text(text, limit=limit)
        if self.is_plain:
            for symbol, plain in PLAIN_MARKS.items():
                text = text.replace(symbol, plain)
            text = encodable(text, self.console.encoding)
        return Words(text, style)

    def line(self, *parts: Words, indent: int = 0) -> None:
        """Print parts as one paragraph, wrapped between words, every line of it indented."""
        body = parts[0] if len(parts) == 1 else Words()
        if len(parts) != 1:
            for part in parts:
                body.append_words(part)
        self._paragraph(" " * indent, indent, body, indent)

    def item(self, head: Words, body: Words, *, indent: int, width: int) -> None:
        """Print a paragraph that hangs to the right of its head, which is given ``width`` columns."""
        gap = 2 if width > 1 else 1
        if self.width - indent - width - gap < _NARROWEST:
            self.line(head, indent=indent)
            self.line(body, indent=indent + 2)
            return
        columns = head.cell_len
        space = max(width + gap - columns, 1)
        lead = " " * indent + head.written(self.styled) + " " * space
        self._paragraph(lead, indent + columns + space, body, indent + width + gap)

    def _paragraph(self, lead: str, columns: int, body: Words, margin: int) -> None:
        """Print text after its lead, the following lines indented by ``margin`` columns."""
        room = max(self.width - max(margin, columns), 1)
        first, *others = body.wrap(self.console, room)
        text = lead + first.written(self.styled) + "\n"
        for line in others:
            text += " " * margin + line.written(self.styled) + "\n"
        self.write(text)

    def styled(self, text: str, style: str) -> str:
        """Return text with what this console takes to show it in a style."""
        known = self._styles.get(style)
        if known is None:
            known = self._styles[style] = _around(self.console, style)
        before, after = known
        return f"{before}{text}{after}" if before and text else text

    def copyable(self, text: str, *, indent: int) -> None:
        """Print text that somebody will copy: on one line, however long."""
        self.write(self.text(" " * indent + text).plain + "\n")

    def drawing(self, line: str, style: str, plain: Mapping[str, str]) -> None:
        """Print one line of a drawing, whose text is safe; ``plain`` stands for what ASCII has not."""
        if self.is_plain:
            for symbol, instead in {**PLAIN_MARKS, "…": ".", **plain}.items():
                line = line.replace(symbol, instead)
            line = encodable(line, self.console.encoding)
        self.write(self.styled(line, style) + "\n")

    def blank(self) -> None:
        """Print an empty line."""
        self.write("\n")


def _around(console: Console | Paper, style: str) -> tuple[str, str]:
    """Return what a console writes before and after text of a style."""
    if isinstance(console, Paper):
        return "", ""
    from rich.text import Text

    with console.capture() as capture:
        console.print(Text("x", style=style), end="")
    before, _, after = capture.get().partition("x")
    return before, after

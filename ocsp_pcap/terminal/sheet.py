"""Consoles that print only what is safe: paragraphs, hanging items, lines to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ocsp_pcap.terminal.escape import encodable, safe_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PLAIN_MARKS: Final = {"✓": "+", "✗": "x", "…": "...", "→": "->", "·": "-"}
"""What stands for a symbol where the output has ASCII only."""

PRESENCE_STYLES: Final = {"present": "green", "attempted": "yellow", "absent": "cyan", "unknown": "magenta"}
SEVERITY_STYLES: Final = {"problem": "bold red", "advice": "yellow", "info": "green"}
STATUS_STYLES: Final = {"good": "green", "revoked": "bold red", "unknown": "yellow"}

_NARROWEST: Final = 20
"""Columns below which a hanging paragraph is set under its head."""


class Sheet:
    """A rich console that prints only what is safe, in characters that its encoding has."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = console.width
        self._plain = not console.encoding.lower().startswith("utf")

    def text(self, text: str, style: str = "", *, limit: int | None = None) -> Text:
        """Return text that this console can show and that does nothing to it."""
        from rich.text import Text

        text = safe_text(text, limit=limit)
        if self._plain:
            for symbol, plain in PLAIN_MARKS.items():
                text = text.replace(symbol, plain)
            text = encodable(text, self.console.encoding)
        return Text(text, style=style, overflow="fold")

    def line(self, *parts: Text, indent: int = 0) -> None:
        """Print parts as one paragraph, wrapped between words, every line of it indented."""
        from rich.text import Text

        self._paragraph(Text(" " * indent), Text().join(parts), indent)

    def item(self, head: Text, body: Text, *, indent: int, width: int) -> None:
        """Print a paragraph that hangs to the right of its head, which is given ``width`` columns."""
        from rich.text import Text

        gap = 2 if width > 1 else 1
        if self.width - indent - width - gap < _NARROWEST:
            self.line(head, indent=indent)
            self.line(body, indent=indent + 2)
            return
        lead = Text(" " * indent).append_text(head)
        lead.append(" " * max(width + gap - head.cell_len, 1))
        self._paragraph(lead, body, indent + width + gap)

    def _paragraph(self, lead: Text, body: Text, margin: int) -> None:
        """Print text after its lead, the following lines indented by ``margin`` columns."""
        from rich.text import Text

        room = max(self.width - max(margin, lead.cell_len), 1)
        fits = len(body) * 2 <= room or body.cell_len <= room
        lines = [body] if fits else list(body.wrap(self.console, room, overflow="fold"))
        for line in lines:
            line.rstrip()
        paragraph = Text(end="").append_text(lead).append_text(lines[0])
        for line in lines[1:]:
            paragraph.append("\n" + " " * margin).append_text(line)
        self.console.print(paragraph, soft_wrap=True)

    def copyable(self, text: str, *, indent: int) -> None:
        """Print text that somebody will copy: on one line, however long."""
        self.console.print(self.text(" " * indent + text), soft_wrap=True)

    def drawing(self, line: str, style: str, plain: Mapping[str, str]) -> None:
        """Print one line of a drawing, whose text is safe; ``plain`` stands for what ASCII has not."""
        from rich.text import Text

        if self._plain:
            for symbol, instead in {**PLAIN_MARKS, "…": ".", **plain}.items():
                line = line.replace(symbol, instead)
            line = encodable(line, self.console.encoding)
        self.console.print(Text(line, style=style), soft_wrap=True)

    def blank(self) -> None:
        """Print an empty line."""
        self.console.print()

"""What all reports for the terminal share: how text gets onto a console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocsp_pcap.report.escape import encodable, safe_text
from ocsp_pcap.report.wording import PLAIN_MARKS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PRESENCE_STYLES: Final = {"present": "green", "attempted": "yellow", "absent": "cyan", "unknown": "magenta"}
SEVERITY_STYLES: Final = {"problem": "bold red", "advice": "yellow", "info": "green"}
STATUS_STYLES: Final = {"good": "green", "revoked": "bold red", "unknown": "yellow"}


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
        from rich.padding import Padding
        from rich.text import Text

        whole = Text(overflow="fold").join(parts)
        self.console.print(Padding(whole, (0, 0, 0, indent), expand=False) if indent else whole)

    def item(self, head: Text, body: Text, *, indent: int, width: int) -> None:
        """Print a paragraph that hangs to the right of its head, which is given ``width`` columns."""
        from rich.table import Table

        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=indent - 1 if indent else 0)
        grid.add_column(width=width + 1 if width > 1 else width)
        grid.add_column(overflow="fold")
        grid.add_row("", head, body)
        self.console.print(grid)

    def copyable(self, text: str, *, indent: int) -> None:
        """Print text that somebody will copy: on one line, however long."""
        self.console.print(self.text(" " * indent + text), soft_wrap=True)

    def blank(self) -> None:
        """Print an empty line."""
        self.console.print()

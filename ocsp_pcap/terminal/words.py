"""Styled text that is wrapped and written without rich, where every character is one column wide.

Rich lays out each paragraph as if it were a page, which costs more than all else that a long report takes.
What is rare, wide and combining characters and words longer than a line, is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from ocsp_pcap.terminal.paper import Paper

_NARROW: Final = re.compile("[ -~→✓✗…·\u2013—─]*")
"""Text of which every character is known to be one column wide."""


class Words:
    """A line of text whose parts have styles, in the words of rich, which can render it, too."""

    __slots__ = ("_parts", "plain", "style")

    def __init__(self, plain: str = "", style: str = "") -> None:
        self.plain = plain
        self.style = style
        """Of what was given first."""
        self._parts: list[tuple[int, str]] | None = None
        """Where the style changes, and to what."""

    def append(self, text: str, style: str = "") -> Words:
        """Add text; return self."""
        if text and style != self._last_style():
            self._parts = [*(self._parts or ()), (len(self.plain), style)]
        self.plain += text
        return self

    def append_words(self, other: Words) -> Words:
        """Add what another has; return self."""
        for text, style in other.parts(0, len(other.plain)):
            self.append(text, style)
        return self

    def _last_style(self) -> str:
        return self._parts[-1][1] if self._parts else self.style

    def parts(self, start: int, end: int) -> list[tuple[str, str]]:
        """Return pieces of the text from one offset to another, each with its style."""
        if not self._parts:
            return [(self.plain[start:end], self.style)]
        starts = [0, *(at for at, _ in self._parts)]
        styles = [self.style, *(style for _, style in self._parts)]
        pieces = zip(starts, [*starts[1:], len(self.plain)], styles, strict=True)
        return [
            (self.plain[max(start, first) : min(end, last)], style)
            for first, last, style in pieces
            if max(start, first) < min(end, last)
        ]

    def __bool__(self) -> bool:
        """Tell whether there is any text."""
        return bool(self.plain)

    @property
    def cell_len(self) -> int:
        """Columns that the text takes."""
        if self.is_narrow:
            return len(self.plain)
        from rich.cells import cell_len

        return cell_len(self.plain)

    @property
    def is_narrow(self) -> bool:
        """Every character is known to be one column wide."""
        return _NARROW.fullmatch(self.plain) is not None

    def wrap(self, console: Console | Paper, width: int) -> list[Words]:
        """Return lines of at most ``width`` columns, broken between words where that is possible."""
        narrow = self.is_narrow
        if narrow and len(self.plain) <= width and self.plain[-1:] != " ":
            return [self]
        lines = _breaks(self.plain, width) if narrow else None
        if lines is None:
            # A console matters to rich only where it sets text flush on both sides.
            folded = self.__rich__().wrap(cast("Console", console), width, overflow="fold")
            return [_from_rich(line) for line in folded]
        return [self._cut(start, end) for start, end in lines]

    def _cut(self, start: int, end: int) -> Words:
        if not self._parts:
            return Words(self.plain[start:end], self.style)
        (text, style), *others = self.parts(start, end) or [("", self.style)]
        cut = Words(text, style)
        for text, style in others:
            cut.append(text, style)
        return cut

    def written(self, styled: Callable[[str, str], str]) -> str:
        """Return the text as it is written, each part as ``styled`` gives it."""
        if not self._parts:
            return styled(self.plain, self.style)
        return "".join([styled(text, style) for text, style in self.parts(0, len(self.plain))])

    def __rich__(self) -> Text:
        """Return the text as one of rich."""
        from rich.text import Text

        if not self._parts:
            return Text(self.plain, style=self.style, overflow="fold")
        text = Text(overflow="fold")
        for piece, style in self.parts(0, len(self.plain)):
            text.append(piece, style)
        return text


def _from_rich(line: Text) -> Words:
    """Return a line that rich broke, whose styles do not overlap, without the spaces at its end."""
    line.rstrip()
    if not line.spans:
        return Words(line.plain, str(line.style))
    words, end = Words(), 0
    for span in sorted(line.spans):
        words.append(line.plain[end : span.start]).append(line.plain[span.start : span.end], str(span.style))
        end = span.end
    return words.append(line.plain[end:])


def _breaks(text: str, width: int) -> list[tuple[int, int]] | None:
    """Return where lines start and end, without spaces at their ends; None: a word is too long for a line."""
    lines: list[tuple[int, int]] = []
    start, end = 0, len(text.rstrip(" "))
    while end - start > width:
        space = text.rfind(" ", start, start + width + 1)
        last = start + len(text[start : max(space, start)].rstrip(" "))
        if last == start:
            return None
        lines.append((start, last))
        start = space + 1
        while text[start] == " ":
            start += 1
    lines.append((start, end))
    return lines

"""The one place where text leaves the program: nothing that a capture says may act on who reads it.

Names in captures are hostile: they may hold terminal escapes, characters that reverse or hide text,
rich markup, line ends, HTML and Markdown. :func:`safe_text` makes what cannot be seen visible; the
other functions add what one output format needs on top of it. Rich gets its text as ``Text`` objects,
in which it reads no markup (:mod:`ocsp_pcap.terminal.sheet`), HTML is escaped by the template engine.
"""

from __future__ import annotations

import re
from typing import Final

_SAFE: Final = re.compile("[ -~→✓✗…·—]*")
"""What nearly all text that is not ASCII consists of."""
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

# Printable by Python's rule, which follows the general category, yet without a glyph of their own:
# Default_Ignorable_Code_Point of Unicode, the Hangul fillers and the blank Braille pattern.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# More marks on one letter than any script needs draw over the lines above and below.
_MARK: Final = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_MARKS: Final = re.compile(f"({_MARK}{{4}})({_MARK}+)")

_MARKDOWN_SPECIAL: Final = re.compile(r"([\\`*_\[\]<&|~$])")
_MARKDOWN_LEADING: Final = re.compile(r"^(\d+(?=[.)](?: |$))|(?=[-+#=>]))(.)")
# What chat programs and forges turn into links, mentions and references of their own accord.
_MARKDOWN_ACTIVE: Final = re.compile(r"@|://|^\W*www\.|#[0-9]|^\W*[A-Z]{2,}-[0-9]", re.IGNORECASE)
_BACKTICKS: Final = re.compile(r"`+")


def safe_text(text: str, *, limit: int | None = None) -> str:
    r"""Return text with everything invisible made visible, as ``\x1b``, ``\u202e`` or ``\U000e0041``.

    That is: controls, line ends, bidirectional controls, unusual spaces, characters without a glyph,
    unassigned code points, lone surrogates. With ``limit`` a longer text is cut to that many
    characters, with an ellipsis. Safe text stays as it is.
    """
    if limit is not None and len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    if (text.isascii() and text.isprintable()) or _SAFE.fullmatch(text):
        return text
    text = _MARKS.sub(lambda match: match[1] + "".join(map(_visible, match[2])), text)
    return "".join(
        character if character.isprintable() and not _INVISIBLE.match(character) else _visible(character)
        for character in text
    )


def _visible(character: str) -> str:
    """Return the escape sequence that stands for one character."""
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def encodable(text: str, encoding: str) -> str:
    """Return safe text of which an output with this encoding can take every character."""
    text = safe_text(text)
    if text.isascii():
        return text
    try:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:
        return text.encode("ascii", "backslashreplace").decode("ascii")


def markdown_code(text: str, *, table: bool = False, limit: int | None = None) -> str:
    """Return safe text as a Markdown code span (CommonMark 6.1), in which nothing else has a meaning.

    ``table``: the span stands in a table of GitHub's flavour, where a bar ends the cell even in code.
    """
    text = safe_text(text, limit=limit)
    if not text.strip():
        return "(empty)" if not text else "(blank)"
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(text)), default=0) + 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    if table:
        text = text.replace("|", "\\|")
    return f"{fence}{pad}{text}{pad}{fence}"


def markdown_text(text: str, *, table: bool = False) -> str:
    """Return safe text as Markdown prose: punctuation escaped, would-be links and mentions as code."""
    words = safe_text(text).strip(" ").split(" ")
    prose = " ".join(
        markdown_code(word, table=table)
        if _MARKDOWN_ACTIVE.search(word)
        else _MARKDOWN_SPECIAL.sub(r"\\\1", word)
        for word in words
    )
    return _MARKDOWN_LEADING.sub(r"\1\\\2", prose)


def markdown_block(text: str) -> str:
    """Return safe text, one line, as a fenced code block (CommonMark 4.5)."""
    text = safe_text(text)
    fence = "`" * max(3, max((len(run) for run in _BACKTICKS.findall(text)), default=0) + 1)
    return f"{fence}\n{text}\n{fence}"


def xml_text(text: str) -> str:
    """Return text without what XML 1.0 forbids (2.2); markup is the business of the XML writer.

    Line ends stay, for a message may have several lines; everything else invisible is made visible.
    """
    return "\n".join(safe_text(line) for line in text.split("\n"))

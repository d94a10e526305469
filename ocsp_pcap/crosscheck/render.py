"""A crosscheck for the terminal: whether the two agree, how much both saw, then every difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ocsp_pcap.crosscheck.model import CrosscheckResult, Disagreement, Kind, KindCount
from ocsp_pcap.terminal.sheet import Sheet

if TYPE_CHECKING:
    from rich.console import Console

_NAMES: Final[dict[Kind, tuple[str, str]]] = {
    "client-hello": ("hello", "hellos"),
    "certificate": ("certificate", "certificates"),
    "staple": ("staple", "staples"),
    "request": ("request", "requests"),
    "response": ("response", "responses"),
}
MOST_SHOWN: Final = 100
"""Differences that are listed one by one; the rest is counted."""
_MOST_EXPLAINED: Final = 10


def render_crosscheck(result: CrosscheckResult, console: Console) -> None:
    """Print the result of a crosscheck."""
    sheet = Sheet(console)
    _headline(sheet, result)
    if result.note is not None:
        sheet.line(sheet.text("!", "yellow"), sheet.text(f" Wireshark: {result.note}", "yellow"), indent=2)
    _counts(sheet, result.counts)
    _list(sheet, "Disagreements", result.unexplained, MOST_SHOWN)
    _list(sheet, "Explained differences", result.explained, _MOST_EXPLAINED)


def _headline(sheet: Sheet, result: CrosscheckResult) -> None:
    number = len(result.unexplained)
    if result.agrees:
        words, style = "The facts and Wireshark agree", "bold green"
    else:
        words, style = f"{_number(number, 'disagreement', 'disagreements')} with Wireshark", "bold red"
    sheet.line(
        sheet.text(words, style), sheet.text(f"  {result.capture}  (Wireshark {result.wireshark})", "dim")
    )


def _counts(sheet: Sheet, counts: Sequence[KindCount]) -> None:
    seen = [count for count in counts if count.ours or count.wireshark]
    if not seen:
        sheet.line(sheet.text("Neither saw a TLS handshake or OCSP message."), indent=2)
        return
    parts = []
    for count in seen:
        part = _number(count.both, *_NAMES[count.kind])
        if not count.both == count.ours == count.wireshark:
            part += f" (facts {count.ours}, Wireshark {count.wireshark})"
        parts.append(part)
    sheet.line(sheet.text("Seen by both: " + ", ".join(parts) + "."), indent=2)


def _list(sheet: Sheet, title: str, items: Sequence[Disagreement], most: int) -> None:
    if not items:
        return
    sheet.blank()
    sheet.line(sheet.text(f"{title}: {len(items)}", "bold"))
    for item in items[:most]:
        _one(sheet, item)
    if len(items) > most:
        kinds = Counter(item.kind for item in items[most:])
        rest = ", ".join(_number(number, *_NAMES[kind]) for kind, number in kinds.items())
        sheet.line(sheet.text(f"and {len(items) - most} more: {rest}", "dim"), indent=2)


def _one(sheet: Sheet, item: Disagreement) -> None:
    place = f"frame {item.frame}, " if item.frame is not None else ""
    sheet.line(
        sheet.text(f"{_NAMES[item.kind][0]}", "bold"),
        sheet.text(f"  {place}{item.transport}.stream {item.stream}"),
        indent=2,
    )
    for witness, words in (("facts", item.ours), ("Wireshark", item.wireshark)):
        shown = sheet.text(words or "nothing", "" if words else "dim", limit=300)
        sheet.line(sheet.text(f"{witness:<10}", "dim"), shown, indent=4)
    if item.explanation is not None:
        sheet.line(sheet.text(item.explanation, "green"), indent=4)


def _number(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"

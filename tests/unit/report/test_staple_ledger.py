"""The staple ledger of the terminal."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from ocsp_pcap.explain.model import Evidence, StapleRow, Validator
from ocsp_pcap.report.layout import lay_out
from ocsp_pcap.report.staple_ledger import MOST_ROWS, print_staples, staple_cells
from ocsp_pcap.terminal.sheet import Sheet

from .demo import demo_explanation

SECOND = 10**9
NOON = 1_767_355_200 * SECOND


def row(host: str | None = "shop.test", **other: Any) -> StapleRow:
    """A row: one handshake that asked, and nothing came."""
    values: dict[str, Any] = {
        "validator": Validator("10.2.0.30", "parent"), "host": host, "handshakes": 1, "requested": 1,
        "request_unseen": 0, "sent": 0, "unseen": 0, "fresh": 0, "fresh_until": None, "fresh_for": None,
        "stale_since": None, "problem": None, "refused": 0,
    }  # fmt: skip
    return StapleRow(**values | other)


def printed(*rows: StapleRow, width: int = 120, everything: bool = False) -> str:
    """The ledger as text."""
    file = io.StringIO()
    sheet = Sheet(Console(file=file, width=width))
    print_staples(sheet, lay_out(demo_explanation()), rows, everything=everything)
    return file.getvalue()


def test_each_state_has_its_words() -> None:
    fresh = row(sent=1, fresh=1, fresh_until=NOON, fresh_for=5400 * SECOND)
    assert staple_cells(fresh, {})[2:5] == (
        "yes",
        "yes",
        "fresh for 1 h 30 min, until 2026-01-02 12:00:00 UTC",
    )
    stale = row(handshakes=3, requested=2, sent=2, stale_since=NOON, problem="it is stale", refused=1)
    assert staple_cells(stale, {})[2:5] == (
        "2 of 3",
        "2 of 3",
        "refused by the client in 1 of 3 handshakes; stale since 2026-01-02 12:00:00 UTC",
    )
    assert staple_cells(row(requested=0, unseen=1), {})[2:5] == ("no", "not visible", "")
    assert staple_cells(row(handshakes=2, requested=1, request_unseen=1), {})[2] == "1 of 2, 1 not visible"
    proof = row(evidence=(Evidence("a.pcap", 14, 2, "stapled OCSP response"),))
    assert staple_cells(proof, {})[5] == "14"


def test_names_from_the_capture_do_nothing_to_the_terminal() -> None:
    text = printed(row("evil\x1b[31m\u202e[bold]\n.test"))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold]" in text


def test_a_long_ledger_is_cut_and_says_so() -> None:
    many = [row(f"h{number}.test") for number in range(MOST_ROWS + 5)]
    assert "… and 5 rows more: -vv shows all" in printed(*many)
    assert printed(*many).count(".test") == MOST_ROWS
    assert printed(*many, everything=True).count(".test") == MOST_ROWS + 5


def test_it_fits_the_terminal_and_nothing_is_printed_of_nothing() -> None:
    wide = row("a-very-long-name-of-a-host.shop.test", sent=1, fresh=1, fresh_until=NOON, fresh_for=SECOND)
    assert max(map(len, printed(wide, width=60).splitlines())) <= 60
    assert printed() == ""

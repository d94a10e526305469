"""How a bound is declared."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Final

COST: Final = "reached, it costs time or memory, and leaves nothing out"
ERROR: Final = "reached, an error is raised that says so"
NOTED: Final = "reached, a note about the file says so, and nothing counts as missing from it"


def bound(default: int, what: str, why: str, unsaid: str | None = None) -> Any:
    """Declare a bound: its value, what it counts, and why it is as it is.

    Whoever reaches one says so (:func:`ocsp_pcap.bounds.reached`); ``unsaid`` is the reason why nobody does.
    """
    return field(default=default, metadata={"what": what, "why": why, "unsaid": unsaid})

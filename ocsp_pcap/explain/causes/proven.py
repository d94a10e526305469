"""The proof of a cause, in words: from the same table by which claims are weighed."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from ocsp_pcap.explain.entries import Cause
from ocsp_pcap.explain.grounds.doubts import DOUBTS
from ocsp_pcap.explain.grounds.kinds import STATES

WIDTH: Final = 110


def proof_lines(entry: Cause) -> Iterator[str]:
    """Yield Markdown lines that say when a cause is confirmed, and which doubts may take that away."""
    if not entry.proofs:
        yield "It is never confirmed: what speaks for it are signs, and no packet can prove it."
        return
    for number, proof in enumerate(entry.proofs):
        yield "Confirmed only if" if number == 0 else "or if"
        yield ""
        for kind in proof:
            ground = f"- {STATES[kind]}, and the answer to each of these is no:"
            yield from wrap(ground, WIDTH, subsequent_indent="  ")
            for rule in DOUBTS[kind]:
                yield from wrap(f"  - `{rule.code}`: {rule.asks}", WIDTH, subsequent_indent="    ")
        yield ""
    yield from wrap(
        "Where a ground is missing or a doubt stands, it is likely and the verdict lists the doubts; where a "
        "doubt names another cause that fits as well, it is possible.",
        WIDTH,
    )

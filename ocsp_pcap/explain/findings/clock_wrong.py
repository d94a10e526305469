"""``clock-wrong``: the capture's clock does not agree with the times that its own packets state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, finding
from ocsp_pcap.explain.model import Evidence, Finding
from ocsp_pcap.explain.windows import span_words

NOTICEABLE: Final = 60 * SECOND
"""Less is rounding, or a responder's own clock."""

ENTRY: Final = finding_entry(
    "clock-wrong",
    "advice",
    "The capture's clock does not agree with the times that its own packets state.",
    "Compare the clock of the capturing host with a good one, and set it (NTP) before the next capture.",
    "Correct the capture for the time being: editcap -t SECONDS IN OUT.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so where answers were written after they were captured, or a whole capture is out of date."""
    case = view.case
    for capture in case.facts.captures:
        behind, ahead = case.clocks.behind(capture.path), case.clocks.ahead(capture.path)
        if behind > NOTICEABLE:
            words = (
                f"is {span_words(behind)} behind the times in its own answers (HTTP Date, producedAt): what "
                "it shows as outdated or as not yet valid may be neither"
            )
        elif ahead:
            words = (
                f"is {span_words(ahead)} ahead of every Date in its answers: what it shows as outdated may "
                "not be"
            )
        elif _all_out_of_date(view, capture.path):
            words = (
                "lies outside the validity of every certificate and answer in it: it looks as if its packets "
                "were given other times"
            )
        else:
            continue
        yield finding(
            ENTRY,
            f"The clock of {capture.path} {words}.",
            [Evidence(capture.path, None, None, "times of packets against times in packets")],
        )


def _all_out_of_date(view: View, capture: str) -> bool:
    """Every leaf, every staple and every answer of a capture is stale by the capture's clock."""
    case = view.case
    visits = [visit for visit in view.visits if visit.handshake.capture == capture]
    leaves = [(chain[0], visit.handshake.time) for visit in visits if (chain := case.chain(visit.handshake))]
    ends = [(leaf.not_after, time) for leaf, time in leaves]
    for visit in visits:
        ends += [(s.next_update, visit.handshake.time) for r in visit.handshake.staples for s in r.singles]
    for exchange in case.exchanges:
        if exchange.capture == capture and exchange.response is not None:
            ends += [(single.next_update, exchange.time) for single in exchange.response.singles]
    known = [(end, time) for end, time in ends if end is not None]
    answers = len(known) - len(leaves)
    return len(leaves) > 0 and answers > 0 and all(end < time for end, time in known)

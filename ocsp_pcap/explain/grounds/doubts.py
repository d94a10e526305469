"""The doubts of each kind of ground: the ways in which such a ground has been wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from ocsp_pcap.explain.grounds import absences, kinds, messages, purposes, senders, tunnels
from ocsp_pcap.explain.grounds.claim import DoubtCode, Standing
from ocsp_pcap.explain.grounds.kinds import Kind
from ocsp_pcap.explain.question import Question


class DoubtRule(NamedTuple):
    """One doubt about one kind of ground."""

    code: DoubtCode
    asks: str
    """The question whose answer has to be no, for ``ocsp-pcap cause``."""
    standing: Callable[[Question, Any], Iterator[Standing]]
    """Yields what makes the doubt stand; nothing where it does not."""


_AMBIGUOUS: Final = DoubtRule(
    "ambiguous-bytes", "do packets disagree about its bytes?", messages.ambiguous_bytes
)
_MAY_TUNNEL: Final = DoubtRule(
    "may-tunnel",
    "may the host only tunnel this connection, and hand on what hosts behind ask?",
    tunnels.may_tunnel,
)
_SPAN: Final = DoubtRule(
    "span-not-covered",
    "does the capture end, or another one not cover that time?",
    absences.span_not_covered,
)
_LOST: Final = DoubtRule(
    "packets-lost", "does any capture that would show it lack packets?", absences.packets_lost
)
_ELSEWHERE: Final = DoubtRule(
    "other-place",
    "could it have left by another address, interface or forwarding host?",
    absences.other_place,
)
_UNREAD: Final = DoubtRule(
    "unread-question", "was something asked that cannot be read?", absences.unread_question
)

DOUBTS: Final[Mapping[Kind, tuple[DoubtRule, ...]]] = {
    kinds.Saw: (DoubtRule("packets-lost", "are bytes of it missing?", messages.packets_lost), _AMBIGUOUS),
    kinds.Read: (_AMBIGUOUS,),
    kinds.Sent: (
        DoubtRule(
            "other-asker",
            "could another host have sent it (a relay, address translation, several TLS programs)?",
            senders.other_asker,
        ),
        _MAY_TUNNEL,
        DoubtRule(
            "told-otherwise", "does the site file say that it sends no such thing?", senders.told_otherwise
        ),
    ),
    kinds.For: (
        DoubtRule(
            "hidden-rival",
            "does a handshake whose certificate cannot be seen explain it as well?",
            purposes.hidden_rival,
        ),
        DoubtRule(
            "other-purpose",
            "could it have been for something else (another handshake or certificate, a CRL, a shared "
            "address)?",
            purposes.other_purpose,
        ),
    ),
    kinds.Received: (_MAY_TUNNEL,),
    kinds.Means: (
        DoubtRule(
            "trust-open",
            "does validity depend on what packets do not show (an issuer not seen, a locally trusted "
            "responder)?",
            messages.trust_open,
        ),
    ),
    kinds.Held: (
        DoubtRule(
            "clock",
            "would it differ if the capture's clock were off by five minutes, or by what it shows itself?",
            messages.validity_clock,
        ),
    ),
    kinds.After: (
        DoubtRule("clock", "would the order differ if the clocks were off?", messages.order_clock),
    ),
    kinds.Silence: (_SPAN, _LOST, _ELSEWHERE, _UNREAD),
    kinds.NoOtherTry: (_SPAN, _LOST, _ELSEWHERE, _UNREAD),
    kinds.Unanswered: (_SPAN, _LOST),
    kinds.InView: (
        DoubtRule(
            "capture-blind", "do the captures hold nothing of that kind at all?", absences.capture_blind
        ),
    ),
    kinds.Due: (
        DoubtRule("checks-only-some", "may the validator hold a failure?", absences.checks_only_some),
    ),
    kinds.Alone: (
        DoubtRule(
            "other-purpose",
            "did a query follow soon, for which a nearer handshake stands, or come a moment before?",
            absences.asked_beside,
        ),
    ),
    kinds.Told: (
        DoubtRule(
            "told-otherwise",
            "do packets or a trace contradict it, or is it only a conclusion?",
            messages.told_otherwise,
        ),
    ),
    kinds.Traced: (
        DoubtRule(
            "told-otherwise",
            "does the site file contradict it, or are lines of several checks mixed?",
            messages.trace_told_otherwise,
        ),
        DoubtRule("clock", "are date and zone of the line unknown?", messages.source_clock),
        DoubtRule(
            "hidden-rival",
            "could the line be about another handshake, or that of a proxy out of sight?",
            messages.trace_rivals,
        ),
    ),
    kinds.Genuine: (
        DoubtRule(
            "reissue-open",
            "could a proxy have made it (or, where one is said to have, could it be genuine)?",
            messages.reissue_open,
        ),
    ),
}

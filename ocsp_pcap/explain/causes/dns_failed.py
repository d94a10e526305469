"""``dns-failed``: the name of responder or forwarding host did not resolve (RFC 1035 4.1.1): no query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ocsp_pcap.explain.aftermath import with_aftermath
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import After, For, NoOtherTry, Sent
from ocsp_pcap.explain.intervals import REACTION
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.querying import since_handshake
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.seeking import (
    addresses_known,
    forwarding_lookups,
    looked_up_only,
    lookups_for,
    tried,
)
from ocsp_pcap.facts import DnsLookupFact

ENTRY: Final = cause(
    "dns-failed",
    "attempted",
    "The name of the responder, or of the forwarding host before it, did not resolve.",
    ("failed in DNS", "failed in DNS", "may have failed in DNS"),
    ((Sent, For, After, NoOtherTry),),
    "Repeat the lookup of frame {frame} on {validator} itself, with the name server that it uses.",
    "Make sure that the resolver of {validator} may resolve Internet names; split-horizon DNS often"
    " hides them.",
    "If the proxy shall not resolve Internet names, send OCSP through a forwarding host or switch "
    "it off there.",
    only=lambda of: of.eligible and of.turned and not of.asked_now,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that every lookup of a responder, soon after the handshake, brought no address.

    Where queries go through a forwarding host, its name comes first.
    """
    if (forwarded := forwarding_lookups(question)) and question.proxy is not None:
        before = f"the forwarding host {question.proxy.forwarding_host}, through which its queries go"
        if (claim := _claim(question, forwarded, before, None)) is not None:
            yield claim
            return
    for host, _, url in question.sought:
        if (
            claim := _claim(question, lookups_for(question, host), f"the responder {host}", host)
        ) is not None:
            yield claim._replace(responder=url)
            return


def _claim(
    question: Question, found: Sequence[DnsLookupFact], target: str, responder: str | None
) -> Claim | None:
    """Claim that some lookups failed; ``responder``: the name of the responder that they were for."""
    # A truncated answer says nothing yet: the client asks again over TCP (RFC 7766 5).
    lookups = [lookup for lookup in found if not lookup.truncated]
    if not lookups or any(lookup.addresses for lookup in lookups):
        return None
    reason, signs = _failed(question, lookups)
    over_tcp = any(lookup.transport == "tcp" for lookup in lookups)
    if len(lookups) < len(found) and not (over_tcp or _nameless(lookups)):
        signs.append(
            Standing("unread-question", "an answer was cut to fit a datagram, and is not there whole")
        )
    if responder is not None and _reached_otherwise(question, responder):
        signs.append(Standing("other-place", "it did look for another responder of the certificate"))
    if addresses_known(question, lookups[-1].name.rstrip(".").lower()):
        words = "an address of it was known from a lookup before, and may have been used"
        signs.append(Standing("other-place", words))
    last = lookups[-1]
    moment = question.case.moment(last)
    named = question.responders[0][2] if responder is None else responder
    claim = Claim(
        ENTRY.code,
        f"{question.who} looked up {target}: {reason}, so no query could be sent",
        (
            question.visit.evidence(f"certificate of {question.host}, responder {named}"),
            *(_evidence(lookup) for lookup in lookups[-4:]),
        ),
        (Sent(last), For(last), since_handshake(question, last), NoOtherTry(moment, last)),
        tuple(signs),
        at_most="possible" if _quiet_and_lossy(question, lookups) else "confirmed",
    )
    return with_aftermath(question, claim, moment)


def _reached_otherwise(question: Question, failed: str) -> bool:
    return any(
        host != failed and (tried(question, host, port) or looked_up_only(question, host, port))
        for host, port, _ in question.sought
    )


def _failed(question: Question, lookups: Sequence[DnsLookupFact]) -> tuple[str, list[Standing]]:
    """Say what came of lookups that brought no address, and what leaves that open."""
    errors = [lookup for lookup in lookups if lookup.rcode not in (None, "NOERROR")]
    if _nameless(lookups):
        return "the DNS server answered NXDOMAIN", []
    asked = {lookup.type for lookup in lookups}
    unanswered = {lookup.type for lookup in lookups if lookup.rcode is None} & {"A", "AAAA"}
    open_signs: list[Standing] = []
    if "A" not in asked or unanswered:
        # An address of the other family may be known already, and need no lookup; IPv4 rarely goes unasked.
        words = "not every address family was asked for and answered, so one address may be known"
        open_signs.append(Standing("span-not-covered", words))
    if errors:
        return f"the DNS server answered {errors[-1].rcode}", open_signs
    if any(lookup.rcode == "NOERROR" for lookup in lookups):
        return "the answer holds no address", open_signs
    return "no answer came from the DNS server", [
        Standing("packets-lost", "an answer may have come another way")
    ]


def _nameless(lookups: Sequence[DnsLookupFact]) -> bool:
    """There is nothing at this name, whatever type was asked for (RFC 8020)."""
    return any(lookup.rcode == "NXDOMAIN" for lookup in lookups)


def _quiet_and_lossy(question: Question, lookups: Sequence[DnsLookupFact]) -> bool:
    """No answer at all is in the capture, which ends soon after or lacks packets."""
    last, coverage = lookups[-1], question.case.coverage
    if any(lookup.rcode is not None for lookup in lookups):
        return False
    return coverage.rest_after(last.capture, last.time) < REACTION or coverage.loss(last.capture) is not None


def _evidence(lookup: DnsLookupFact) -> Evidence:
    answer = ", ".join(lookup.answers[:4]) or lookup.rcode or "no answer"
    frame = lookup.frames.response or lookup.frames.request
    return Evidence(lookup.capture, frame, None, f"DNS {lookup.type} {lookup.name}: {answer}")

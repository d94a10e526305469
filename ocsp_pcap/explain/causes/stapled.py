"""``stapled``: a fresh response for this certificate came in the handshake (RFC 6066 8, RFC 8446 4.4.2.1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Held, Means, Read, Received
from ocsp_pcap.explain.intervals import REACTION
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import names_responder
from ocsp_pcap.explain.seeking import looked_up_in_vain, tried_in_vain
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.stapling import refused_staple, staple_problem
from ocsp_pcap.facts import SingleFact

ENTRY: Final = cause(
    "stapled",
    "absent",
    "A fresh staple for this certificate came in the handshake.",
    ("was stapled", "were stapled", "may have been stapled"),
    ((Read, Received, Means, Held),),
    "Nothing is wrong: the origin delivered the response itself, so no query is due.",
    "To see a query, test with a host that does not staple.",
    check="done",
    only=lambda of: of.shown and of.stapled and of.by_server,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that a staple made a query needless."""
    assert question.certificate is not None
    found = question.case.staple_for(question.visit, question.certificate)
    if found is None or refused_staple(question.visit.handshake):
        return
    response, single, match = found
    handshake = question.visit.handshake
    if staple_problem(response, single, handshake.time) is not None:
        return
    doubt = "" if response.signature == "valid" else f"; signature {response.signature}"
    if response.signature_note and response.signature != "valid":
        doubt += f" ({response.signature_note})"
    yield Claim(
        ENTRY.code,
        f"the server stapled a fresh response ({single.status}), so {question.who} had no need to ask",
        (
            question.visit.evidence(
                f"stapled OCSP response: {single.status}, {match.proof}{doubt}",
                handshake.frames.certificate_status,
            ),
        ),
        (
            Read(handshake),
            Received(question.visit),
            Means(match, response, handshake.time),
            Held(single, handshake.capture, handshake.time, single.next_update),
        ),
        tuple(_signs(question, single)),
        status=single.status,
    )


def _asks_in_spite(case: Case) -> dict[str, set[int]]:
    """Return, by identity of a validator, handshakes (id) with a fresh staple after which it asked."""
    found: dict[str, set[int]] = defaultdict(set)
    for identity, host in case.hosts.items():
        for sha256, visits in host.received.items():
            for visit in visits:
                staple = (
                    case.staple_for(visit, case.facts.certificates[sha256])
                    if visit.handshake.staples
                    else None
                )
                if staple is None or staple_problem(staple[0], staple[1], visit.handshake.time) is not None:
                    continue
                if host.triggered.get((sha256, id(visit))):
                    found[identity].add(id(visit))
    return found


def _sought_in_vain(question: Question) -> bool:
    """It turned to the responder right after, in vain, and no other certificate gave a reason for that."""
    if not question.sought:
        return False
    asker, certificate, time = question.asker, question.certificate, question.visit.time
    near = between(asker.visits, time - REACTION, time + REACTION)
    others = {known.sha256: known for visit in near for known in question.case.chain(visit.handshake)}
    for host, port, _ in question.sought:
        if any(names_responder(known, host) for known in others.values() if known is not certificate):
            continue
        if looked_up_in_vain(question, host) or tried_in_vain(question, host, port):
            return True
    return False


def _signs(question: Question, single: SingleFact) -> Iterator[Standing]:
    handshake = question.visit.handshake
    if _sought_in_vain(question):
        yield Standing("checks-only-some", "it turned to the responder right after, and no query is seen")
    elif question.case.once(_asks_in_spite).get(question.asker.identity, set()) - {id(question.visit)}:
        yield Standing("checks-only-some", "it is seen to ask in spite of a fresh staple elsewhere")
    if single.status == "unknown":
        yield Standing(
            "trust-open",
            "the staple says unknown, which settles nothing (RFC 6066 8): a validator may ask itself",
        )
    if single.next_update is None:
        yield Standing(
            "trust-open", "the staple has no nextUpdate, and some validators refuse such (RFC 9919 5)"
        )
    unread = handshake.frames.client_hello is None or handshake.client_hello_cut
    if not handshake.status_request and not unread:
        yield Standing("trust-open", "the client did not offer to take a staple")

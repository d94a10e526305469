"""``staple-invalid``: a staple came that proves nothing about this certificate, and no query followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Alone, Due, Ground, Held, InView, Means, Received, Saw, Silence
from ocsp_pcap.explain.matching import Match, match_cert_id
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.stapling import REFUSAL, refused_staple, staple_problem, status_in_vain
from ocsp_pcap.explain.windows import utc

ENTRY: Final = cause(
    "staple-invalid",
    "absent",
    "A staple came but was stale, for another certificate or badly signed, and no query followed.",
    ("had an unusable staple", "had unusable staples", "may have had an unusable staple"),
    (
        (Saw, Received, Means, Held, Silence, InView, Due, Alone),
        (Saw, Received, Means, Silence, InView, Due, Alone),
    ),
    "Ask whoever runs {host} to repair its stapling ({problem}); a stapling file must be renewed in time.",
    "Its nextUpdate was {until}: compare that with the capture's clock in frame {frame}.",
    "Find out why {lenient} did not fall back to a query; a strict validator would ask or refuse.",
    "The client itself refused (alert {alert} in frame {frame}): read in its log which rule was broken, "
    "compare its clock with the capture's, and see whether it trusts who signed the staple.",
    check="failed",
    only=lambda of: of.shown and of.stapled and of.by_server and not of.asked_now,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that a staple was stale, about another certificate or badly signed, and no query followed."""
    handshake, certificate = question.visit.handshake, question.certificate
    assert certificate is not None
    found = question.case.staple_for(question.visit, certificate)
    if found is None and (question.position > 0 or _about_another_of_the_chain(question)):
        return
    response, single, match = found or (handshake.staples[0], None, Match.FULL)
    shown = problem = staple_problem(response, single, handshake.time)
    refused = refused_staple(handshake) and question.position == 0
    if problem is None and refused:
        problem = f"the client refused it (alert {REFUSAL})"
    if problem is None:
        return
    grounds: tuple[Ground, ...] = (
        Saw(handshake, "staple"),
        Received(question.visit),
        Means(match, response, handshake.time, refuted=True),
        Silence(question.visit.time),
        InView(),
        Due(question.visit.time),
        Alone(question.visit.time),
    )
    stale = single is not None and response.signature != "invalid" and not refused_staple(handshake)
    if stale and single is not None:
        grounds = (
            *grounds,
            Held(single, handshake.capture, handshake.time, single.next_update, refuted=True),
        )
    signs: list[Standing] = []
    if found is None and any(other.serial == certificate.serial for other in response.singles):
        words = (
            "its serial number is the right one, and only this can be compared: its hash algorithm is not "
            "known here"
        )
        signs.append(Standing("trust-open", words))
    ended = single.next_update if single is not None else None
    until = utc(ended) if ended is not None and ended < handshake.time else None
    yield Claim(
        ENTRY.code,
        f"the server stapled a response that proves nothing here, {problem}; no query followed",
        _evidence(question, problem),
        grounds,
        tuple(signs),
        status=status_in_vain(single),
        until=until,
        words=_words(question, shown, refused=refused),
    )


def _evidence(question: Question, problem: str) -> tuple[Evidence, ...]:
    """Return the frame of the staple, and that of the alert by which the client refused it."""
    visit, handshake = question.visit, question.visit.handshake
    alerts = (alert for alert in handshake.alerts if (alert.sender, alert.description) == ("client", REFUSAL))
    return (
        visit.evidence(f"stapled OCSP response: {problem}", handshake.frames.certificate_status),
        *(visit.evidence(f"alert {REFUSAL} of the client", alert.frame) for alert in alerts),
    )


def _words(question: Question, shown: str | None, *, refused: bool) -> tuple[tuple[str, str], ...]:
    """Return what the next steps name: what is wrong with the staple, and what the client made of it."""
    found = [("problem", shown)] if shown is not None else []
    return (*found, ("alert", REFUSAL) if refused else ("lenient", question.validator.address))


def _about_another_of_the_chain(question: Question) -> bool:
    chain = question.case.chain(question.visit.handshake)
    singles = [single for response in question.visit.handshake.staples for single in response.singles]
    return bool(singles) and all(
        any(match_cert_id(certificate, single) for certificate in chain) for single in singles
    )

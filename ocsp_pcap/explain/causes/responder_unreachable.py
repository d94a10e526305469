"""``responder-unreachable``: no TCP connection to the responder, or what stands before it (RFC 9293)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from ocsp_pcap.explain.aftermath import with_aftermath
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import After, For, NoOtherTry, Sent
from ocsp_pcap.explain.grounds.purposes import responder_of
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.querying import MAX_TRIES, since_handshake
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.seeking import (
    addresses_known,
    forwarding_attempts,
    looked_up_only,
    open_attempts,
)
from ocsp_pcap.facts import TcpAttemptFact

ENTRY: Final = cause(
    "responder-unreachable",
    "attempted",
    "No TCP connection to the responder, or to the proxy before it, came about.",
    (
        "could not be asked about (no TCP connection to the responder)",
        "could not be asked about (no TCP connection to the responders)",
        "may not have been asked about for want of a TCP connection to the responder",
    ),
    ((Sent, For, After, NoOtherTry),),
    "Permit TCP from {validator} to {responder}, usually port 80, on every firewall between them.",
    "From {validator}'s network run: curl -v http://{responder}/",
    "See tcp.stream eq {stream}: SYN without answer is a silent drop, RST a refusal; compare the "
    "TTL of the RST with that of good packets to see who sent it.",
    "If only the parent may reach the Internet, let the parent do OCSP, or forward OCSP through it.",
    only=lambda of: of.eligible and of.turned and not of.asked_now,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that TCP to a responder, or to the forwarding host, was unanswered, refused or reset."""
    forwarded = forwarding_attempts(question)
    if forwarded and question.proxy is not None:
        yield from _claim(
            question, forwarded, f"the forwarding host {question.proxy.forwarding_host}", None, []
        )
        return
    tried = [
        (host, url, attempts)
        for host, port, url in question.sought
        if (attempts := open_attempts(question, host, port))
    ]
    for host, url, attempts in tried:
        others = [
            other
            for other, port, _ in question.sought
            if other != host
            and (open_attempts(question, other, port) or looked_up_only(question, other, port) is not None)
        ]
        yield from _claim(question, attempts, f"the responder {host}", url, others)
        return


def _claim(
    question: Question, attempts: Sequence[TcpAttemptFact], target: str, url: str | None, others: list[str]
) -> Iterator[Claim]:
    if any(attempt.outcome == "established" for attempt in attempts):
        return
    last = attempts[-1]
    claim = Claim(
        ENTRY.code,
        _words(question, last, target),
        (
            question.visit.evidence(
                f"certificate of {question.host}" + (f", responder {url}" if url else "")
            ),
            *(_attempt_evidence(attempt) for attempt in attempts[-MAX_TRIES:]),
        ),
        (
            Sent(last),
            For(last),
            since_handshake(question, last),
            NoOtherTry(question.case.moment(last), last),
        ),
        tuple(_signs(question, attempts, others)),
        responder=url,
    )
    yield with_aftermath(question, claim, question.case.moment(last))


def _words(question: Question, last: TcpAttemptFact, target: str) -> str:
    if last.tunnel is not None:
        how = "SOCKS reply" if last.tunnel == "socks" else "HTTP"
        status = f"{how} {last.status}" if last.status is not None else "no answer"
        return (
            f"{question.who} asked the proxy {last.server} for a connection to {target}, and it was refused "
            f"({status})"
        )
    words = {
        "refused": "the connection was refused",
        "reset": "the connection was reset",
        "unanswered": "nobody answered",
    }[last.outcome]
    return f"{question.who} tried to connect to {target} ({last.server}): {words}"


def _attempt_evidence(attempt: TcpAttemptFact) -> Evidence:
    if attempt.tunnel is not None:
        note = f"{attempt.tunnel} request for {attempt.host}: {attempt.outcome}"
    else:
        note = f"SYN to {attempt.server} port {attempt.server_port}: {attempt.outcome}"
        note += f", sent {attempt.attempts} times" if attempt.attempts > 1 else ""
    return Evidence(attempt.capture, attempt.frames.request, attempt.stream, note)


def _signs(question: Question, attempts: Sequence[TcpAttemptFact], others: list[str]) -> Iterator[Standing]:
    case, last = question.case, attempts[-1]
    if others:
        yield Standing(
            "other-purpose",
            f"the certificate names another responder, too ({others[0]}), which it turned to as well",
        )
    host = responder_of(question, last)
    if left := sorted(addresses_known(question, host) - {attempt.server for attempt in attempts}):
        yield Standing(
            "span-not-covered", f"no attempt to reach {left[0]}, another address of it, is in the capture"
        )
    if last.outcome == "reset" and last.tunnel is None:
        yield Standing(
            "other-asker", "the connection was open before, and which side gave it up is not certain"
        )
    if last.outcome == "unanswered" and sum(attempt.attempts for attempt in attempts) < 2:
        yield Standing(
            "packets-lost", "its SYN was sent once only, and would be sent again if nobody answered"
        )
    if last.outcome == "unanswered" and not _answers_reach(question, last):
        yield Standing(
            "capture-blind",
            "nothing that others sent to this host is in the capture, so an answer might not be either",
        )
    if case.roles.role(last.server) in ("child", "parent") and last.tunnel is None:
        yield Standing(
            "other-purpose", f"{last.server} is a proxy, to which it may have gone for something else"
        )


def _answers_reach(question: Question, attempt: TcpAttemptFact) -> bool:
    """The capture holds something that others sent to this host."""
    return any(
        visit.handshake.capture == attempt.capture and visit.handshake.frames.server_hello is not None
        for visit in chain((question.visit,), question.asker.visits)
    )

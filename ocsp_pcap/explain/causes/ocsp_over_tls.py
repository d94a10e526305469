"""``ocsp-over-tls``: the responder was contacted over TLS, or through a tunnel, that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Read, Received
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.seeking import tls_to

ENTRY: Final = cause(
    "ocsp-over-tls",
    "unknown",
    "The responder was contacted over TLS, or through a tunnel, that cannot be read.",
    (
        "was asked about over TLS that cannot be read",
        "were asked about over TLS that cannot be read",
        "may have been asked about over TLS that cannot be read",
    ),
    (),
    "Pass the key log of {validator} with --keylog, if it can write one.",
    "Read the log of {responder}, or of the proxy at the tunnel's end, for a request from {validator}.",
    only=lambda of: of.eligible and of.turned and not of.asked_now,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the query may be inside a TLS connection to the responder."""
    for host, port, url in question.sought:
        visit = tls_to(question, host, port)
        if visit is None:
            continue
        opened = visit.handshake.decrypted
        content = "keys open it, and no OCSP message was read in it" if opened else "its content is encrypted"
        yield Claim(
            ENTRY.code,
            f"{question.who} opened a TLS connection to the responder {host}; {content}",
            (
                question.visit.evidence(f"certificate of {question.host}, responder {url}"),
                visit.evidence(f"TLS connection to {host}"),
            ),
            (Read(visit.handshake), Received(visit)),
            (Standing("unread-question", "what that connection carried cannot be read"),),
            at_most="likely" if url.lower().startswith("https:") and not opened else "possible",
            responder=url,
        )
        return

"""``session-resumed``: an earlier session was resumed, without a certificate (RFC 5246 7.3, RFC 8446 2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Saw
from ocsp_pcap.explain.question import Question

ENTRY: Final = cause(
    "session-resumed",
    "absent",
    "The session was resumed: no certificate was exchanged.",
    (
        "was not sent (session resumed)",
        "were not sent (sessions resumed)",
        "may not have been sent (session resumed)",
    ),
    ((Saw,),),
    "To see a full handshake, clear the TLS session cache of {validator} or connect from a fresh client.",
    "Start the capture before the first connection to {host}.",
    check="moot",
    only=lambda of: not of.shown,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the ServerHello resumes an earlier session."""
    handshake = question.visit.handshake
    if not handshake.resumed:
        if handshake.given_up is not None:
            return
        if handshake.complete and not handshake.certificate_encrypted and not handshake.missing_bytes:
            words = "the handshake was completed without a certificate (anonymous or pre-shared key)"
            sign = Standing("hidden-rival", "nothing shows which session it resumes")
            yield Claim(ENTRY.code, words, (question.visit.evidence(words),), signs=(sign,))
        return
    ways = {"session-id": " by session id", "ticket": " by session ticket", "psk": " by pre-shared key"}
    how = ways.get(handshake.resumption or "", "")
    signs: tuple[Standing, ...] = ()
    if handshake.psk_with_certificate:
        words = (
            "the hello asks for a certificate beside the pre-shared key (RFC 8773), so one may be among "
            "what is encrypted"
        )
        signs = (Standing("hidden-rival", words, rival="certificate-encrypted"),)
    yield Claim(
        ENTRY.code,
        f"the session was resumed{how}, so no certificate was sent and there was nothing to check",
        (
            question.visit.evidence(
                f"ServerHello that resumes the session{how}", handshake.frames.server_hello
            ),
        ),
        (Saw(handshake, "hellos"),),
        signs,
    )

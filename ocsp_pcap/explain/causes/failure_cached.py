"""``failure-cached``: an earlier attempt failed, and the validator seems to keep the failure for a while."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Read, Sent, Silence
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.windows import span_words

KEPT: Final = 3600 * SECOND
"""A failure is not kept for longer than this."""

ENTRY: Final = cause(
    "failure-cached",
    "absent",
    "An earlier attempt failed, and the validator keeps the failure for a while.",
    (
        "was not asked about again after a failure",
        "were not asked about again after a failure",
        "may not have been asked about again after a failure",
    ),
    (),
    "Repair what failed first: the earlier query and what came of it stand in frame {frame}.",
    "Clear the OCSP cache of {validator}, or wait, and open a new connection to {host}.",
    check="failed",
    only=lambda of: of.eligible and of.asked and not of.asked_now,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that no query followed because the last one, a short time ago, had failed."""
    certificate, time = question.certificate, question.visit.time
    assert certificate is not None
    before = between(question.queries, time - KEPT, time)
    if not before or before[-1].time <= question.asker.answered.get(certificate.sha256, 0):
        return
    last = before[-1]
    yield Claim(
        ENTRY.code,
        f"{question.who} had asked {span_words(time - last.time)} before without success, and asks no more "
        "for a while: it keeps the failure",
        (
            last.evidence("earlier query that failed", last.exchange.frames.response or last.frame),
            question.visit.evidence(f"certificate of {question.host} again"),
        ),
        (Read(last.exchange), Sent(last), Silence(time)),
        (Standing("checks-only-some", "how long it keeps a failure is not known"),),
        responder=last.exchange.url,
        telling=0,
    )

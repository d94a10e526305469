"""The meaning of each cause and each finding, how it is proven, and what to do next.

One file a cause: its entry (meaning, phrase, proofs, next steps, which questions it is asked) and ``claims``,
which answers one question with claims about it, beside its page ``<code>.md``. A cause never judges how sure
it is, and never imports another cause: what several need stands in a module of its own in
:mod:`ocsp_pcap.explain`.

:data:`ORDER` lists the causes, the most specific first. This order decides among causes that hold at once
and among sightings of one certificate, and it is that of every table. :data:`URGENCY` lists them once more,
in the order in which sentences count them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from ocsp_pcap.explain import findings
from ocsp_pcap.explain.causes import (
    cached,
    capture_filtered,
    capture_incomplete,
    certificate_encrypted,
    dns_failed,
    failure_cached,
    handshake_failed,
    http_error,
    leaf_only,
    no_ocsp_url,
    no_responder_for_issuer,
    no_response,
    not_intercepted,
    ocsp_disabled,
    ocsp_over_tls,
    queried,
    reissued_certificate,
    responder_error,
    responder_unreachable,
    response_invalid,
    session_resumed,
    short_lived,
    staple_invalid,
    stapled,
    unexplained,
)
from ocsp_pcap.explain.entries import PLACEHOLDERS, Cause
from ocsp_pcap.explain.findings import FINDINGS
from ocsp_pcap.explain.grounds.claim import Claim
from ocsp_pcap.explain.question import Question, Situation

__all__ = [
    "CAUSES",
    "ORDER",
    "PLACEHOLDERS",
    "SECTIONS",
    "URGENCY",
    "Cause",
    "Rule",
    "next_steps",
    "page",
    "rules_for",
]

Claims: TypeAlias = Callable[[Question], Iterator[Claim]]


class Rule(NamedTuple):
    """A cause and the function that claims it."""

    entry: Cause
    claims: Claims


ORDER: Final[tuple[Rule, ...]] = tuple(
    Rule(module.ENTRY, module.claims)
    for module in (
        queried,
        response_invalid,
        responder_error,
        http_error,
        no_response,
        responder_unreachable,
        dns_failed,
        not_intercepted,
        session_resumed,
        stapled,
        staple_invalid,
        cached,
        failure_cached,
        reissued_certificate,
        short_lived,
        no_ocsp_url,
        no_responder_for_issuer,
        leaf_only,
        handshake_failed,
        certificate_encrypted,
        ocsp_over_tls,
        capture_filtered,
        ocsp_disabled,
        capture_incomplete,
        unexplained,
    )
)
"""The causes, the most specific first; ``unexplained`` is what is left where none is at least likely."""


@cache
def rules_for(number: int) -> tuple[Rule, ...]:
    """Return the causes that look at a question of a situation, in their order."""
    situation = Situation.of(number)
    return tuple(rule for rule in ORDER if rule.entry.only(situation))


URGENCY: Final[tuple[str, ...]] = tuple(
    module.ENTRY.code
    for module in (
        dns_failed,
        responder_unreachable,
        http_error,
        responder_error,
        response_invalid,
        no_response,
        staple_invalid,
        ocsp_disabled,
        unexplained,
        failure_cached,
        no_responder_for_issuer,
        certificate_encrypted,
        capture_filtered,
        capture_incomplete,
        ocsp_over_tls,
        reissued_certificate,
        not_intercepted,
        no_ocsp_url,
        stapled,
        cached,
        session_resumed,
        short_lived,
        leaf_only,
        handshake_failed,
        queried,
    )
)
"""The causes again, what an engineer has to act on first: the order in which sentences count them."""

CAUSES: Final[Mapping[str, Cause]] = MappingProxyType(
    {entry.code: entry for entry in (*(rule.entry for rule in ORDER), *(rule.entry for rule in FINDINGS))}
)
"""Every code of the contract: the causes in their order, then the findings."""

SECTIONS: Final = (
    "What it means",
    "How it is proven",
    "What is easily mistaken for it",
    "What to do next",
    "Standards",
)
"""Headings of every page, in this order."""


def page(code: str) -> str:
    """Return the Markdown page of a code, its proofs from the table. Raise KeyError for no code."""
    entry = CAUSES[code]
    if entry.kind == "finding":
        return _text(Path(findings.__file__), code)
    text = _text(Path(__file__), code)
    from ocsp_pcap.explain.causes.proven import proof_lines

    before, heading, after = text.partition(f"\n## {SECTIONS[2]}\n")
    return before.rstrip() + "\n\n" + "\n".join(proof_lines(entry)) + "\n" + heading + after


def _text(package: Path, code: str) -> str:
    return package.with_name(f"{code}.md").read_text(encoding="utf-8")


def next_steps(code: str, **context: object) -> tuple[str, ...]:
    """Return the next steps of a code (:meth:`Cause.steps`). Raise KeyError for a code that is none."""
    return CAUSES[code].steps(context)

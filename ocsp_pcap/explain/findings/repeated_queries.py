"""``repeated-queries``: a validator asked again although an earlier answer still covered the certificate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import Cause, finding_entry
from ocsp_pcap.explain.findings.common import View, finding
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.model import Evidence, Finding
from ocsp_pcap.explain.phrases import first_of
from ocsp_pcap.explain.question import validator_words
from ocsp_pcap.explain.repetition import Repeat, Repetition, repetitions
from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.explain.windows import NO_TENTH, span_words
from ocsp_pcap.facts import CertificateFact

ENTRY: Final = finding_entry(
    "repeated-queries",
    "advice",
    "The same certificate was asked for again while an earlier response still covered it.",
    "Check the response cache of {validator}: off, too small, shared by none, or cleared by a TTL override?",
    "If nonces are sent, answers cannot come from a cache in between; switch the nonce off unless "
    "it is demanded.",
)
TTL_OVERRIDE: Final = finding_entry(
    "ttl-override-in-use",
    "advice",
    "Queries follow a TTL override of the response cache, not nextUpdate.",
    "Remove the override unless it is meant: shorter than nextUpdate costs queries, longer delays "
    "revocation.",
)
"""``ttl-override-in-use``: what was asked again follows a lifetime that is set on the validator."""


def find(view: View) -> Iterator[Finding]:
    """A validator asked again although an earlier answer still covered the certificate."""
    case = view.case
    for identity, every in repetitions(case).items():
        wanted = tuple(repeat for repeat in every.repeats if view.about(repeat.certificate))
        if not wanted or _several(case.hosts[identity], every):
            continue
        found = every._replace(repeats=wanted)
        first = found.repeats[0]
        client = first.again.exchange.client
        hosts = list(dict.fromkeys(_name(repeat.certificate) for repeat in found.repeats))
        number = len(found.repeats)
        times = f"{number} time{'s' if number > 1 else ''}, first after {span_words(first.age)}"
        entry, habit = _habit(found, case.proxy(client))
        role = validator_words(case.roles.role(client), client)
        again = first.again.exchange
        words = f"{role} asked again about {first_of(hosts)} ({times}), {_ahead(first)}{habit}"
        yield finding(
            entry,
            f"{words[:1].upper()}{words[1:]}.",
            _repeat_evidence(found),
            host=hosts[0],
            validator=client,
            serial=first.certificate.serial,
            **case.places.reference(again.capture, first.again.frame, again.stream),
        )


def _name(certificate: CertificateFact) -> str:
    return certificate.sans[0] if certificate.sans else certificate.subject


def _ahead(repeat: Repeat) -> str:
    single = repeat.before.single
    assert single is not None
    assert single.next_update is not None
    return f"{span_words(single.next_update - repeat.again.time)} before nextUpdate"


def _repeat_evidence(found: Repetition) -> Iterator[Evidence]:
    for repeat in found.repeats[:3]:
        before = repeat.before
        yield before.evidence("OCSP response that was to last", before.exchange.frames.response)
        yield repeat.again.evidence("asked again", repeat.again.frame)


def _several(host: Host, found: Repetition) -> bool:
    """Several programs, hosts or addresses of one ask each for themselves, and keep what they get."""
    ttls = {query.exchange.client_ttl for repeat in found.repeats for query in (repeat.before, repeat.again)}
    agents = {
        query.exchange.user_agent for repeat in found.repeats for query in (repeat.before, repeat.again)
    }
    senders = {query.exchange.client for repeat in found.repeats for query in (repeat.before, repeat.again)}
    return len(ttls - {None}) > 1 or len(agents) > 1 or len(host.stacks) > 1 or len(senders) > 1


def _habit(found: Repetition, proxy: Proxy | None) -> tuple[Cause, str]:
    """Return the entry of the finding, and how the sentence goes on."""
    lifetime = proxy.cache_ttl if proxy is not None else None
    if lifetime is not None and found.agrees_with(lifetime):
        return TTL_OVERRIDE, ", as the TTL override of the site file demands"
    despite = "" if lifetime is None else f", which a TTL override of {span_words(lifetime)} does not explain"
    asked, used = span_words(found.asked_at[0]), span_words(found.used_at[-1]) if found.used_at else ""
    if found.habit == "fixed-lifetime":
        spread = (
            f": answers were used up to an age of {used} and replaced from {asked} on, so a TTL override is "
            "likely, set to something between the two"
        )
        return TTL_OVERRIDE, despite + spread
    if found.habit == "irregular":
        mixed = (
            f": answers were used up to an age of {used}, yet replaced after {asked} already, as by several "
            "processes or caches that do not share what they hold"
        )
        return ENTRY, despite + mixed
    if found.habit == "even-interval":
        even = f": at an even interval of about {asked}, so a TTL override is likely"
        return TTL_OVERRIDE, despite + even
    if found.habit == "unknown":
        hidden = (
            f": it keeps answers for no longer than {asked}, or not at all; its connections are not visible"
        )
        return ENTRY, despite + hidden
    if found.habit == "untold":
        lost = ": for how long it keeps answers the captures do not tell, as packets seem to be missing"
        return ENTRY, despite + lost
    some = "" if found.asked_at[0] < NO_TENTH else f", or none for as long as {asked}"
    return ENTRY, f"{despite}: it keeps no answer{some}; no connection is seen to have used one"

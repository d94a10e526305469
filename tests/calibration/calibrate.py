"""Explain samples again after damage; compare what is still confirmed with the whole capture's answers.

Three measures. By *sighting*: a confirmed answer about one connection that is no answer which the whole
capture gives about this very connection is a lie. By *headline*: a confirmed verdict with another cause than
that of the whole; where a confirmed sighting bears it out that is right, it merely sums up fewer, and is
none. By *finding*: a sentence that says of a host what none about the whole says of it, without saying that
packets are missing.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Explanation, Finding, Sighting, Verdict
from ocsp_pcap.explain.site import ProxyRole, Site
from ocsp_pcap.explain.trace import load_trace
from ocsp_pcap.explain.trace_entry import TraceEntry
from ocsp_pcap.facts import Facts, HandshakeFact
from tests.samples.cases import Sample, known_site, samples

from .damage import DAMAGES
from .packets import Packets, load, save

Key: TypeAlias = tuple[str, str, str | None]
"""Address of the validator, who presented the certificate, and its SHA-256 (else the host)."""
Connection: TypeAlias = tuple[tuple[str, int, str, int], str, str | None]
"""Client and server with their ports, who presented the certificate, and its SHA-256; None: none shown."""

OF_CAPTURES: Final = frozenset({"capture-problem", "clock-wrong", "ambiguous-bytes", "ocsp-forwarded"})
"""Findings about captures, or of which each packet is proof."""
NO_TRACE: Final = frozenset({"shift", "keep_port"})
"""Damages that may leave no trace: all else a capture shows is then as if it were so."""
NAMED: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+|[0-9a-f]*(?::[0-9a-f]*){2,}")
NUMBER: Final = re.compile(r"\d+\.\d+")
HEDGED: Final = re.compile(
    "seem to be missing|in the captures|no query is seen|it speaks for|may be reissued|probably for it"
)
"""Words of a sentence that says no more than packets show, or that it may be otherwise."""
TRUE_OF_LESS: Final = frozenset({"capture-incomplete"})
"""What a damaged capture may say of itself."""


@dataclass(frozen=True)
class Answers:
    """What an explanation says, of each certificate and of each connection."""

    headlines: Mapping[Key, frozenset[str]]
    sightings: Mapping[Connection, frozenset[str]]
    findings: Mapping[str, frozenset[str] | None] | None = None
    """By code, the hosts and addresses that sentences name; None: whatever is said may be true."""


@dataclass(frozen=True)
class Given:
    """What is given beside the captures."""

    site: Site = field(default_factory=Site)
    roles: Mapping[str, ProxyRole] = field(default_factory=dict)
    """By the names of files."""
    trace: tuple[TraceEntry, ...] = ()
    key_logs: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Whole:
    """A sample without damage."""

    name: str
    given: Given
    files: Mapping[str, Packets]
    link_types: Mapping[str, int]
    facts: Facts
    answers: Answers


@dataclass
class Count:
    """What came of a number of damaged captures; each story with its seed."""

    damaged: int = 0
    confirmed: int = 0
    """Confirmed verdicts."""
    confirmed_sightings: int = 0
    by_sighting: list[str] = field(default_factory=list)
    """A connection with a confirmed answer that the whole capture does not give about it."""
    by_headline: list[str] = field(default_factory=list)
    """A verdict confirmed with another cause than in the whole capture, which no right sighting bears out."""
    fewer: list[str] = field(default_factory=list)
    """The same where one does: stronger sightings are not in the capture any more."""
    unknown: list[str] = field(default_factory=list)
    """A confirmed sighting of a connection of which the whole capture says nothing."""
    findings: int = 0
    by_finding: list[str] = field(default_factory=list)
    """A sentence of a finding that says more than those about the whole capture."""

    @property
    def turned(self) -> list[str]:
        """Everything that is a lie."""
        return [*self.by_sighting, *self.by_headline, *self.unknown, *self.by_finding]


def explanation_of(
    given: Given, files: Mapping[str, Packets], link_types: Mapping[str, int]
) -> tuple[Facts, Explanation]:
    """Explain some packets as captures, with all else that is given."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in files]
        for path in paths:
            save(path, files[path.name], link_types[path.name])
        roles = {str(path): role for path in paths if (role := given.roles.get(path.name)) is not None}
        authorities = [authority.der for proxy in given.site.proxies for authority in proxy.ca]
        options = ReadOptions(key_logs=given.key_logs, authorities=authorities, roles=roles)
        facts = read_facts(paths, options)
        return facts, explain(facts, Context(given.site, roles, given.trace))


def key_of(verdict: Verdict) -> Key:
    """Return what is equal for the verdicts about one certificate of one validator."""
    shown = verdict.certificate.sha256 if verdict.certificate is not None else verdict.host
    return verdict.validator.address, verdict.presented_by, shown


def connections(facts: Facts, explanation: Explanation) -> Iterator[tuple[Connection, Verdict, Sighting]]:
    """Yield every sighting with the connection that it was on."""
    known: dict[tuple[str, int, int], HandshakeFact] = {
        (handshake.capture, handshake.stream, handshake.time): handshake for handshake in facts.handshakes
    }
    for verdict in explanation.verdicts:
        for sighting in verdict.sightings:
            handshake = known[sighting.capture, sighting.stream, sighting.time]
            ends = handshake.client, handshake.client_port, handshake.server, handshake.server_port
            shown = (*handshake.certificates, *handshake.client_certificates)
            sha256 = verdict.certificate.sha256 if verdict.certificate is not None else None
            yield (ends, verdict.presented_by, sha256 if sha256 in shown else None), verdict, sighting


def answers(facts: Facts, explanation: Explanation) -> Answers:
    """Return what an explanation says; of a certificate that was shown also without it."""
    headlines: dict[Key, set[str]] = defaultdict(set)
    for verdict in explanation.verdicts:
        for key in (key_of(verdict), (verdict.validator.address, verdict.presented_by, verdict.host)):
            headlines[key].add(verdict.cause)
    sightings: dict[Connection, set[str]] = defaultdict(set)
    for (ends, presenter, shown), verdict, sighting in connections(facts, explanation):
        for certificate in (shown, None):
            sightings[ends, presenter, certificate].add(sighting.cause)
            if sighting.cause == "not-intercepted":
                # What the messages themselves say is true as well, whoever reads them.
                sightings[ends, presenter, certificate].update(_said_by_messages(verdict, shown))
    return Answers(
        {key: frozenset(found) for key, found in headlines.items()},
        {connection: frozenset(found) for connection, found in sightings.items()},
        {**dict(_said(explanation.findings)), "responders-failing": _in_vain(explanation)},
    )


def _in_vain(explanation: Explanation) -> frozenset[str]:
    """Return the hosts that were asked about in vain, and who asked: of a part of them, most may be these."""
    failed = [verdict for verdict in explanation.verdicts if verdict.presence == "attempted"]
    hosts = {verdict.host for verdict in failed if verdict.host is not None}
    return frozenset(hosts | {verdict.validator.address for verdict in failed})


def _said(findings: Iterable[Finding]) -> Iterator[tuple[str, frozenset[str] | None]]:
    """Yield the code of each finding with the names in all sentences of it; None: these leave some out."""
    sentences: dict[str, str] = defaultdict(str)
    for finding in findings:
        sentences[finding.code] += f" {finding.summary}"
    for code, words in sentences.items():
        yield code, None if " more" in words else _names(words)


def _names(sentence: str) -> frozenset[str]:
    """Return the hosts and addresses that a sentence names."""
    words = (word.strip(".") for word in NAMED.findall(sentence))
    return frozenset(word for word in words if not NUMBER.fullmatch(word))


def _said_by_messages(verdict: Verdict, shown: str | None) -> Iterator[str]:
    if shown is None:
        yield from ("session-resumed", "certificate-encrypted")
    elif verdict.certificate is not None and not verdict.certificate.ocsp_urls:
        yield "no-ocsp-url"


def wholes() -> list[Whole]:
    """Return every sample without damage."""
    return [_whole(case) for case in samples()]


def _whole(case: Sample) -> Whole:
    loaded = {path.name: load(path) for path in case.captures}
    files = {name: packets for name, (packets, _) in loaded.items()}
    link_types = {name: link_type for name, (_, link_type) in loaded.items()}
    roles = {path.name: role for path in case.captures if (role := case.role(path)) is not None}
    trace = tuple(entry for path in case.traces for entry in load_trace(path))
    given = Given(known_site(case), roles, trace, tuple(case.key_logs))
    facts, explanation = explanation_of(given, files, link_types)
    return Whole(case.name, given, files, link_types, facts, answers(facts, explanation))


def calibrate(whole: list[Whole], seed: int, number: int) -> Count:
    """Damage a sample chosen by each seed from ``seed`` on, and count what is confirmed of it."""
    count = Count()
    for one in range(seed, seed + number):
        rng = random.Random(one)
        of = _chosen(whole, one)
        name = rng.choice(sorted(DAMAGES))
        files = {path: packets for path, packets in DAMAGES[name](rng, dict(of.files)).items() if packets}
        if not files:
            continue
        count.damaged += 1
        facts, explanation = explanation_of(of.given, files, of.link_types)
        answers = replace(of.answers, findings=None) if name in NO_TRACE else of.answers
        judge(count, answers, facts, explanation, f"seed {one}, {of.name}, {name}")
    return count


def _chosen(whole: list[Whole], seed: int) -> Whole:
    """Return the sample of a seed; where samples are added, few seeds get another one."""
    return max(whole, key=lambda each: sha256(f"{seed} {each.name}".encode()).digest())


def judge(count: Count, whole: Answers, facts: Facts, explanation: Explanation, story: str) -> None:
    """Add to the count what is confirmed of a damaged capture, and what of it the whole does not say."""
    borne_out: set[tuple[Key, str]] = set()
    for connection, verdict, sighting in connections(facts, explanation):
        known = whole.sightings.get(connection)
        right = sighting.cause in TRUE_OF_LESS or (known is not None and sighting.cause in known)
        if right and sighting.confidence == "confirmed":
            borne_out.add((key_of(verdict), sighting.cause))
        if sighting.confidence != "confirmed" or (not right and _looks_like_a_client(facts, verdict, known)):
            continue
        count.confirmed_sightings += 1
        if not right:
            was = ", ".join(sorted(known)) if known is not None else "unknown"
            words = f"{story}: {_words(verdict)} port {connection[0][1]}: {was} -> {sighting.cause}"
            (count.unknown if known is None else count.by_sighting).append(words)
    for verdict in explanation.verdicts:
        if verdict.confidence != "confirmed":
            continue
        count.confirmed += 1
        before = whole.headlines.get(key_of(verdict))
        right = verdict.cause in TRUE_OF_LESS or before is None or verdict.cause in before
        if right or _looks_like_a_client(facts, verdict, before):
            continue
        words = f"{story}: {_words(verdict)}: {', '.join(sorted(before))} -> {verdict.cause}"
        merely = (key_of(verdict), verdict.cause) in borne_out
        (count.fewer if merely else count.by_headline).append(words)
    if whole.findings is not None:
        for finding in explanation.findings:
            if finding.code not in OF_CAPTURES:
                count.findings += 1
                told = whole.findings.get(finding.code, frozenset())
                if not (told is None or _names(finding.summary) <= told or HEDGED.search(finding.summary)):
                    count.by_finding.append(f"{story}: {finding.code}: {finding.summary}")


def _looks_like_a_client(facts: Facts, verdict: Verdict, known: Collection[str] | None) -> bool:
    """A host that only hands on, and all that comes to it is gone: what it sends looks like a client's."""
    spoken = (*facts.handshakes, *facts.ocsp_exchanges, *facts.tcp_attempts)
    address = verdict.validator.address
    shown = verdict.validator.role != "unknown" or any(fact.server == address for fact in spoken)
    return not shown and "not-intercepted" in (known or ())


def _words(verdict: Verdict) -> str:
    return f"{verdict.validator.role} {verdict.validator.address} {verdict.host} ({verdict.chain_role})"

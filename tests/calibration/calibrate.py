"""Explain samples again after damage; compare what is still confirmed with the whole capture's answers."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Explanation, Verdict
from ocsp_pcap.explain.trace import load_trace
from tests.samples.cases import Sample, known_site, samples

from .damage import DAMAGES, Packets, load, save

Key: TypeAlias = tuple[str, str, str | None]
"""Address of the validator, who presented the certificate, and its SHA-256 (else the host)."""

TRUE_OF_LESS: Final = "capture-incomplete"
"""What a damaged capture may say of itself."""


@dataclass(frozen=True)
class Whole:
    """A sample without damage."""

    case: Sample
    files: Mapping[str, Packets]
    link_types: Mapping[str, int]
    causes: Mapping[Key, frozenset[str]]
    """Every cause that some sighting of a certificate has."""


@dataclass
class Count:
    """What came of a number of damaged captures."""

    damaged: int = 0
    confirmed: int = 0
    turned: list[str] = field(default_factory=list)
    """Answers that turned into another confirmed one, each with its seed."""


def explanation_of(
    case: Sample, files: Mapping[str, Packets], link_types: Mapping[str, int], folder: Path
) -> Explanation:
    """Explain some packets as the sample's captures, with all else that belongs to it."""
    site = known_site(case)
    paths = [folder / name for name in files]
    for path in paths:
        save(path, files[path.name], link_types[path.name])
    roles = {str(path): role for path in paths if (role := case.role(case.folder / path.name)) is not None}
    authorities = [authority.der for proxy in site.proxies for authority in proxy.ca]
    options = ReadOptions(key_logs=case.key_logs, authorities=authorities, roles=roles)
    trace = tuple(entry for path in case.traces for entry in load_trace(path))
    return explain(read_facts(paths, options), Context(site, roles, trace))


def key_of(verdict: Verdict) -> Key:
    """Return what is equal for the verdicts about one certificate of one validator."""
    shown = verdict.certificate.sha256 if verdict.certificate is not None else verdict.host
    return verdict.validator.address, verdict.presented_by, shown


def wholes() -> list[Whole]:
    """Return every sample without damage."""
    return [_whole(case) for case in samples()]


def _whole(case: Sample) -> Whole:
    loaded = {path.name: load(path) for path in case.captures}
    files = {name: packets for name, (packets, _) in loaded.items()}
    link_types = {name: link_type for name, (_, link_type) in loaded.items()}
    with tempfile.TemporaryDirectory() as folder:
        explanation = explanation_of(case, files, link_types, Path(folder))
    causes: dict[Key, set[str]] = defaultdict(set)
    for verdict in explanation.verdicts:
        found = {verdict.cause, *(sighting.cause for sighting in verdict.sightings)}
        for key in (key_of(verdict), (verdict.validator.address, verdict.presented_by, verdict.host)):
            causes[key] |= found
    return Whole(case, files, link_types, {key: frozenset(found) for key, found in causes.items()})


def calibrate(whole: list[Whole], seed: int, number: int) -> Count:
    """Damage a sample chosen by each seed from ``seed`` on, and count what is confirmed of it."""
    count = Count()
    for one in range(seed, seed + number):
        rng = random.Random(one)
        of = rng.choice(whole)
        name = rng.choice(sorted(DAMAGES))
        files = {path: packets for path, packets in DAMAGES[name](rng, dict(of.files)).items() if packets}
        if not files:
            continue
        count.damaged += 1
        with tempfile.TemporaryDirectory() as folder:
            explanation = explanation_of(of.case, files, of.link_types, Path(folder))
        for verdict in explanation.verdicts:
            if verdict.confidence == "confirmed":
                count.confirmed += 1
                count.turned += _turned(of, verdict, f"seed {one}, {of.case.name}, {name}")
    return count


def _turned(of: Whole, verdict: Verdict, story: str) -> Iterator[str]:
    known = of.causes.get(key_of(verdict))
    if verdict.cause == TRUE_OF_LESS or known is None or verdict.cause in known:
        return
    yield f"{story}: {verdict.validator.role} {verdict.host}: {', '.join(sorted(known))} -> {verdict.cause}"

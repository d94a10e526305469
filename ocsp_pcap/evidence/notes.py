"""Which frames prove something, and what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple
from typing import Final, TypeAlias

from ocsp_pcap.explain.model import Evidence, Explanation, Verdict
from ocsp_pcap.facts import CaptureFact, CertificateFact, CrlFetchFact, Facts, HandshakeFact, OcspExchangeFact
from ocsp_pcap.terminal.escape import safe_text

MOST_NOTES: Final = 20
"""Notes in one packet's comment; the rest is counted."""
NOTE_LENGTH: Final = 400

Notes: TypeAlias = dict[str, dict[int, list[str]]]
"""By capture, then by frame: what the frame proves, each thing once."""


def proving_frames(explanation: Explanation) -> Notes:
    """Return every frame that verdicts, their sightings and findings name, with what it proves."""
    found: dict[str, dict[int, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for capture, frame, note in _all(explanation):
        found[capture][frame][safe_text(note, limit=NOTE_LENGTH)] = None
    return {name: {frame: list(notes) for frame, notes in frames.items()} for name, frames in found.items()}


def fact_frames(facts: Facts, explanation: Explanation, capture: str) -> set[int]:
    """Return the frames of one capture in which facts stand, counted through all of its files.

    Handshakes of hosts that the explanation leaves out do not count.
    """
    frames: set[int] = set()
    hosts = {verdict.host for verdict in explanation.verdicts}
    seen = {(s.capture, s.stream) for verdict in explanation.verdicts for s in verdict.sightings}
    for fact in facts:
        if isinstance(fact, CaptureFact) and fact.path == capture:
            frames |= {frame for stream in fact.ambiguous_streams for frame in stream.frames}
        if isinstance(fact, CaptureFact | CertificateFact) or fact.capture != capture:
            continue
        if isinstance(fact, HandshakeFact) and not (
            (fact.sni or fact.connect_host) in hosts or (fact.capture, fact.stream) in seen
        ):
            continue
        frames |= {frame for frame in astuple(fact.frames) if frame is not None}
        if isinstance(fact, HandshakeFact):
            named = (fact.connect_frame, fact.client_data_frame, fact.client_data_last_frame)
            frames |= {frame for frame in named if frame is not None}
    return frames


def message_frames(facts: Facts, capture: str) -> set[int]:
    """Return the frames of one capture in which messages of HTTP end that are facts."""
    fetched: tuple[OcspExchangeFact | CrlFetchFact, ...] = (*facts.ocsp_exchanges, *facts.crl_fetches)
    return {
        frame
        for fact in fetched
        if fact.capture == capture
        for frame in (fact.frames.request, fact.frames.response)
        if frame is not None
    }


def comment(name: str, frame: int, notes: list[str]) -> str:
    """Return a packet's comment: where it comes from, then a line for each thing that it proves.

    ``name`` and ``notes`` are safe text already.
    """
    lines = [f"frame {frame} of {name}"]
    if not notes:
        lines[0] += " (context)"
    lines += notes[:MOST_NOTES]
    if len(notes) > MOST_NOTES:
        lines.append(f"and {len(notes) - MOST_NOTES} more")
    return "\n".join(lines)


def _all(explanation: Explanation) -> Iterator[tuple[str, int, str]]:
    for verdict in explanation.verdicts:
        subject = _subject(verdict)
        head = f"{subject}: {verdict.presence}, {verdict.cause} ({verdict.confidence})"
        yield from _evidence(head, verdict.evidence)
        for sighting in verdict.sightings:
            head = f"{subject}: {sighting.presence}, {sighting.cause} ({sighting.confidence})"
            yield from _evidence(head, sighting.evidence)
            if not any(item.frame == sighting.frame for item in (*sighting.evidence, *verdict.evidence)):
                yield sighting.capture, sighting.frame, f"{head}: the handshake"
    for finding in explanation.findings:
        yield from _evidence(f"finding {finding.code}", finding.evidence)


def _evidence(head: str, evidence: tuple[Evidence, ...]) -> Iterator[tuple[str, int, str]]:
    for item in evidence:
        if item.frame is not None:
            yield item.capture, item.frame, f"{head}: {item.note}" if item.note else head


def _subject(verdict: Verdict) -> str:
    """Name a certificate as short as can be without confusing two."""
    host = verdict.host or "unnamed host"
    if verdict.certificate is None:
        return f"{host} to {verdict.validator.address}"
    role = "" if verdict.chain_role == "leaf" else " intermediate"
    return f"{host}{role}, sha256 {verdict.certificate.sha256[:16]}, to {verdict.validator.address}"

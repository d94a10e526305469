"""One real capture: what we see in it, held against tshark's table and against our own contracts."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jsonschema

from ocsp_pcap.api import explain, read_facts
from ocsp_pcap.capture import CaptureError
from ocsp_pcap.explain.model import Evidence, Explanation, Verdict
from ocsp_pcap.facts import Facts, ResponseFact
from ocsp_pcap.facts import schema as facts_schema
from ocsp_pcap.facts.lines import to_json
from ocsp_pcap.report.json import explanation_to_text
from ocsp_pcap.report.schema import load
from tests.conftest import CORPUS, CORPUS_TABLE

RESPONSE_STATUSES = {
    "0": "successful",
    "1": "malformedRequest",
    "2": "internalError",
    "3": "tryLater",
    "5": "sigRequired",
    "6": "unauthorized",
}
CERT_STATUSES = {"0": "good", "1": "revoked", "2": "unknown"}


@dataclass(slots=True)
class Outcome:
    """What became of one capture; every entry of the lists is a sentence that names where to look."""

    file: str
    failures: list[str] = field(default_factory=list)
    """What must never be: exceptions, broken contracts, things of the table that we do not see."""
    counts: dict[str, int] = field(default_factory=dict)
    """Things of the table that we see, by kind."""
    more: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    """Certificates that the table has not, by transport and stream."""
    frames: list[tuple[int, str]] = field(default_factory=list)
    """Streams and certificates of which we name other frames than the table."""
    damage: str | None = None
    confirmed: int = 0
    """Verdicts that are confirmed."""

    def expect(self, kind: str, held: bool, sentence: str) -> None:
        """Count a thing that we see; note one that we do not see."""
        if held:
            self.counts[kind] = self.counts.get(kind, 0) + 1
        else:
            self.failures.append(f"{self.file}: {kind} not seen: {sentence}")


def read_table() -> list[dict[str, Any]]:
    """Return the rows of the table, one a capture."""
    return [json.loads(line) for line in CORPUS_TABLE.read_text(encoding="utf-8").splitlines()]


def examine(row: dict[str, Any]) -> Outcome:
    """Read and explain one capture and compare."""
    outcome = Outcome(row["file"])
    try:
        facts = read_facts([CORPUS / row["file"]])
        explanation = explain(facts)
        _certificates(outcome, row, facts)
        _hellos(outcome, row, facts)
        _ocsp(outcome, row, facts)
        _explanation(outcome, facts, explanation)
        _schemas(outcome, facts, explanation)
    except CaptureError as error:
        outcome.failures.append(f"{row['file']}: cannot be read: {error}")
    except Exception:  # the failure is reported for the capture, and the others go on
        outcome.failures.append(f"{row['file']}: {traceback.format_exc()}")
    else:
        outcome.damage = facts.captures[0].damage
    return outcome


def _certificates(outcome: Outcome, row: dict[str, Any], facts: Facts) -> None:
    ours: dict[tuple[str, int | None, str], set[int]] = {}
    server_frames: dict[tuple[int, str], set[int | None]] = {}
    for handshake in facts.handshakes:
        for sha256 in (*handshake.certificates, *handshake.client_certificates):
            place = _place(handshake.transport, handshake.stream, sha256)
            ours.setdefault(place, set()).add(handshake.stream)
        for sha256 in handshake.certificates:
            server_frames.setdefault((handshake.stream, sha256), set()).add(handshake.frames.certificate)
    theirs: dict[tuple[str, int | None, str], set[int]] = {}
    for item in row["certificates"]:
        place = _place(item["transport"], item["stream"], item["sha256"])
        theirs.setdefault(place, set()).add(item["frame"])
    for place, frames in theirs.items():
        where = f"frame {min(frames)}, {place[0]} stream {place[1]}, sha256 {place[2]}"
        outcome.expect("certificate", place in ours, where)
        own_frames = server_frames.get((place[1] if place[1] is not None else -1, place[2]))
        if own_frames and not own_frames & frames:
            outcome.frames.append((place[1] or 0, place[2]))
    for place, streams in ours.items():
        if place not in theirs:
            for stream in streams:
                outcome.more.setdefault((place[0], stream), set()).add(place[2])


def _place(transport: str, stream: int | None, what: str) -> tuple[str, int | None, str]:
    """The table numbers no UDP streams."""
    return transport, stream if transport == "tcp" else None, what


def _hellos(outcome: Outcome, row: dict[str, Any], facts: Facts) -> None:
    ours = {_place(h.transport, h.stream, h.sni) for h in facts.handshakes if h.sni is not None}
    for item in row["client_hellos"]:
        if item["sni"]:
            place = _place(item["transport"], item["stream"], item["sni"])
            where = f"frame {item['frame']}, {place[0]} stream {place[1]}, {item['sni']}"
            outcome.expect("server name", place in ours, where)


def _ocsp(outcome: Outcome, row: dict[str, Any], facts: Facts) -> None:
    requests = {(x.stream, c.serial) for x in facts.ocsp_exchanges for c in x.requests}
    for item in row["ocsp_requests"]:
        held = all((item["stream"], serial) in requests for serial in item["serials"])
        outcome.expect("request", held, f"frame {item['frame']}, stream {item['stream']}")
    responses = [(x.stream, x.response) for x in facts.ocsp_exchanges if x.response is not None]
    staples = [(h.stream, staple) for h in facts.handshakes for staple in h.staples]
    for item in row["ocsp_responses"]:
        # The table says of some staples that they are none.
        candidates = staples if item["stapled"] else [*responses, *staples]
        held = any(stream == item["stream"] and _says(response, item) for stream, response in candidates)
        kind = "staple" if item["stapled"] else "response"
        outcome.expect(kind, held, f"frame {item['frame']}, stream {item['stream']}, {item['serials']}")


def _says(response: ResponseFact, item: dict[str, Any]) -> bool:
    """Tell whether a response says what the table says of it."""
    if item["response_status"] and response.response_status != RESPONSE_STATUSES[item["response_status"][0]]:
        return False
    if len(response.singles) < len(item["serials"]):
        return False
    return all(
        single.serial == serial
        and (status is None or single.status == CERT_STATUSES[status])
        and (update is None or single.this_update == _nanoseconds(update))
        for single, serial, status, update in zip(
            response.singles,
            item["serials"],
            _padded(item["cert_status"], item["serials"]),
            _padded(item["this_update"], item["serials"]),
            strict=False,
        )
    )


def _padded(values: list[str], pattern: list[str]) -> Iterable[str | None]:
    return values if len(values) == len(pattern) else [None] * len(pattern)


def _nanoseconds(text: str) -> int:
    moment = datetime.strptime(text[: text.index(".")], "%b %d, %Y %H:%M:%S").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9


def _explanation(outcome: Outcome, facts: Facts, explanation: Explanation) -> None:
    packets = {capture.path: capture.packets for capture in facts.captures}
    for evidence in _all_evidence(explanation):
        if evidence.frame is not None and not 1 <= evidence.frame <= packets.get(evidence.capture, 0):
            where = f"frame {evidence.frame}, which the capture has not: {evidence.note}"
            outcome.failures.append(f"{outcome.file}: evidence in {where}")
    if not facts.ocsp_exchanges:
        outcome.failures += [
            f"{outcome.file}: {verdict.presence} ({verdict.cause}) for {verdict.host}, but no OCSP exchange"
            for verdict in explanation.verdicts
            if verdict.presence == "present"
        ]
    confirmed = [verdict for verdict in explanation.verdicts if verdict.confidence == "confirmed"]
    outcome.confirmed = len(confirmed)
    outcome.failures += [
        f"{outcome.file}: {verdict.cause} for {verdict.host} is confirmed by more than frames of the capture"
        for verdict in confirmed
        if not verdict.evidence or any(not _is_inside(piece, packets) for piece in _proof(verdict))
    ]
    outcome.failures += [
        f"{outcome.file}: a sighting of {verdict.host} lies in frame {sighting.frame}, which is not there"
        for verdict in confirmed
        for sighting in verdict.sightings
        if not 1 <= sighting.frame <= packets.get(sighting.capture, 0)
    ]
    seen = {(h.capture, h.stream) for h in facts.handshakes}
    told = {(s.capture, s.stream) for verdict in explanation.verdicts for s in verdict.sightings}
    outcome.failures += [
        f"{outcome.file}: the sighting in stream {stream} belongs to no handshake"
        for _, stream in sorted(told - seen)
    ]


def _proof(verdict: Verdict) -> Iterator[Evidence]:
    yield from verdict.evidence
    for sighting in verdict.sightings:
        yield from sighting.evidence


def _is_inside(evidence: Evidence, packets: dict[str, int]) -> bool:
    return evidence.frame is not None and 1 <= evidence.frame <= packets.get(evidence.capture, 0)


def _all_evidence(explanation: Explanation) -> Iterator[Evidence]:
    for verdict in explanation.verdicts:
        yield from _proof(verdict)
    for finding in explanation.findings:
        yield from finding.evidence


def _schemas(outcome: Outcome, facts: Facts, explanation: Explanation) -> None:
    documents: list[tuple[Any, Any]] = [
        ("explanation", json.loads("".join(explanation_to_text(explanation))))
    ]
    documents += [("facts", to_json(fact)) for fact in facts]
    for name, document in documents:
        error = next(_validator(name).iter_errors(document), None)
        if error is not None:
            where = "/".join(map(str, error.absolute_path))
            outcome.failures.append(
                f"{outcome.file}: breaks the schema of {name} at {where}: {error.message}"
            )


@cache
def _validator(name: Any) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(facts_schema.load() if name == "facts" else load(name))

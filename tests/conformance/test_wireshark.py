"""Wireshark shows what the evidence says of a frame, and as many messages as the headline counts."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from ocsp_pcap.crosscheck import CrosscheckUnavailable
from ocsp_pcap.crosscheck.witness import find_tshark
from ocsp_pcap.explain.model import Evidence, Explanation
from tests.samples.cases import Sample, explanation_of_all, samples

from .cause_table import SHOWN
from .sharkview import frames, untrue
from .test_causes import explained

SENT = re.compile(
    r"([\d,]+) OCSP requests? (?:from|handed on for others by) (?:child |parent |client )?(\S+?)[:;.]? "
)
RECEIVED = re.compile(r"([\d,]+) OCSP answers? to (?:child |parent |client )?(\S+) ")


@pytest.fixture
def tshark() -> None:
    try:
        find_tshark()
    except CrosscheckUnavailable as unavailable:
        pytest.skip(str(unavailable))


@pytest.fixture(scope="session")
def all_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key logs of all samples in one file, for Wireshark takes one only."""
    path = tmp_path_factory.mktemp("keys") / "all.keys"
    path.write_bytes(b"\n".join(log.read_bytes() for case in samples() for log in case.key_logs) + b"\n")
    return path


def all_evidence(explanation: Explanation) -> Iterator[Evidence]:
    for verdict in explanation.verdicts:
        yield from verdict.evidence
        for sighting in verdict.sightings:
            yield from sighting.evidence
    for finding in explanation.findings:
        yield from finding.evidence


@pytest.mark.usefixtures("tshark")
@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_wireshark_shows_what_the_evidence_says(case: Sample, all_keys: Path) -> None:
    paths = {capture.path for capture in explanation_of_all(case).captures}
    evidence = [
        piece
        for piece in dict.fromkeys(all_evidence(explanation_of_all(case)))
        if piece.frame is not None or piece.capture in paths
    ]
    keys = [all_keys] if case.key_logs else []
    assert [reason for piece in evidence if (reason := untrue(piece, keys))] == []


@pytest.mark.usefixtures("tshark")
def test_evidence_in_a_frame_of_another_kind_is_noticed() -> None:
    pieces = [piece for piece in dict.fromkeys(all_evidence(explained("direct"))) if piece.frame is not None]
    assert len(pieces) > 15
    for piece in pieces:
        assert untrue(piece) is None
        assert untrue(replace(piece, stream=None, frame=(piece.frame or 0) + 1)) is not None, piece
        assert untrue(replace(piece, stream=9999)) is not None
        assert untrue(replace(piece, note="something else")) is not None


@pytest.mark.corpus
@pytest.mark.usefixtures("tshark")
@pytest.mark.parametrize("file", sorted({row.where for row in SHOWN if Path(row.where).suffix}))
def test_wireshark_shows_what_the_evidence_from_the_corpus_says(file: str) -> None:
    explanation = explained(file)
    pieces = [
        piece
        for verdict in explanation.verdicts
        if verdict.confidence == "confirmed"
        for piece in verdict.evidence
    ]
    assert [reason for piece in dict.fromkeys(pieces) if (reason := untrue(piece))] == []


@pytest.mark.usefixtures("tshark")
@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_the_messages_of_the_headline_are_those_that_wireshark_counts(case: Sample, all_keys: Path) -> None:
    headline = explanation_of_all(case).headline + " "
    keys = [all_keys] if case.key_logs else []
    seen = [messages(capture, keys) for capture in case.captures]
    told = SENT.findall(headline)
    for number, address in told:
        # Several captures hold different packets, or the same ones: then one of them holds all.
        counts = [requests[address] for requests, _ in seen]
        assert int(number.replace(",", "")) in (sum(counts), max(counts))
    for number, address in RECEIVED.findall(headline):
        counts = [answers[address] for _, answers in seen]
        assert int(number.replace(",", "")) in (sum(counts), max(counts))
    if not told:
        assert not any(requests for requests, _ in seen)


def messages(capture: Path, keys: Sequence[Path]) -> tuple[Counter[str], Counter[str]]:
    """OCSP requests by sender and answers by receiver, outside handshakes, as Wireshark dissects them."""
    requests, answers = Counter[str](), Counter[str]()
    for frame in frames(capture, tuple(keys)).values():
        by_get = "GET" in frame["http.request.method"] and any(
            map(_has_request, frame["http.request.full_uri"])
        )
        if frame["ocsp.tbsRequest_element"] or by_get:
            requests.update(frame["ip.src"])
        if frame["ocsp.responseStatus"] and frame["http.response.code"]:
            answers.update(frame["ip.dst"])
    return requests, answers


def _has_request(url: str) -> bool:
    """A GET has the request as base64 at the end of its path (RFC 6960 A.1)."""
    try:
        tail = unquote(urlsplit(url).path).lstrip("/")
        return base64.b64decode(tail + "=" * (-len(tail) % 4), validate=True)[:1] == b"\x30"
    except (binascii.Error, ValueError):
        return False

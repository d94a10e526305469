"""Taking packets out of a capture makes an answer less sure, and never another one that is confirmed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.site import ProxyRole
from ocsp_pcap.explain.trace import load_trace
from ocsp_pcap.facts import Facts
from tests.samples.cases import Sample, facts_of, known_site, sample

from .removal import Place, Recording, held_at_once, removals, told

SAMPLES = (
    "direct",
    "staples",
    "ocsp-at-parent",
    "ocsp-on-child",
    "parent-tunnels",
    "all-interfaces",
    "cached-in-capture",
    "cached-before-capture-with-trace",
    "resumed-sessions",
    "handshake-failed",
    "responder-troubles",
    "repeated-queries",
    "ttl-override",
    "crl-instead",
    "forwarding-host",
    "port-80-filtered",
    "ocsp-over-tls",
    "revoked-but-used",
    "tls13-with-keys",
    "tls13-without-keys",
    "some-hosts-tunnelled",
    "nginx-checks-clients",
)
REMOVALS_PER_SAMPLE = 40
SEED = 20240607

STILL_TRUE = {
    ("queried", "cached"): (
        "an earlier answer of the capture covers the handshake, and of the query that was sent all the same "
        "not one packet is left: that is what a cached answer looks like"
    ),
    ("reissued-certificate", "no-ocsp-url"): (
        "the certificate names no responder, whoever made it; what showed who did is gone"
    ),
    ("queried", "capture-filtered"): (
        "the policy trace, which loses nothing, says that a query was sent, and no packet of its port is left"
    ),
    ("queried", "ocsp-disabled"): "the site file says that OCSP is off here, and no packet contradicts it",
}
"""What is confirmed with all packets and with fewer: why the second is true of the packets that are left."""
SAYS_LESS = {
    # Confirmed only where packets are seen to be missing.
    "capture-incomplete",
    # TLS 1.3 was agreed on, and of what the keys would open nothing is left.
    "certificate-encrypted",
}
"""Confirmed of a connection, they leave open what became of the certificate."""


def context(case: Sample, facts: Facts, *, informed: bool) -> Context:
    """What the user tells: everything that the sample knows, or only which file is which."""
    roles: dict[str, ProxyRole] = {}
    for capture in facts.captures:
        role = case.role(Path(capture.path))
        if role is not None:
            roles[capture.path] = role
    if not informed:
        return Context(capture_roles=roles)
    trace = tuple(entry for path in case.traces for entry in load_trace(path))
    return Context(known_site(case), roles, trace)


def allowed(whole: Mapping[Place, set[str]], place: Place, *, leaf: bool) -> set[str]:
    """Return the causes that may be confirmed of a connection and certificate once packets are gone."""
    capture, flow, sha256 = place
    before = set(whole.get(place, ()))
    if leaf or sha256 is None:
        before |= whole.get((capture, flow, None), set())
    return before | SAYS_LESS | {after for cause, after in STILL_TRUE if cause in before}


class Whole:
    """What is held of connections and certificates with all packets."""

    def __init__(self, case: Sample, recordings: Mapping[str, Recording], *, informed: bool) -> None:
        self._case, self._informed = case, informed
        facts = facts_of(case)
        self._held = held_at_once(facts, context(case, facts, informed=informed), recordings)
        everything = explain(facts, context(case, facts, informed=informed))
        for place, causes in told(everything, recordings, confirmed_only=False).items():
            self._held[place] |= causes
        self._leaves = {
            v.certificate.sha256 for v in everything.verdicts if v.certificate and v.chain_role == "leaf"
        }

    def contradictions(self, fewer: Facts, reduced: Mapping[str, Recording]) -> Iterator[str]:
        """Yield what is confirmed with fewer packets and was not held with all."""
        explanation = explain(fewer, context(self._case, fewer, informed=self._informed))
        for place, causes in told(explanation, reduced, confirmed_only=True).items():
            for cause in causes - allowed(self._held, place, leaf=place[2] in self._leaves):
                before = sorted(self._held.get(place, ())) or "nothing"
                yield f"{cause} is confirmed for {place}, before {before}"


@pytest.mark.parametrize("name", SAMPLES)
def test_fewer_packets_confirm_nothing_else(name: str, tmp_path: Path) -> None:
    """Whether all that is known of the site is told, or only which file is which."""
    case = sample(name)
    recordings = {path.name: Recording.read(path) for path in case.captures}
    wholes = [Whole(case, recordings, informed=informed) for informed in (True, False)]
    choices = [
        (victim, what, gone)
        for victim, recording in recordings.items()
        for what, gone in removals(recording, 20, SEED)
    ]
    chosen = random.Random(f"{name} {SEED}").sample(choices, min(REMOVALS_PER_SAMPLE, len(choices)))
    wrong: list[str] = []
    for victim, what, gone in chosen:
        reduced = {**recordings, victim: recordings[victim].without(gone)}
        fewer = facts_of(case, [recording.write(tmp_path) for recording in reduced.values()])
        for whole in wholes:
            wrong += [f"{victim} without {what}: {said}" for said in whole.contradictions(fewer, reduced)]
    assert not wrong, f"{len(wrong)} answers became others:\n" + "\n".join(wrong[:20])


def test_pairs_that_are_still_true_are_of_causes_that_exist() -> None:
    for before, after in STILL_TRUE:
        assert before != after
        assert {before, after} <= CAUSES.keys()
    assert {CAUSES[cause].presence for cause in SAYS_LESS} == {"unknown"}


@pytest.mark.parametrize(
    "gone",
    [{64}, {121}, {64, 66, 67, 68}, {64, 65, 66, 68}],
    ids=["post", "get", "acknowledged-only", "client-fin-only"],
)
def test_an_answer_that_the_capture_lost_is_no_missing_answer(gone: set[int], tmp_path: Path) -> None:
    """FIN and acknowledgments show that the responder did answer."""
    case = sample("direct")
    recording = Recording.read(case.captures[0])
    facts = facts_of(case, [recording.without(gone).write(tmp_path)])
    assert [capture.tcp_gaps for capture in facts.captures] == [1]
    verdicts = [v for v in explain(facts).verdicts if v.cause == "no-response"]
    assert [verdict.confidence for verdict in verdicts] == ["likely"]


def test_an_answer_is_not_taken_for_that_to_an_earlier_request(tmp_path: Path) -> None:
    """Of two queries on one connection the answer to the first is lost: the second keeps its own."""
    case = sample("direct")
    recording = Recording.read(case.captures[0])
    facts = facts_of(case, [recording.without({118}).write(tmp_path)])
    verdicts = {v.host: v for v in explain(facts).verdicts if v.chain_role == "leaf"}
    lost, kept = verdicts["get.site.test"], verdicts["revoked.site.test"]
    assert (lost.cause, lost.confidence) == ("no-response", "likely")
    assert (kept.cause, kept.confidence, kept.status) == ("queried", "confirmed", "revoked")


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("name", ["resumed-sessions", "ocsp-at-parent", "direct"])
def test_a_lost_certificate_is_no_resumed_session(name: str, share: float, tmp_path: Path) -> None:
    case = sample(name)
    facts = facts_of(case)
    full = [h for h in facts.handshakes if not h.resumed and h.frames.certificate is not None]
    chance = random.Random(f"{name} {share}")
    for handshake in full:
        path = Path(handshake.capture)
        recording = Recording.read(path)
        certificate = recording.packets[(handshake.frames.certificate or 1) - 1]
        later = [p.frame for p in recording.flows[certificate.flow] if p.frame > certificate.frame]
        gone = {certificate.frame, *(frame for frame in later if chance.random() < share)}
        fewer = facts_of(case, [recording.without(gone).write(tmp_path)])
        resumed = [h for h in fewer.handshakes if h.client_random == handshake.client_random and h.resumed]
        assert not resumed, (path.name, sorted(gone))

"""617 real captures: what Wireshark saw in them we see, and what we say keeps our contracts."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest

from ocsp_pcap.api import read_facts
from tests.conftest import CORPUS

from .corpus import Outcome, examine, read_table
from .differences import DAMAGED, OURS_ONLY, OUTSIDE

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    """All captures, read and compared once for all tests."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(examine, read_table(), chunksize=8))


def test_every_capture_is_read_and_everything_in_the_table_is_seen(outcomes: list[Outcome]) -> None:
    inside = [outcome for outcome in outcomes if outcome.file not in OUTSIDE]
    failures = [failure for outcome in inside for failure in outcome.failures]
    assert not failures, f"{len(failures)} failures:\n" + "\n".join(failures[:40])


def test_nothing_of_the_table_was_passed_over(outcomes: list[Outcome]) -> None:
    """The numbers of distinct things in the table, so that a comparison that compares nothing fails."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts.update(outcome.counts)
    assert len(outcomes) == 617
    assert counts == {
        "certificate": 893,
        "server name": 1110,
        "request": 16,
        "response": 21,
        "staple": 110,
    }


@pytest.mark.parametrize("file", sorted(OUTSIDE))
def test_what_is_outside_the_mission_is_named(file: str) -> None:
    (capture,) = read_facts([CORPUS / file]).captures
    assert OUTSIDE[file] in {kind.name for kind in capture.undecoded}


def test_certificates_that_only_we_see(outcomes: list[Outcome]) -> None:
    """Each such stream is known, and why; see ``differences.py``."""
    seen = {
        (outcome.file, transport, stream): len(certificates)
        for outcome in outcomes
        for (transport, stream), certificates in outcome.more.items()
    }
    assert seen == {place: count for place, (count, _) in OURS_ONLY.items()}


def test_frames_of_certificates(outcomes: list[Outcome]) -> None:
    """A certificate of a server stands in the frame in which Wireshark shows it."""
    assert not [(outcome.file, stream) for outcome in outcomes for stream, _ in outcome.frames]


def test_what_is_confirmed_rests_on_frames_of_the_capture(outcomes: list[Outcome]) -> None:
    """Where it does not, the comparison above fails; this many verdicts were looked at."""
    assert sum(outcome.confirmed for outcome in outcomes) > 300


def test_damage_is_told_where_there_is_some(outcomes: list[Outcome]) -> None:
    damaged = {outcome.file: outcome.damage for outcome in outcomes if outcome.damage is not None}
    assert damaged.keys() == DAMAGED.keys()
    for file, words in DAMAGED.items():
        assert words in str(damaged[file])

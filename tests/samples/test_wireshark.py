"""Wireshark sees the same certificates and OCSP messages in the samples, in the same frames and streams."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocsp_pcap.crosscheck import CrosscheckUnavailable, crosscheck
from ocsp_pcap.crosscheck.witness import find_tshark

from .cases import Sample, facts_of_all, samples

CAPTURES = [(case, capture) for case in samples() for capture in case.captures]


@pytest.mark.parametrize(
    ("case", "capture"), CAPTURES, ids=[f"{case.name}-{capture.stem}" for case, capture in CAPTURES]
)
def test_wireshark_sees_the_same(case: Sample, capture: Path) -> None:
    try:
        find_tshark()
    except CrosscheckUnavailable as unavailable:
        pytest.skip(str(unavailable))
    facts = facts_of_all(case)
    result = crosscheck(facts, capture, key_logs=case.key_logs)
    assert result.unexplained == ()
    whole = not any(fact.truncated_packets for fact in facts.captures)
    assert not whole or sum(count.both for count in result.counts) > 0

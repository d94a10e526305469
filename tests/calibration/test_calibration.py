"""Less evidence never turns an answer into another one that is called confirmed."""

from __future__ import annotations

import os

import pytest

from .calibrate import Whole, calibrate, wholes

NUMBER = 600
SEED = int(os.environ.get("OCSP_PCAP_SEED", "20260728"))
"""The same captures on each run, unless another seed is asked for."""


@pytest.fixture(scope="module")
def whole() -> list[Whole]:
    return wholes()


def test_damage_turns_no_answer_into_another_confirmed_one(whole: list[Whole]) -> None:
    count = calibrate(whole, SEED, NUMBER)
    print(
        f"seed {SEED}: {count.damaged} damaged, {count.confirmed_sightings} confirmed sightings, "
        f"{len(count.by_sighting)} turned; {count.confirmed} confirmed headlines, {len(count.by_headline)} "
        f"turned, {len(count.fewer)} that sum up fewer"
    )
    assert count.turned == []
    assert count.confirmed > NUMBER

"""What is confirmed of a capture under attack is true of it."""

from __future__ import annotations

import os

import pytest

from .attacks import ATTACKS, attack
from .calibrate import Whole, wholes

NUMBER = 15
"""Captures of each attack; many more by hand (``python -m tests.calibration --attack``)."""
SEED = int(os.environ.get("OCSP_PCAP_SEED", "20261129"))
"""The same captures on each run, unless another seed is asked for."""


@pytest.fixture(scope="module")
def whole() -> list[Whole]:
    return wholes()


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_untrue_is_confirmed_of_a_capture_under_attack(whole: list[Whole], name: str) -> None:
    count = attack(whole, SEED, NUMBER, name)
    assert count.turned == []
    assert count.confirmed_sightings > NUMBER

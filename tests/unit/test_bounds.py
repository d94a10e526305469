"""Bounds: one place, adjustable, and told where they are reached."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ocsp_pcap import bounds
from ocsp_pcap.bounds import BOUNDS, BoundError, Bounds


@pytest.fixture(autouse=True)
def _as_before() -> object:
    before = {each.name: getattr(BOUNDS, each.name) for each in fields(Bounds)}
    yield
    bounds.adjust(before)
    bounds.take_reached()


def test_a_bound_is_changed_and_its_change_known_to_other_processes() -> None:
    bounds.adjust(bounds.parse("certificates=256"))
    assert BOUNDS.certificates == 256
    assert bounds.adjusted() == {"certificates": 256}


@pytest.mark.parametrize(
    "text", ["certificates", "certificates=", "certificates=-1", "certificates=a", "=1" * 9]
)
def test_what_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(BoundError):
        bounds.adjust(bounds.parse(text))


def test_a_name_that_is_not_known_is_told_with_those_that_are() -> None:
    with pytest.raises(BoundError, match=r"no bound colour.*certificates"):
        bounds.adjust({"colour": 1})


def test_each_bound_has_a_reason() -> None:
    for name, value, what, why in bounds.table():
        assert value > 0, name
        assert what, name
        assert why, name


def test_a_reached_bound_is_told_once_as_this_programs() -> None:
    bounds.reached("certificates")
    bounds.reached("certificates", 2)
    (sentence,) = bounds.sentences(bounds.take_reached())
    assert sentence == (
        "a bound of this program was reached 3 times: at most 64 certificates of one handshake "
        "(--bound certificates=N changes it)"
    )
    assert not bounds.take_reached()

"""Verdicts and explanations that are begun, and made whole when more of them is asked for."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Explanation, Verdict

from .facts_factory import certificate, facts, handshake

SEEN = facts(shop := certificate(), handshake("shop.test", shop))


def _begun() -> Verdict:
    return explain(SEEN).verdicts[0]


def _values(verdict: Verdict) -> dict[str, object]:
    return {each.name: getattr(verdict, each.name) for each in fields(Verdict)}


def test_a_verdict_is_the_same_whatever_of_it_is_asked_for_first() -> None:
    whole = Verdict(**_values(_begun()))  # type: ignore[arg-type]
    assert whole.summary
    assert whole.sightings
    for name in _values(whole):
        begun = _begun()
        assert getattr(begun, name) == getattr(whole, name)
        assert begun == whole
        assert hash(begun) == hash(whole)


@pytest.mark.parametrize("copied", [replace, copy.copy, copy.deepcopy])
def test_a_copy_of_a_verdict_that_was_begun_is_whole(copied: Callable[[Verdict], Verdict]) -> None:
    assert copied(_begun()) == _begun()


def test_an_explanation_that_was_begun_can_be_stored_whole() -> None:
    explanation = explain(SEEN)
    again = pickle.loads(pickle.dumps(explanation))
    assert again == explanation
    assert again.timelines
    assert again.staples


def test_what_fails_while_the_rest_is_made_is_not_hidden() -> None:
    def rest(name: str) -> dict[str, object]:
        raise ZeroDivisionError(name)

    explanation = Explanation.begun(rest, captures=())
    assert explanation.captures == ()
    with pytest.raises(ZeroDivisionError, match="staples"):
        repr(explanation.staples)


def test_what_no_verdict_has_is_an_attribute_error() -> None:
    for verdict in (_begun(), replace(_begun())):
        with pytest.raises(AttributeError, match="nothing_of_the_kind"):
            verdict.nothing_of_the_kind  # type: ignore[attr-defined]  # noqa: B018

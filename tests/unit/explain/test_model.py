"""Verdicts and explanations that are begun, and made whole when more of them is asked for."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from ocsp_pcap.explain import engine
from ocsp_pcap.explain.case import Case
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
    def rest() -> dict[str, object]:
        raise ZeroDivisionError("staples")

    explanation = Explanation.begun(rest, captures=())
    assert explanation.captures == ()
    with pytest.raises(ZeroDivisionError, match="staples"):
        repr(explanation.staples)


def test_what_is_whole_keeps_nothing_of_what_it_was_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook may hold many explanations, and the case of each is larger than all it says."""
    cases: list[weakref.ref[Case]] = []

    def laid_out(*given: Any) -> Case:
        case = Case(*given)
        cases.append(weakref.ref(case))
        return case

    monkeypatch.setattr(engine, "Case", laid_out)
    explanation = explain(SEEN)
    assert repr(explanation) == repr(explain(SEEN))
    gc.collect()
    assert [case() for case in cases] == [None, None]


def test_what_no_verdict_has_is_an_attribute_error() -> None:
    for verdict in (_begun(), replace(_begun())):
        with pytest.raises(AttributeError, match="nothing_of_the_kind"):
            verdict.nothing_of_the_kind  # type: ignore[attr-defined]  # noqa: B018

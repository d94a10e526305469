"""Expectations of a case about an answer, and those that do not hold.

``cases.json`` is a list of objects with ``name``, ``why`` (what happened, and which rule of the field
decides) and ``args`` of ``explain``, or ``command``, a whole command line. What must hold: ``some`` (each
pattern fits a verdict), ``never`` (no verdict and no sighting fits the pattern), ``findings`` and
``absent_findings`` (codes), ``exit`` (statuses), ``seconds`` (CPU) and ``mb`` (peak of memory) of the run,
``has`` and ``lacks`` (texts in what was printed). ``open`` marks a wish.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tests.cli.program import Result

Json = Mapping[str, Any]


def complaints(case: Json, result: Result) -> list[str]:
    """Return a sentence for everything that the case asks for and the answer does not hold."""
    wrong: list[str] = []
    if result.status not in case.get("exit", [0]):
        wrong.append(f"exit status {result.status}: {result.err.strip()[:200]}")
    printed = result.out + result.err
    wrong += [f"does not say {text!r}" for text in case.get("has", ()) if text not in printed]
    wrong += [f"says {text!r}" for text in case.get("lacks", ()) if text in printed]
    if "command" in case or (wrong and not result.out):
        return wrong
    if case.get("exit", [0]) != [0] and not result.out:
        return wrong
    answer: Json = json.loads(result.out)
    wrong += _verdicts(case, answer["verdicts"])
    raised = {finding["code"] for finding in answer["findings"]}
    wrong += [f"finding {code} is missing" for code in case.get("findings", ()) if code not in raised]
    wrong += [f"finding {code} is raised" for code in case.get("absent_findings", ()) if code in raised]
    return wrong


def _verdicts(case: Json, verdicts: Iterable[Json]) -> Iterator[str]:
    verdicts = list(verdicts)
    for pattern in case.get("some", ()):
        if not any(_fits(pattern, verdict) for verdict in verdicts):
            yield f"no verdict is {pattern}; there are {[_brief(verdict) for verdict in verdicts]}"
    for pattern in case.get("never", ()):
        for verdict in verdicts:
            if any(_fits(pattern, claim) for claim in (verdict, *_sightings(verdict))):
                yield f"{_brief(verdict)} is what {pattern} forbids"


def _sightings(verdict: Json) -> Iterator[Json]:
    """Yield the verdict as each of its sightings alone would have it."""
    for sighting in verdict["sightings"]:
        yield {**verdict, **{key: sighting[key] for key in ("presence", "cause", "confidence")}}


def _fits(pattern: Json, verdict: Json) -> bool:
    return all(_is(key, wanted, verdict) for key, wanted in pattern.items())


def _is(key: str, wanted: str | list[str] | None, verdict: Json) -> bool:
    """Tell whether a value is one of those wanted; hosts are globs."""
    choices = wanted if isinstance(wanted, list) else [wanted]
    if key == "host":
        return any(fnmatchcase(verdict["host"] or "", str(choice)) for choice in choices)
    if key == "validator":
        return verdict["validator"]["address"] in choices
    value = verdict["validator"]["role"] if key == "role" else verdict.get(key)
    return value in choices


def _brief(verdict: Json) -> str:
    values = [verdict["validator"]["role"], verdict["host"]]
    values += [verdict[key] for key in ("presence", "cause", "status", "confidence")]
    return "/".join(str(value) for value in values)

"""Explanations as JSON: the contract between this program and others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ocsp_pcap.facts.codec import to_json
from ocsp_pcap.facts.json import dumps

if TYPE_CHECKING:
    from ocsp_pcap.explain.model import Explanation, Verdict

_SIGHTING_KEYS: Final = ("capture", "stream", "frame", "time", "presence", "cause", "confidence", "evidence")


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as the JSON object of the contract (schema "ocsp-pcap/1").

    Notes about the run are warnings and go to standard error, not into this object.
    """
    from ocsp_pcap.explain.model import SCHEMA

    return {"schema": SCHEMA, "headline": explanation.headline} | {
        key: list(items) for key, items in _lists(explanation)
    }


def explanation_to_text(explanation: Explanation) -> Iterator[str]:
    """Yield the text of :func:`explanation_to_json`, indented by 2, in pieces.

    A verdict is made into JSON when its turn comes: the objects and text of all at once take several times
    what the explanation itself does.
    """
    from ocsp_pcap.explain.model import SCHEMA

    yield f'{{\n  "schema": {dumps(SCHEMA)},\n  "headline": {dumps(explanation.headline)}'
    for key, items in _lists(explanation):
        yield f",\n  {dumps(key)}: ["
        before = "\n    "
        for item in items:
            # A line end within a string is escaped: every one in the text is of the layout.
            yield before + dumps(item, indent=2).replace("\n", "\n    ")
            before = ",\n    "
        yield "]" if before == "\n    " else "\n  ]"
    yield "\n}\n"


def _lists(explanation: Explanation) -> Iterator[tuple[str, Iterable[dict[str, Any]]]]:
    """Yield the lists of the contract in its order, their objects made one by one."""
    yield "captures", map(to_json, explanation.captures)
    yield "chain", map(to_json, explanation.chains)
    yield "verdicts", map(_contract_verdict, explanation.verdicts)
    yield "findings", map(to_json, explanation.findings)
    yield "unmatched_exchanges", map(to_json, explanation.unmatched_exchanges)


def _contract_verdict(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict, its sightings as the contract has them."""
    value = to_json(verdict)
    value["sightings"] = [_contract_sighting(sighting) for sighting in value["sightings"]]
    return value


def _contract_sighting(sighting: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of a sighting that the contract names."""
    return {key: sighting[key] for key in _SIGHTING_KEYS}

"""Explanations as JSON: the contract between this program and others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ocsp_pcap.facts.codec import to_json
from ocsp_pcap.facts.json import dumps, safe_json
from ocsp_pcap.facts.lines import indented

if TYPE_CHECKING:
    from ocsp_pcap.explain.model import Explanation

_SIGHTING_KEYS: Final = ("capture", "stream", "frame", "time", "presence", "cause", "confidence", "evidence")


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as the JSON object of the contract (schema "ocsp-pcap/1").

    Notes about the run are warnings and go to standard error, not into this object.
    """
    from ocsp_pcap.explain.model import SCHEMA

    found: dict[str, Any] = {"schema": SCHEMA, "headline": explanation.headline}
    for key, items in _lists(explanation):
        found[key] = list(map(to_json, items))
    for verdict in found["verdicts"]:
        verdict["sightings"] = [
            {key: sighting[key] for key in _SIGHTING_KEYS} for sighting in verdict["sightings"]
        ]
    return found


def explanation_to_text(explanation: Explanation) -> Iterator[str]:
    """Yield the text of :func:`explanation_to_json`, indented by 2, in pieces.

    A verdict is made into JSON when its turn comes: the text of all at once takes several times what the
    explanation itself does.
    """
    from ocsp_pcap.explain.model import SCHEMA, Sighting

    only = ((Sighting, _SIGHTING_KEYS),)
    yield f'{{\n  "schema": {dumps(SCHEMA)},\n  "headline": {dumps(explanation.headline)}'
    for key, items in _lists(explanation):
        yield f",\n  {dumps(key)}: ["
        before = "\n    "
        for item in items:
            yield before + safe_json(indented(item, "    ", only))
            before = ",\n    "
        yield "]" if before == "\n    " else "\n  ]"
    yield "\n}\n"


def _lists(explanation: Explanation) -> Iterator[tuple[str, Iterable[Any]]]:
    """Yield the lists of the contract in its order."""
    yield "captures", explanation.captures
    yield "chain", explanation.chains
    yield "verdicts", explanation.verdicts
    yield "findings", explanation.findings
    yield "unmatched_exchanges", explanation.unmatched_exchanges

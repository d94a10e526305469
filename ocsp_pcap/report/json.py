"""Explanations as JSON: the contract between this program and others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ocsp_pcap.facts.json import dumps, safe_json
from ocsp_pcap.facts.lines import indented

if TYPE_CHECKING:
    from ocsp_pcap.explain.model import Explanation

SIGHTING_KEYS: Final = ("capture", "stream", "frame", "time", "presence", "cause", "confidence", "evidence")


def explanation_to_text(explanation: Explanation) -> Iterator[str]:
    """Yield the JSON object of the contract (schema "ocsp-pcap/1"), indented by 2, in pieces.

    Notes about the run are warnings and go to standard error, not into this object, but for bounds that were
    reached (``bounds_reached``, only where one was): they say what the object lacks. A verdict is made into
    JSON when its turn comes: the text of all at once takes several times what the explanation itself does.
    """
    from ocsp_pcap.explain.model import SCHEMA, Sighting

    only = ((Sighting, SIGHTING_KEYS),)
    yield f'{{\n  "schema": {dumps(SCHEMA)},\n  "headline": {dumps(explanation.headline)}'
    lists: dict[str, Iterable[Any]] = {
        "captures": explanation.captures,
        "chain": explanation.chains,
        "verdicts": explanation.verdicts,
        "findings": explanation.findings,
        "unmatched_exchanges": explanation.unmatched_exchanges,
    }
    for key, items in lists.items():
        yield f",\n  {dumps(key)}: ["
        before = "\n    "
        for item in items:
            yield before + safe_json(indented(item, "    ", only))
            before = ",\n    "
        yield "]" if before == "\n    " else "\n  ]"
    if explanation.bounds_reached:
        sentences = ",\n    ".join(map(dumps, explanation.bounds_reached))
        yield f',\n  "bounds_reached": [\n    {sentences}\n  ]'
    yield "\n}\n"

"""Explanations as JSON: the contract between this program and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ocsp_pcap.facts.codec import to_json

if TYPE_CHECKING:
    from ocsp_pcap.explain.model import Explanation

_SIGHTING_KEYS: Final = ("capture", "stream", "frame", "time", "presence", "cause", "confidence", "evidence")


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as the JSON object of the contract (schema "ocsp-pcap/1").

    Notes about the run are warnings and go to standard error, not into this object.
    """
    from ocsp_pcap.explain.model import SCHEMA

    whole = to_json(explanation)
    return {
        "schema": SCHEMA,
        "headline": whole["headline"],
        "captures": whole["captures"],
        "chain": whole["chains"],
        "verdicts": [
            verdict | {"sightings": [_contract_sighting(sighting) for sighting in verdict["sightings"]]}
            for verdict in whole["verdicts"]
        ],
        "findings": whole["findings"],
        "unmatched_exchanges": whole["unmatched_exchanges"],
    }


def _contract_sighting(sighting: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of a sighting that the contract names."""
    return {key: sighting[key] for key in _SIGHTING_KEYS}

"""The program without its command line: captures to facts, facts to an explanation.

>>> from ocsp_pcap.api import read_facts, explain
>>> facts = read_facts(["samples/direct/capture.pcap"])
>>> explain(facts).verdicts[0].cause
'queried'
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocsp_pcap.explain.case import Context
    from ocsp_pcap.explain.engine import explain
    from ocsp_pcap.explain.forecast import forecast
    from ocsp_pcap.explain.forecast_model import Forecast
    from ocsp_pcap.explain.model import Explanation
    from ocsp_pcap.facts import Facts

__all__ = ["Context", "Explanation", "Facts", "Forecast", "ReadOptions", "explain", "forecast", "read_facts"]

_HOMES = {
    "Context": "ocsp_pcap.explain.case",
    "Explanation": "ocsp_pcap.explain.model",
    "Facts": "ocsp_pcap.facts",
    "Forecast": "ocsp_pcap.explain.forecast_model",
    "explain": "ocsp_pcap.explain.engine",
    "forecast": "ocsp_pcap.explain.forecast",
}


def __getattr__(name: str) -> Any:
    """Load what only some callers need when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What reading captures needs beyond the captures."""

    key_logs: Sequence[Path] = ()
    """NSS key log files."""
    rsa_keys: Sequence[Path] = ()
    """Private keys (PEM or DER) of servers, for RSA key exchange."""
    authorities: Sequence[bytes] = ()
    """DER of CA certificates that are known from elsewhere, such as a site file's interception CA."""
    warn: Callable[[str], None] = field(default=lambda _: None)
    """Takes each sentence about an input that could not be read."""
    advise: Callable[[str], None] = field(default=lambda _: None)
    """Takes each sentence about keys that opened nothing."""
    jobs: int = 1
    """Captures that are read side by side, each in a process of its own."""


def read_facts(captures: Sequence[str | Path], options: ReadOptions | None = None) -> Facts:
    """Read captures (files, directories, globs, ``-`` for standard input) into facts.

    An input that cannot be read is told through ``options.warn`` and left out.

    Raises:
        CaptureError: none of the inputs could be read.
        KeySourceError: a key log or private key cannot be read.
    """
    from ocsp_pcap.capture import CaptureError, CaptureSource, expand
    from ocsp_pcap.observe.assemble import FactAssembler
    from ocsp_pcap.observe.keys import key_use_notes, load_keys
    from ocsp_pcap.observe.run import observe_all
    from ocsp_pcap.observe.tools import Tools

    options = options or ReadOptions()
    tools = Tools()
    for der in options.authorities:
        tools.store.add(der)
    load_keys(tools, options.key_logs, options.rsa_keys)
    sources: dict[str, CaptureSource] = {}
    failures: list[CaptureError] = []
    for argument in captures:
        try:
            for source in expand([str(argument)]):
                sources.setdefault(source.identity, source)
        except CaptureError as error:
            failures.append(error)
    observations = observe_all(sources.values(), tools, failures.append, options.jobs)
    if failures and not observations:
        raise failures[0] if len(failures) == 1 else CaptureError("\n".join(str(e) for e in failures))
    for failure in failures:
        options.warn(str(failure))
    found = FactAssembler(tools).facts(observations)
    notes = tuple(key_use_notes(tools, found))
    for note in notes:
        if note.useless:
            options.advise(note.sentence)
    if not notes or not found.captures:
        return found
    # They are about the run; the first capture is the place where each stands once.
    first, *others = found.captures
    first = replace(first, notes=(*first.notes, *(note.sentence for note in notes)))
    return replace(found, captures=(first, *others))

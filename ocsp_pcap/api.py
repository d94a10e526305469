"""The program without its command line: captures to facts, facts to an explanation.

>>> from ocsp_pcap.api import read_facts, explain
>>> facts = read_facts(["samples/direct/capture.pcap"])
>>> explain(facts).verdicts[0].cause
'stapled'
"""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocsp_pcap.capture import CaptureError
    from ocsp_pcap.capture.rotation import Rotation
    from ocsp_pcap.explain.case import Context
    from ocsp_pcap.explain.engine import explain
    from ocsp_pcap.explain.forecast import forecast
    from ocsp_pcap.explain.forecast_model import Forecast
    from ocsp_pcap.explain.model import Explanation
    from ocsp_pcap.explain.site import ProxyRole
    from ocsp_pcap.facts import CaptureFact, Facts
    from ocsp_pcap.observe.watch import Watch
    from ocsp_pcap.parallel.workers import Workers

__all__ = ["Context", "Explanation", "Facts", "Forecast", "ReadOptions", "explain", "forecast", "read_facts"]

TWO_ROLES = "{} is given both as --child and as --parent; a capture of both sides is given without either"
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


def __dir__() -> list[str]:
    """Return all names, those that are loaded late, too."""
    return sorted({*globals(), *_HOMES})


@dataclass(frozen=True, slots=True, eq=False)
class ReadOptions:
    """Options of reading captures."""

    key_logs: Sequence[Path] = ()
    """NSS key log files."""
    rsa_keys: Sequence[Path] = ()
    """Private keys (PEM or DER) of servers, for RSA key exchange."""
    authorities: Sequence[bytes] = ()
    """DER of CA certificates that are known from elsewhere, such as a site file's interception CA."""
    hosts: Sequence[str] = ()
    """Names and addresses whose lookups and connections matter besides those that certificates name, such as
    the forwarding hosts of a site file."""
    warn: Callable[[str], None] = field(default=lambda _: None)
    """Takes each sentence about an input that could not be read."""
    advise: Callable[[str], None] = field(default=lambda _: None)
    """Takes each sentence about keys that opened nothing."""
    jobs: int = 1
    """Processes that read files side by side."""
    cluster: str | None = None
    """Address of the scheduler of a Dask cluster that reads them instead, such as ``tcp://scheduler:8786``."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """What is known of captures by name; those of different roles are never files of one rotated set."""
    rotation: Rotation = "auto"
    """Whether captures are files of rotated sets: inferred from names and times; all are; none is."""
    watch: Watch | None = None
    """Hears how far reading is, and may end it."""
    held: bool = True
    """Each fact is made once and held, and not each time that somebody goes through the facts, which takes
    less memory."""
    stored: Callable[[str, Sequence[str]], None] = field(default=lambda _, __: None)
    """Takes each argument that stands for stored facts, with the names that their captures have."""


def read_facts(captures: str | Path | Sequence[str | Path], options: ReadOptions | None = None) -> Facts:
    """Read captures (files, directories, globs, ``-`` for standard input) into facts; one may stand alone.

    Facts that were stored, as tables in a directory or as JSON lines in a file, may stand among them:
    they are taken as they were written, and merged with the others (:mod:`ocsp_pcap.tables.merge`).
    An input that cannot be read is reported through ``options.warn`` and left out.

    Raises:
        CaptureError: none of the inputs could be read.
        KeySourceError: a key log or private key cannot be read.
        ClusterError: the cluster cannot be used, or went away.
        ValueError: both jobs and a cluster are asked for.
    """
    from ocsp_pcap.capture import CaptureError
    from ocsp_pcap.facts import Facts
    from ocsp_pcap.tables import take_stored

    options = options or ReadOptions()
    if isinstance(captures, str | Path):
        captures = [captures]
    if options.cluster is not None and options.jobs > 1:
        raise ValueError("files are read by processes of this machine or by a cluster, not by both")
    stored = take_stored(str(argument) for argument in captures)
    failures = [CaptureError(str(failure)) for failure in stored.failures]
    found = _read_captures(stored.captures, options, failures)
    if failures and found is None and not stored:
        raise failures[0] if len(failures) == 1 else CaptureError("\n".join(str(e) for e in failures))
    for failure in failures:
        options.warn(str(failure))
    if not stored:
        return found or Facts()
    facts, names = stored.together(found)
    for argument, called in names.items():
        options.stored(argument, called)
    _advise_for_stored(facts, found, options)
    return facts


def roles_of_captures(given: Mapping[ProxyRole, Iterable[str]]) -> dict[str, ProxyRole]:
    """Return the proxy whose outer side each capture shows, by the name that its facts will have.

    ``given``: the arguments for each proxy, as for :func:`read_facts`. Raises ValueError where a capture is
    given for both.
    """
    from ocsp_pcap.capture import CaptureError, expand

    by_file: dict[str, ProxyRole] = {}
    by_name: dict[str, ProxyRole] = {}
    for role, argument in ((role, argument) for role, arguments in given.items() for argument in arguments):
        try:
            sources = expand([argument])
        except CaptureError:
            # Reading it will tell, and goes on with the other captures.
            continue
        for source in sources:
            if by_file.setdefault(source.identity, role) != role:
                raise ValueError(TWO_ROLES.format(source.name))
            by_name[source.name] = role
    return by_name


def with_roles_of_sets(
    roles: Mapping[str, ProxyRole], captures: Iterable[CaptureFact]
) -> dict[str, ProxyRole]:
    """Add the proxy whose outer side each rotated set shows: that of its files; and what evidence says."""
    known = dict(roles)
    for capture in captures:
        for file in capture.files:
            if file.path in known:
                known[capture.path] = known[file.path]
        if capture.role is not None:
            known.setdefault(capture.path, capture.role)
    return known


def _advise_for_stored(facts: Facts, found: Facts | None, options: ReadOptions) -> None:
    """Say what can no longer be done for facts that were stored without it."""
    if found is None and (options.key_logs or options.rsa_keys):
        options.advise("keys open nothing in stored facts; give them when the facts are written")
    if {sha256(der).hexdigest() for der in options.authorities} - facts.certificates.keys():
        options.advise(
            "the site file's CA was not at hand when the facts were written, so what it signed is not known; "
            "give the site file then, too"
        )


def _read_captures(
    captures: Sequence[str], options: ReadOptions, failures: list[CaptureError]
) -> Facts | None:
    """Read captures into facts, and add to ``failures`` those that cannot be read; None: not one could be."""
    if not (captures or options.key_logs or options.rsa_keys):
        return None
    from ocsp_pcap.capture import CaptureError, CaptureSource, expand
    from ocsp_pcap.observe.assemble import FactAssembler
    from ocsp_pcap.observe.keys import key_use_notes, load_keys
    from ocsp_pcap.observe.watch import Watch
    from ocsp_pcap.read_captures import RunOptions, read_captures
    from ocsp_pcap.spoken.shared import Shared

    shared = Shared()
    for der in options.authorities:
        shared.store.add(der)
    load_keys(shared, options.key_logs, options.rsa_keys)
    sources: dict[str, CaptureSource] = {}
    for argument in captures:
        try:
            for source in expand([argument]):
                sources.setdefault(source.identity, source)
        except CaptureError as error:
            failures.append(error)
    run = RunOptions(
        failures.append,
        options.roles,
        options.rotation,
        options.watch or Watch(),
        _workers(options),
    )
    observations = read_captures(sources.values(), shared, run)
    if not observations:
        return None
    with _no_collection():
        found = FactAssembler(shared, options.hosts).facts(observations)
        if options.held:
            found = found.held()
    notes = tuple(key_use_notes(shared, found))
    for note in notes:
        if note.useless:
            options.advise(note.sentence)
    if not notes or not found.captures:
        return found
    # What is about no single capture stands once, at the first.
    first = found.captures[0].path
    of_capture = {
        fact.path: tuple(note.sentence for note in notes if (note.capture or first) == fact.path)
        for fact in found.captures
    }
    noted = (replace(fact, notes=(*fact.notes, *of_capture[fact.path])) for fact in found.captures)
    return replace(found, captures=tuple(noted))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Leave the cyclic garbage collector out: facts hold no cycles, and it would walk through all of them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _workers(options: ReadOptions) -> Callable[[], AbstractContextManager[Workers]] | None:
    if options.cluster is not None:
        from ocsp_pcap.parallel.cluster import cluster

        if options.key_logs or options.rsa_keys:
            options.advise(
                "keys are given: captures are read here, one after the other, and not by the cluster"
            )
        return partial(cluster, options.cluster)
    if options.jobs > 1:
        from ocsp_pcap.parallel.processes import processes

        return partial(processes, options.jobs)
    return None

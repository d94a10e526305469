"""Facts of several sources as those of one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Final

from ocsp_pcap.facts import CaptureFact, CertificateFact, Facts
from ocsp_pcap.facts.model import FIELDS, collected

_CERTIFICATE: Final = CertificateFact.kind
_BY_CAPTURE: Final = tuple(
    name for kind, name in FIELDS.items() if kind not in (CaptureFact.kind, _CERTIFICATE)
)
"""The fields of Facts with what was seen in one capture each."""


def by_kind(facts: Facts) -> dict[str, Sequence[Any]]:
    """Return the facts of each kind, in order."""
    return {
        kind: tuple(facts.certificates.values()) if kind == _CERTIFICATE else getattr(facts, name)
        for kind, name in FIELDS.items()
    }


def strangers(facts: Facts) -> Iterator[str]:
    """Yield the name of each capture that a fact names and that is none of the captures."""
    known = {capture.path for capture in facts.captures}
    for name in _BY_CAPTURE:
        yield from dict.fromkeys(fact.capture for fact in getattr(facts, name) if fact.capture not in known)


def better(first: CertificateFact, second: CertificateFact) -> CertificateFact:
    """Return what two facts about one certificate know together.

    They differ in what the captures of their runs held besides: the issuer's certificate, and CertIDs
    with other hash algorithms. The first counts, but for these.
    """
    return replace(
        first,
        issuer_sha256=first.issuer_sha256 or second.issuer_sha256,
        issuer_name_hashes=_union(first.issuer_name_hashes, second.issuer_name_hashes),
        issuer_key_hashes=_union(first.issuer_key_hashes, second.issuer_key_hashes),
    )


def merged(sources: Sequence[Facts], own: int = 0) -> tuple[Facts, list[dict[str, str]]]:
    """Return facts of several runs as those of one, and for each run what its captures are called there.

    Captures stand in order, certificates once (:func:`better`). A capture that several sources know, by
    its path, number of packets, times and size, counts once, as the first of them has it. Another one
    of the same path is called ``path#2``; the captures of the source number ``own`` keep their names.
    What captures of different runs tell about each other, such as the issuer of a certificate, is not
    found anew.
    """
    known: dict[str, CaptureFact] = {}
    parts: list[Facts] = list(sources)
    called: list[dict[str, str]] = [{} for _ in sources]
    for number in sorted(range(len(parts)), key=lambda number: number != own):
        source = parts[number]
        names = {capture.path: _name(capture, known) for capture in source.captures}
        fresh = {path: name for path, name in names.items() if name not in known}
        known |= {fresh[capture.path]: capture for capture in source.captures if capture.path in fresh}
        parts[number] = renamed(source, fresh)
        called[number] = names
    return parts[0] if len(parts) == 1 else collected(
        (fact for part in parts for fact in part), better
    ), called


def _name(capture: CaptureFact, known: dict[str, CaptureFact]) -> str:
    """Return the name of the same capture, or one that is free."""
    for number in count(1):
        name = capture.path if number == 1 else f"{capture.path}#{number}"
        if name not in known or _identity(known[name]) == _identity(capture):
            return name
    raise AssertionError


def _identity(capture: CaptureFact) -> tuple[object, ...]:
    return capture.packets, capture.first_time, capture.last_time, capture.size, capture.link_types


def renamed(facts: Facts, fresh: dict[str, str]) -> Facts:
    """Return facts with the new names of their captures, without the captures that have none."""
    if all(fresh.get(capture.path) == capture.path for capture in facts.captures):
        return facts
    kinds: dict[str, tuple[Any, ...]] = {
        name: tuple(
            replace(fact, capture=fresh[fact.capture])
            for fact in getattr(facts, name)
            if fact.capture in fresh
        )
        for name in _BY_CAPTURE
    }
    captures = tuple(replace(c, path=fresh[c.path]) for c in facts.captures if c.path in fresh)
    return Facts(captures=captures, certificates=facts.certificates, **kinds)


def _union(
    first: tuple[tuple[str, str], ...], second: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    return tuple((dict(first) | {key: value for key, value in second if key not in dict(first)}).items())

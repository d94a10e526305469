"""Command-line arguments that name facts, not captures: tables, or a file of JSON lines."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from ocsp_pcap.capture import CaptureError, CaptureSource, expand, open_capture
from ocsp_pcap.capture.expand import identity_of, is_url, source_named
from ocsp_pcap.capture.source import read_head, stream_damage
from ocsp_pcap.facts import CaptureFact, Facts
from ocsp_pcap.tables.errors import TablesError

_JSON_LINES: Final = b'{"kind"'
"""How the first line of stored facts begins, as the program writes it."""


def is_stored(argument: str) -> bool:
    """Tell whether an argument names facts: tables in a directory, or JSON lines in a file; URLs, too."""
    try:
        if _is_directory_of_tables(argument):
            return True
        if not is_url(argument) and not Path(argument).is_file():
            return False
        with source_named(argument).open() as stream:
            return read_head(stream).startswith(_JSON_LINES)
    except (OSError, ValueError, CaptureError):
        # Reading it as a capture tells what is wrong.
        return False


def _is_directory_of_tables(argument: str) -> bool:
    if not is_url(argument) and not Path(argument).is_dir():
        return False
    # Captures are mostly files, and go without what follows.
    from ocsp_pcap.facts.plan import KINDS

    if not is_url(argument):
        from ocsp_pcap.tables.storage import storage

        return any(storage(argument).parts(kind) for kind in KINDS)
    from ocsp_pcap.capture.remote import entries

    return not set(KINDS).isdisjoint(entries(argument) or ())


def stored_facts(argument: str) -> Facts | None:
    """Read stored facts; None where the argument names something else, such as a capture.

    Raises:
        TablesError: they cannot be read.
    """
    if not is_stored(argument):
        return None
    if _is_directory_of_tables(argument):
        from ocsp_pcap.tables.read import read_tables

        facts = read_tables(argument)
    else:
        facts = _json_lines(argument)
    from ocsp_pcap.tables.merge import strangers

    for stranger in strangers(facts):
        raise TablesError(f"{argument}: holds facts of a capture of which it knows nothing: {stranger[:80]}")
    return facts


def _json_lines(argument: str) -> Facts:
    from ocsp_pcap.facts.json import FactsError, facts_from_jsonl

    try:
        stream = source_named(argument).open()
        with io.BufferedReader(cast("io.RawIOBase", stream)) as lines:
            facts = facts_from_jsonl(lines)
            damage = stream_damage(stream)
    except (FactsError, OSError, CaptureError) as error:
        raise TablesError(f"{argument}: {error}") from error
    if damage:
        raise TablesError(f"{argument}: {damage}")
    return facts


@dataclass(slots=True, eq=False, repr=False)
class StoredInputs:
    """The facts among the arguments of a command, and the captures that are still to be read."""

    captures: list[str] = field(default_factory=list)
    """Arguments that name no facts, and nothing that the facts hold already."""
    failures: list[TablesError] = field(default_factory=list)
    _parts: dict[str, Facts] = field(default_factory=dict)
    _before: int = 0
    """How many of the parts stand before the first capture."""
    _aliases: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Arguments that name a capture of a part: the part's argument and the capture's path there."""

    def __bool__(self) -> bool:
        """Tell whether there are facts."""
        return bool(self._parts)

    def together(self, found: Facts | None) -> tuple[Facts, dict[str, tuple[str, ...]]]:
        """Return all facts, and for each argument that names facts what its captures are called there.

        ``found`` is what the captures showed. They stand where the first of them was named, and keep
        their names where facts have other captures of the same name.
        """
        from ocsp_pcap.tables.merge import merged

        sources = list(self._parts.values())
        if found is None:
            facts, names = merged(sources)
        else:
            sources.insert(self._before, found)
            facts, names = merged(sources, own=self._before)
            del names[self._before]
        called = dict(zip(self._parts, names, strict=True))
        by_argument = {argument: tuple(paths.values()) for argument, paths in called.items()}
        for argument, (part, path) in self._aliases.items():
            by_argument[argument] = (called[part][path],)
        return facts, by_argument


def take_stored(arguments: Iterable[str]) -> StoredInputs:
    """Read the facts among arguments.

    A capture that the facts know by its path is not read again, if its file is gone or as it was:
    naming it says of which capture an option such as ``--child`` speaks.
    """
    inputs = StoredInputs()
    others: list[tuple[int, str]] = []
    for argument in dict.fromkeys(arguments):
        try:
            facts = stored_facts(argument)
        except TablesError as error:
            inputs.failures.append(error)
            continue
        if facts is None:
            others.append((len(inputs._parts), argument))
        else:
            inputs._parts[argument] = facts
    for before, argument in others:
        alias = _alias(argument, inputs._parts)
        if alias is not None:
            inputs._aliases[argument] = alias
            continue
        if not inputs.captures:
            inputs._before = before
        inputs.captures.append(argument)
    return inputs


def _alias(argument: str, parts: dict[str, Facts]) -> tuple[str, str] | None:
    """Return the part and the path there of the capture that an argument names."""
    if argument == "-":
        return None
    identity = identity_of(argument)
    for part, facts in parts.items():
        for capture in facts.captures:
            same_name = argument == capture.path or identity == _identity(capture.path)
            if same_name and _is_unchanged(argument, capture):
                return part, capture.path
    return None


def _is_unchanged(argument: str, capture: CaptureFact) -> bool:
    """Tell whether the files of a capture are gone, or have the size and the first packet that it had."""
    paths = [file.path for file in capture.files] or [argument]
    try:
        sources = expand([argument])
    except CaptureError:
        return not any(os.path.lexists(path) for path in paths)
    if {source.identity for source in sources} != {_identity(path) for path in paths}:
        return False
    return sum(source.size or 0 for source in sources) == capture.size and _begins_in(sources[0], capture)


def _identity(path: str) -> str:
    """Return what is equal for all names of one file, of a name in facts: a URL there is not connected to."""
    return path if is_url(path) else identity_of(path)


def _begins_in(source: CaptureSource, capture: CaptureFact) -> bool:
    """Tell whether the first packets of a file are of the time of a capture."""
    try:
        with open_capture(source) as reader:
            first = next((int(batch.time.min()) for batch in reader if len(batch)), None)
    except CaptureError:
        return False
    if first is None or capture.first_time is None or capture.last_time is None:
        return first is capture.first_time
    return capture.first_time <= first <= capture.last_time

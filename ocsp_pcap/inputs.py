"""Inputs that the command line names: captures, keys, what is known of the site; as facts and context."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ocsp_pcap.output import Failure, Interrupted, warn

if TYPE_CHECKING:
    from ocsp_pcap.capture.rotation import Rotation
    from ocsp_pcap.explain.case import Context
    from ocsp_pcap.explain.logs.model import LogEntry
    from ocsp_pcap.explain.site import ProxyRole, Site
    from ocsp_pcap.explain.trace_entry import TraceEntry
    from ocsp_pcap.facts import Facts


class HowToRead(NamedTuple):
    """The options that all commands which read captures share."""

    keylog: tuple[Path, ...] = ()
    rsa_key: tuple[Path, ...] = ()
    jobs: int = 1
    rotated: Rotation = "auto"
    cluster: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class CapturesRead:
    """Facts, and whether every input could be read."""

    facts: Facts
    complete: bool
    interrupted: bool = False
    """The user ended it: these are the facts found so far."""
    stored: dict[str, Sequence[str]] = field(default_factory=dict)
    """The names that captures have, for each argument that stands for stored facts."""
    roles: Mapping[str, ProxyRole] = field(default_factory=dict)
    """The proxy whose outer side each capture shows, by the capture's path."""


def input_files(options: Mapping[str, Any]) -> list[Path]:
    """Return the files that options name: all values but globs of host names and standard input."""
    how: HowToRead = options["how"]
    inputs = [*how.keylog, *how.rsa_key]
    for name in ("captures", "child", "parent", "policy_trace", "log"):
        inputs += [Path(item) for item in options.get(name) or () if item != "-"]
    return [*inputs, *site_files(options.get("site") or ())]


def site_files(arguments: Iterable[str]) -> list[Path]:
    """Return the files that ``--site`` names, some of them as ``child=FILE``."""
    if not arguments:
        return []
    from ocsp_pcap.explain.site.read import file_of

    return [file_of(argument)[1] for argument in arguments]


def refuse_pipes(options: Mapping[str, Any]) -> None:
    """Raise Failure for a capture that can be read only once, where it has to be read again."""
    for name in ("captures", "child", "parent"):
        for argument in options.get(name, ()):
            path = Path(argument)
            if argument == "-" or (path.exists() and not (path.is_file() or path.is_dir())):
                raise Failure(f"{argument}: can be read only once; store it in a file first")


def refuse_stored(captures: Sequence[str]) -> None:
    """Raise Failure for stored facts where packets are needed."""
    from ocsp_pcap.tables import is_stored

    for argument in captures:
        if is_stored(argument):
            raise Failure(f"{argument}: holds facts, and not the packets that are needed; give the captures")


def refuse_urls(captures: Sequence[str]) -> None:
    """Raise Failure for a URL where only a file of this machine will do."""
    from ocsp_pcap.capture.expand import is_url

    for argument in captures:
        if is_url(argument):
            raise Failure(f"{argument}: only a file of this machine will do here; name it by its path")


def refuse_unnamed(captures: Iterable[str], options: Mapping[str, Any]) -> None:
    """Raise Failure for a capture that stored facts name and the command line does not.

    Facts may come from anywhere: nothing is opened because they name it.
    """
    from ocsp_pcap.capture import CaptureError, expand
    from ocsp_pcap.tables import is_stored

    named: set[str] = set()
    for argument in (each for name in ("captures", "child", "parent") for each in options.get(name, ())):
        if not is_stored(argument):
            with suppress(CaptureError):
                named.update(name for source in expand([argument]) for name in (source.name, source.identity))
    for capture in captures:
        if capture not in named and ("://" in capture or os.path.realpath(capture) not in named):
            raise Failure(
                f"{capture}: the facts were read from this capture, and evidence needs its packets: name it "
                "beside the facts"
            )


def read_case(
    captures: tuple[str, ...],
    child: tuple[str, ...],
    parent: tuple[str, ...],
    site: tuple[str, ...],
    policy_trace: tuple[Path, ...],
    log: tuple[Path, ...],
    how: HowToRead,
    zone: str | None = None,
) -> tuple[Context, CapturesRead]:
    """Read what was seen, and what the user gave besides.

    Raises:
        Failure: no capture could be read, or another file cannot be used.
        click.UsageError: no capture is named.
    """
    from ocsp_pcap.api import with_roles_of_sets

    if not (captures or child or parent):
        raise click.UsageError("Give a capture, or --child and --parent captures.")
    context, authorities = _context(child, parent, site, policy_trace, log)
    if zone is not None:
        context = _in_zone(context, zone)
    # A file that is named twice goes by its first name, which is to be the one with a role.
    reading = read_captures(
        (*child, *parent, *captures), how, authorities, context.capture_roles, context.site.hosts
    )
    context = _with_stored_roles(context, child, parent, reading.stored)
    roles = with_roles_of_sets(context.capture_roles, reading.facts.captures)
    context = replace(context, capture_roles=roles)
    return context, replace(reading, roles=context.capture_roles)


def _context(
    child: tuple[str, ...],
    parent: tuple[str, ...],
    site: tuple[str, ...],
    traces: tuple[Path, ...],
    logs: tuple[Path, ...],
) -> tuple[Context, list[bytes]]:
    from ocsp_pcap.api import roles_of_captures
    from ocsp_pcap.bounds import counted, sentences
    from ocsp_pcap.explain.case import Context

    try:
        roles = roles_of_captures({"child": child, "parent": parent})
    except ValueError as error:
        raise Failure(str(error)) from error
    with counted() as reached:
        known = known_site(site)
        entries, written = _trace_entries(traces), _log_entries(logs)
    return Context(known, roles, entries, written, tuple(sentences(reached))), _authorities(known)


def _in_zone(context: Context, name: str) -> Context:
    """Read in a zone what logs and traces say in local time."""
    from ocsp_pcap.explain.zones import ZoneError, in_zone, zone_named

    try:
        zone = zone_named(name)
    except ZoneError as error:
        raise click.BadParameter(str(error), param_hint="--zone") from error
    return replace(context, trace=in_zone(context.trace, zone), logs=in_zone(context.logs, zone))


def _trace_entries(paths: tuple[Path, ...]) -> tuple[TraceEntry, ...]:
    if not paths:
        return ()
    from ocsp_pcap.explain.trace import TraceError, load_trace

    try:
        return tuple(entry for path in paths for entry in load_trace(path))
    except TraceError as error:
        raise Failure(str(error)) from error


def _log_entries(paths: tuple[Path, ...]) -> tuple[LogEntry, ...]:
    if not paths:
        return ()
    from ocsp_pcap.explain.logs.model import LogError
    from ocsp_pcap.explain.logs.read import load_log

    found: list[LogEntry] = []
    for path in paths:
        try:
            entries = load_log(path)
        except LogError as error:
            raise Failure(str(error)) from error
        if not entries:
            warn(f"{path}: holds no line about TLS connections or OCSP")
        found += entries
    return tuple(found)


def known_site(arguments: Sequence[str]) -> Site:
    """Read what is known of the site, and say what has to be known of the reading.

    Raises:
        Failure: a file cannot be used.
    """
    from ocsp_pcap.explain.site import Site, SiteError

    if not arguments:
        return Site()
    from ocsp_pcap.explain.site.read import load_sites

    try:
        site = load_sites(arguments)
    except SiteError as error:
        raise Failure(str(error)) from error
    for note in site.notes:
        warn(note)
    return site


def site_authorities(site: Sequence[str]) -> list[bytes]:
    """Return the CA certificates (DER) of the site's proxies. Raise Failure where a file cannot be used."""
    return _authorities(known_site(site)) if site else []


def _authorities(site: Site) -> list[bytes]:
    return [authority.der for proxy in site.proxies for authority in proxy.ca]


def _with_stored_roles(
    context: Context, child: tuple[str, ...], parent: tuple[str, ...], stored: Mapping[str, Sequence[str]]
) -> Context:
    """Add the proxy whose outer side each capture of stored facts shows."""
    from ocsp_pcap.api import TWO_ROLES

    roles = dict(context.capture_roles)
    given: dict[ProxyRole, tuple[str, ...]] = {"child": child, "parent": parent}
    for role, arguments in given.items():
        for name in (name for argument in arguments for name in stored.get(argument, ())):
            if roles.setdefault(name, role) != role:
                raise Failure(TWO_ROLES.format(name))
    return replace(context, capture_roles=roles)


def read_captures(
    captures: Sequence[str],
    how: HowToRead,
    authorities: Sequence[bytes] = (),
    roles: Mapping[str, str] | None = None,
    hosts: Sequence[str] = (),
    *,
    held: bool = True,
) -> CapturesRead:
    """Read captures and say on standard error which of them, and which keys, were of no use.

    Args:
        captures: files, directories, globs, stored facts.
        how: what else the user said about reading.
        authorities: CA certificates (DER) that are known besides.
        roles: what is known of captures by name.
        hosts: names and addresses whose lookups and connections matter besides.
        held: facts are gone through more than once.

    Raises:
        Failure: nothing could be read.
    """
    from ocsp_pcap.api import ReadOptions, read_facts
    from ocsp_pcap.capture import CaptureError
    from ocsp_pcap.observe.keys import KeySourceError
    from ocsp_pcap.parallel.workers import ClusterError
    from ocsp_pcap.progress import watched

    unreadable: list[str] = []
    stored: dict[str, Sequence[str]] = {}
    try:
        with watched() as watch:
            options = ReadOptions(
                key_logs=how.keylog,
                rsa_keys=how.rsa_key,
                authorities=authorities,
                hosts=hosts,
                warn=unreadable.append,
                advise=warn,
                jobs=how.jobs,
                cluster=how.cluster,
                roles=roles or {},
                rotation=how.rotated,
                watch=watch,
                held=held,
                stored=stored.__setitem__,
            )
            found = read_facts(captures, options)
    except (CaptureError, KeySourceError, ClusterError) as error:
        raise (Interrupted if watch.stopped else Failure)(str(error)) from error
    for sentence in unreadable:
        warn(sentence)
    if watch.stopped:
        warn("reading was interrupted: what follows is a partial result")
    return CapturesRead(found, not unreadable, watch.stopped, stored)

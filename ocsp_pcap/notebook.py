"""The program in a notebook: one call from captures to an answer that can be looked at, and to tables.

>>> import ocsp_pcap
>>> result = ocsp_pcap.explain("samples/direct/capture.pcap")
>>> result.verdicts[0].cause
'stapled'

Tables need pandas (``pip install 'ocsp-pcap[notebook]'``), nothing else does.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, overload

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain as explain_facts
from ocsp_pcap.explain.model import Explanation, Finding, Verdict
from ocsp_pcap.explain.site import ProxyRole, Site
from ocsp_pcap.facts import (
    CaptureFact,
    CertificateFact,
    CrlFetchFact,
    DnsLookupFact,
    Facts,
    HandshakeFact,
    OcspExchangeFact,
    TcpAttemptFact,
)
from ocsp_pcap.facts.plan import Integer, Moment, Structure, plan_of

if TYPE_CHECKING:
    import pandas as pd

    from ocsp_pcap.evidence import EvidenceSummary

PathLike: TypeAlias = str | os.PathLike[str]
Paths: TypeAlias = PathLike | Sequence[PathLike]
"""One file, directory or glob, or several."""
Row = TypeVar("Row")

_SHOWN = 20
"""Rows of a table that a notebook shows by itself."""
_FITTING = ".picture, .timeline { max-width: 100%; height: auto; } "
"""Rule by which a drawing is as wide as its cell at most."""


def explain(
    captures: Paths = (),
    *,
    child: Paths = (),
    parent: Paths = (),
    site: Paths = (),
    keylog: Paths = (),
    policy_trace: Paths = (),
    log: Paths = (),
    zone: str | None = None,
    host: str | Sequence[str] = (),
) -> Result:
    """Explain every certificate in captures: asked about, stapled, cached, or why not.

    Args:
        captures: files, directories, globs or stored facts.
        child: captures of the child proxy's outer side.
        parent: captures of the parent proxy's outer side.
        site: site files, or configurations of proxies, of which ``child=FILE`` says whose they are.
        keylog: NSS key log files.
        policy_trace: policy traces of a proxy.
        log: logs of proxies and servers, to be quoted where they fit.
        zone: time zone of traces and logs that name none: an offset, or a name of the tz database.
        host: globs of the hosts to explain; all, where there is none.

    What could not be read although something could is a warning.

    Raises:
        CaptureError: no capture could be read.
        SiteError, TraceError, LogError, KeySourceError: another file cannot be used.
        ValueError: no capture is named, or no zone.
    """
    from ocsp_pcap.explain.logs.read import load_log
    from ocsp_pcap.explain.site.read import load_sites
    from ocsp_pcap.explain.trace import load_trace
    from ocsp_pcap.explain.zones import in_zone, zone_named

    given: dict[ProxyRole, list[str]] = {"child": _paths(child), "parent": _paths(parent)}
    names = [*given["child"], *given["parent"], *_paths(captures)]
    if not names:
        raise ValueError("no capture is named: give one, or child= and parent= captures")
    known = load_sites(sites) if (sites := _paths(site)) else Site()
    roles = _roles(given)
    key_logs = [Path(path) for path in _paths(keylog)]
    authorities = [authority.der for proxy in known.proxies for authority in proxy.ca]
    facts = read_facts(
        names,
        ReadOptions(
            key_logs=key_logs,
            authorities=authorities,
            hosts=known.hosts,
            warn=_warn,
            advise=_warn,
            roles=roles,
        ),
    )
    for capture in facts.captures:
        for path in (*(file.path for file in capture.files), capture.path):
            if path in roles:
                roles[capture.path] = roles[path]
        if capture.role is not None:
            roles.setdefault(capture.path, capture.role)
    trace = tuple(entry for path in _paths(policy_trace) for entry in load_trace(Path(path)))
    entries = tuple(entry for path in _paths(log) for entry in load_log(Path(path)))
    if zone is not None:
        told = zone_named(zone)
        trace, entries = in_zone(trace, told), in_zone(entries, told)
    context = Context(known, roles, trace, entries)
    hosts = (host,) if isinstance(host, str) else tuple(host)
    return Result(explain_facts(facts, context, hosts), facts, context, tuple(key_logs))


class Table(Sequence[Row], Generic[Row]):
    """Some facts or verdicts: a sequence of them, and a table where pandas is at hand."""

    def __init__(self, rows: Sequence[Row], columns: Sequence[str] = ()) -> None:
        self._rows = tuple(rows)
        self._columns = tuple(columns)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        return self._rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __repr__(self) -> str:
        return f"<{len(self)} rows: {', '.join(self._names()[:6])}, …; .to_pandas() makes a table>"

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame, a row each: times are timestamps in UTC, nested fields columns of their own.

        Raises ImportError where pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("tables need pandas: pip install 'ocsp-pcap[notebook]'") from error
        records = [_flat(row) for row in self._rows]
        frame = pd.DataFrame.from_records(records, columns=self._names())
        cls: Any = type(self._rows[0]) if self._rows else None
        moments = {"time"} | (set() if cls is None else set(_columns(cls, Moment)))
        numbers = set() if cls is None else set(_columns(cls, Integer))
        for name in frame.columns:
            if name in moments:
                frame[name] = pd.to_datetime(frame[name].astype("Int64"), unit="ns", utc=True)
            elif name in numbers:
                frame[name] = frame[name].astype("Int64")
        return frame

    def _repr_html_(self) -> str:
        names = [name for name in self._names() if not self._columns or name in self._columns][:10]
        head = "".join(f"<th>{escape(name)}</th>" for name in names)
        lines = []
        for row in self._rows[:_SHOWN]:
            record = _flat(row)
            cells = "".join(f"<td>{escape(_short(record.get(name)))}</td>" for name in names)
            lines.append(f"<tr>{cells}</tr>")
        more = f"<p>{len(self) - _SHOWN:,} rows more</p>" if len(self) > _SHOWN else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>{more}"

    def _names(self) -> list[str]:
        names: dict[str, None] = dict.fromkeys(self._columns)
        for row in self._rows:
            names |= dict.fromkeys(_flat(row))
        return list(names)


class Drawing:
    """A picture that a notebook shows; ``svg`` is its source."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x: auto; background: #fff">{self.svg}</div>'

    def save(self, path: PathLike) -> None:
        """Write it as an SVG file."""
        Path(path).write_text(self.svg, encoding="utf-8")


@dataclass(frozen=True)
class FactTables:
    """All that was seen, a table a kind."""

    everything: Facts
    """As the rest of the program takes it."""

    @cached_property
    def captures(self) -> Table[CaptureFact]:
        """What was read, and what limits its testimony."""
        return Table(self.everything.captures, ("path", "packets", "first_time", "last_time", "damage"))

    @cached_property
    def certificates(self) -> Table[CertificateFact]:
        """Each distinct certificate."""
        columns = (
            "sha256",
            "subject",
            "issuer",
            "serial",
            "not_before",
            "not_after",
            "ocsp_urls",
            "crl_urls",
        )
        return Table(tuple(self.everything.certificates.values()), columns)

    @cached_property
    def handshakes(self) -> Table[HandshakeFact]:
        """TLS handshakes."""
        columns = ("time", "client", "server", "sni", "version", "resumed", "capture", "stream")
        return Table(self.everything.handshakes, columns)

    @cached_property
    def ocsp_exchanges(self) -> Table[OcspExchangeFact]:
        """OCSP requests with their answers."""
        columns = ("time", "client", "server", "method", "url", "http_status", "capture", "stream")
        return Table(self.everything.ocsp_exchanges, columns)

    @cached_property
    def crl_fetches(self) -> Table[CrlFetchFact]:
        """Downloads of revocation lists."""
        return Table(self.everything.crl_fetches, ("time", "client", "url", "http_status", "capture"))

    @cached_property
    def dns_lookups(self) -> Table[DnsLookupFact]:
        """Lookups of hosts that matter."""
        return Table(self.everything.dns_lookups, ("time", "client", "name", "type", "rcode", "answers"))

    @cached_property
    def tcp_attempts(self) -> Table[TcpAttemptFact]:
        """Attempts to connect to hosts that matter."""
        return Table(self.everything.tcp_attempts, ("time", "client", "server", "outcome", "capture"))


@dataclass(frozen=True)
class Result:
    """The answer; a notebook shows headline, picture, findings and verdicts of it."""

    explanation: Explanation
    _facts: Facts
    context: Context
    """What was known besides the captures."""
    key_logs: tuple[Path, ...] = ()

    @property
    def headline(self) -> str:
        """The sentence that answers the question."""
        return self.explanation.headline

    @cached_property
    def facts(self) -> FactTables:
        """What was seen, as tables."""
        return FactTables(self._facts)

    @cached_property
    def verdicts(self) -> Table[Verdict]:
        """A verdict for each certificate and validator."""
        columns = ("role", "validator", "host", "chain_role", "presence", "cause", "status", "confidence")
        return Table(self.explanation.verdicts, (*columns, "summary"))

    @cached_property
    def findings(self) -> Table[Finding]:
        """What is to be said of the chain as a whole."""
        return Table(self.explanation.findings, ("severity", "code", "summary", "next_steps"))

    def html(self) -> str:
        """Return the report as one HTML page, as ``explain --format html`` writes it."""
        from ocsp_pcap.report.html import render_html

        return render_html(self.explanation, verbose=1)

    def markdown(self) -> str:
        """Return the report as Markdown for a ticket."""
        from ocsp_pcap.report.markdown import render_markdown

        return render_markdown(self.explanation, verbose=1)

    def evidence(
        self, path: PathLike, *, with_keys: bool = False, anonymize: bool = False
    ) -> EvidenceSummary:
        """Write a capture of the packets that the answer rests on.

        Raises EvidenceError: it cannot be written, or a capture is no longer there.
        """
        from ocsp_pcap.evidence import Extent, write_evidence

        files = [file.path for capture in self._facts.captures for file in capture.files or (capture,)]
        extent = Extent(self.context.capture_roles, with_keys, self.key_logs, anonymize)
        return write_evidence(self.explanation, self._facts, files, Path(path), extent)

    def plot_chain(self) -> Drawing:
        """Return the picture of the chain: hosts, and what each link carried."""
        from ocsp_pcap.report.picture_svg import picture_svg

        return Drawing(
            picture_svg(self.explanation.picture, style=_FITTING + _style("picture.css", ".picture"))
        )

    def plot_timeline(self, validator: str | None = None) -> Drawing:
        """Return what a validator did over time, the first where none is named by address or role.

        Raises ValueError: no such validator was seen.
        """
        from ocsp_pcap.report.timeline_svg import timeline_svg

        lines = [each for each in self.explanation.timelines if each.lanes]
        chosen = [line for line in lines if validator in (None, line.validator.address, line.validator.role)]
        if not chosen:
            seen = ", ".join(f"{line.validator.role} {line.validator.address}" for line in lines) or "none"
            raise ValueError(f"no validator {validator!r} with a timeline; there is {seen}")
        return Drawing(
            timeline_svg(chosen[0], style=_FITTING + _colours() + _style("report.css", ".timeline"))
        )

    def __repr__(self) -> str:
        return f"<ocsp_pcap.Result: {self.headline}>"

    def _repr_html_(self) -> str:
        parts = [f"<p><strong>{escape(self.headline)}</strong></p>"]
        if self.explanation.picture.links:
            parts.append(self.plot_chain()._repr_html_())
        for finding in self.explanation.findings:
            steps = "".join(f"<li>{escape(step)}</li>" for step in finding.next_steps)
            words = f"<b>{escape(finding.severity)}: {escape(finding.code)}</b> {escape(finding.summary)}"
            parts.append(f"<p>{words}</p>" + (f"<ol>{steps}</ol>" if steps else ""))
        return "".join((*parts, self.verdicts._repr_html_()))


def _style(name: str, beginning: str) -> str:
    """Return rules of a stylesheet of the report, and the first lines, which give the colours."""
    text = resources.files("ocsp_pcap.report").joinpath("templates", name).read_text(encoding="utf-8")
    return "".join(line for line in text.splitlines(keepends=True) if line.startswith(beginning))


def _colours() -> str:
    """Return the report's colours for a light page, as rules of the svg element itself."""
    text = resources.files("ocsp_pcap.report").joinpath("templates", "report.css").read_text(encoding="utf-8")
    values = text[text.index("--page:") : text.index("}", text.index("--page:"))]
    return f"svg {{ {values} }}"


def _paths(given: Paths) -> list[str]:
    """Return paths as text; one path alone is one path, and not its letters."""
    if isinstance(given, str | os.PathLike):
        return [os.fspath(given)]
    return [os.fspath(path) for path in given]


def _roles(given: dict[ProxyRole, list[str]]) -> dict[str, ProxyRole]:
    """Return the proxy whose outer side each capture shows, by the name that its facts will have."""
    from ocsp_pcap.capture import CaptureError, expand

    roles: dict[str, ProxyRole] = {}
    for role, names in given.items():
        for name in names:
            try:
                roles |= {source.name: role for source in expand([name])}
            except CaptureError:
                # Reading it will tell.
                continue
    return roles


def _warn(sentence: str) -> None:
    warnings.warn(sentence, stacklevel=3)


def _flat(row: Any) -> dict[str, Any]:
    """Return a fact or verdict as one level of names and values."""
    if isinstance(row, Verdict):
        certificate = row.certificate
        named = {
            "role": row.validator.role,
            "validator": row.validator.address,
            "subject": certificate.subject if certificate else None,
            "serial": certificate.serial if certificate else None,
            "sha256": certificate.sha256 if certificate else None,
            "frames": sorted({item.frame for item in row.evidence if item.frame is not None}),
            "time": min((sighting.time for sighting in row.sightings), default=None),
            "handshakes": len(row.sightings),
        }
        row = replace(row, sightings=(), evidence=())
        rest = dict(_fields(row))
        left_out = {"sightings", "evidence", *(f"certificate_{name}" for name in named)}
        return named | {
            name: value
            for name, value in rest.items()
            if name not in left_out and not name.startswith("validator_")
        }
    return dict(_fields(row))


def _fields(row: Any) -> Iterator[tuple[str, Any]]:
    cls: Any = type(row)
    for member in plan_of(cls).members:
        value = getattr(row, member.name)
        if not isinstance(member.shape, Structure):
            yield member.name, list(value) if isinstance(value, tuple) else value
        elif value is not None:
            for name, inner in _fields(value):
                yield f"{member.name}_{name}", inner


def _columns(cls: Any, shape: type) -> Iterator[str]:
    """Yield the names of columns of one shape."""
    for member in plan_of(cls).members:
        if isinstance(member.shape, shape):
            yield member.name
        elif isinstance(member.shape, Structure):
            yield from (f"{member.name}_{name}" for name in _columns(member.shape.cls, shape))


def _short(value: Any) -> str:
    text = "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 200 else f"{text[:199]}…"

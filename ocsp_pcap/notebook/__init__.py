"""The program in a notebook: one call from captures to an answer that can be looked at, and to tables.

>>> import ocsp_pcap
>>> result = ocsp_pcap.explain("samples/direct/capture.pcap")
>>> result.verdicts[0].cause
'stapled'

Tables (:mod:`ocsp_pcap.notebook.tables`) need pandas (``pip install 'ocsp-pcap[notebook]'``), nothing else
does.
Nothing is computed here: what is shown is what the command line prints, from the same renderers.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ocsp_pcap.api import ReadOptions, read_facts, roles_of_captures, with_roles_of_sets
from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain as explain_facts
from ocsp_pcap.explain.model import Explanation, Finding, Verdict
from ocsp_pcap.explain.site import ProxyRole, Site
from ocsp_pcap.facts import Facts
from ocsp_pcap.notebook.tables import FactTables, Table
from ocsp_pcap.terminal.escape import safe_text

if TYPE_CHECKING:
    from ocsp_pcap.evidence import EvidenceSummary

PathLike: TypeAlias = str | os.PathLike[str]
Paths: TypeAlias = PathLike | Sequence[PathLike]
"""One file, directory or glob, or several."""
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
        ValueError: no capture is named, one is given for both proxies, or there is no such zone.
    """
    from ocsp_pcap.bounds import counted, sentences
    from ocsp_pcap.explain.logs.read import load_log
    from ocsp_pcap.explain.site.read import load_sites
    from ocsp_pcap.explain.trace import load_trace
    from ocsp_pcap.explain.zones import in_zone, zone_named

    given: dict[ProxyRole, list[str]] = {"child": _paths(child), "parent": _paths(parent)}
    names = [*given["child"], *given["parent"], *_paths(captures)]
    if not names:
        raise ValueError("no capture is named: give one, or child= and parent= captures")
    with counted() as reached:
        known = load_sites(sites) if (sites := _paths(site)) else Site()
        trace = tuple(entry for path in _paths(policy_trace) for entry in load_trace(Path(path)))
        entries = tuple(entry for path in _paths(log) for entry in load_log(Path(path)))
    roles = roles_of_captures(given)
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
    if zone is not None:
        local = zone_named(zone)
        trace, entries = in_zone(trace, local), in_zone(entries, local)
    roles = with_roles_of_sets(roles, facts.captures)
    context = Context(known, roles, trace, entries, tuple(sentences(reached)))
    hosts = (host,) if isinstance(host, str) else tuple(host)
    return Result(explain_facts(facts, context, hosts), facts, context, tuple(key_logs))


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
        parts = [f"<p><strong>{_safe(self.headline)}</strong></p>"]
        if self.explanation.picture.links:
            parts.append(self.plot_chain()._repr_html_())
        for finding in self.explanation.findings:
            steps = "".join(f"<li>{_safe(step)}</li>" for step in finding.next_steps)
            words = f"<b>{_safe(finding.severity)}: {_safe(finding.code)}</b> {_safe(finding.summary)}"
            parts.append(f"<p>{words}</p>" + (f"<ol>{steps}</ol>" if steps else ""))
        return "".join((*parts, self.verdicts._repr_html_()))


def _safe(text: str) -> str:
    """Return text as HTML that shows it, and does nothing else."""
    return escape(safe_text(text))


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


def _warn(sentence: str) -> None:
    warnings.warn(sentence, stacklevel=3)

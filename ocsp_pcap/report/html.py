"""An explanation as one self-contained HTML page: no script or style from elsewhere, good on paper too."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.headline import revoked_singles
from ocsp_pcap.explain.model import Explanation, Verdict
from ocsp_pcap.explain.phrases import count, validator_name
from ocsp_pcap.facts import OcspExchangeFact
from ocsp_pcap.report import wording
from ocsp_pcap.report.chain import HEADINGS, chain_rows
from ocsp_pcap.report.exchanges import answer_text, frames_text, responder_text, revoked_first
from ocsp_pcap.report.filters import case_filters, evidence_filters, verdict_filters
from ocsp_pcap.report.layout import (
    CauseGroup,
    by_cause,
    findings_by_code,
    host_text,
    lay_out,
    more_findings,
    proof_frames,
)
from ocsp_pcap.report.picture_svg import picture_svg, picture_words
from ocsp_pcap.report.shared_words import Form, Row, share
from ocsp_pcap.report.staple_ledger import HEADINGS as STAPLE_HEADINGS
from ocsp_pcap.report.staple_ledger import staple_cells
from ocsp_pcap.report.timeline_svg import timeline_svg
from ocsp_pcap.terminal.escape import safe_text

if TYPE_CHECKING:
    from jinja2 import Environment

_MOST_EVIDENCE: Final = 100
_MOST_ALIKE: Final = 3
"""Findings of one code that stand open."""
_MOST_FINDINGS: Final = 50
"""Of one code."""
_MOST_STAPLES: Final = 100
_MOST_SIGHTINGS: Final = 200
_MOST_CHAINS: Final = 150
_MOST_UNMATCHED: Final = 300
"""Exchanges besides those that say revoked, which are never left out."""
_MOST_AT_ONCE: Final = 150
"""Rows of a page that are all written out; of more, all but the first of each cause share their words."""
_WRITTEN_OUT: Final = 3
"""Of each cause, where not all are."""
_LONG_GROUP: Final = 20
"""Rows of one cause that are shown at first."""


def render_html(explanation: Explanation, *, verbose: int = 0) -> str:
    """Return an explanation as a page of HTML.

    Intermediates without OCSP traffic are left out unless ``verbose`` is 1 or more.
    """
    layout = lay_out(explanation, fold=verbose < 1)
    groups = by_cause(layout)
    anchors = _anchors(groups)
    codes = dict.fromkeys((*(group.cause for group in groups), *(each.code for each in explanation.findings)))
    context: dict[str, Any] = {
        "explanation": explanation,
        "layout": layout,
        "groups": groups,
        "anchor": lambda verdict: anchors[id(verdict)],
        "findings": findings_by_code(explanation.findings, _MOST_FINDINGS),
        "most_alike": _MOST_ALIKE,
        "headline": explanation.headline,
        "labels": layout.labels,
        "frames": lambda evidence: proof_frames(evidence, layout.labels),
        "causes": CAUSES,
        "meanings": [CAUSES[code] for code in codes if code in CAUSES],
        "chain_headings": HEADINGS,
        "chain_rows": chain_rows(explanation, _MOST_CHAINS),
        "chains_left": max(len(explanation.chains) - _MOST_CHAINS, 0),
        "unmatched": _unmatched(explanation.unmatched_exchanges),
        "staple_headings": STAPLE_HEADINGS,
        "staple_rows": [staple_cells(row, layout.labels) for row in explanation.staples[:_MOST_STAPLES]],
        "staples_telling": any(row.sent or row.refused for row in explanation.staples),
        "severity_marks": wording.SEVERITY_MARKS,
        "calm": wording.CALM,
        "most_evidence": _MOST_EVIDENCE,
        "most_sightings": _MOST_SIGHTINGS,
        "long_group": _LONG_GROUP,
        "names": {node.id: f"{node.title} {node.name}" for node in explanation.picture.nodes},
        "link_marks": wording.LINK_MARKS,
        "ghosts": wording.GHOSTS,
        "picture_words": picture_words(explanation.picture),
        "case_filters": case_filters(explanation),
        "answer": answer_text,
        "responder": responder_text,
        "exchange_frames": frames_text,
        "revoked_singles": revoked_singles,
    }
    environment = _environment()
    drawings: dict[str, Any] = {
        "picture": _markup(picture_svg(explanation.picture)),
        "timelines": [
            (each, tuple(_markup(timeline_svg(each, narrow=narrow)) for narrow in (False, True)))
            for each in explanation.timelines
            if each.lanes
        ],
    }
    return render_page(
        "report.html",
        script=_asset("report.js"),
        style=_asset("report.css") + _asset("picture.css"),
        environment=environment,
        tables=_tables(environment, groups, anchors, context),
        **context,
        **drawings,
    )


def _anchors(groups: Sequence[CauseGroup]) -> dict[int, str]:
    """Return a name for each row, by the id of its verdict: the same in every report that has that row."""
    taken: dict[str, int] = {}
    anchors: dict[int, str] = {}
    for verdict in (verdict for group in groups for verdict in group.verdicts):
        certificate = verdict.certificate
        what = certificate.sha256 if certificate else f"{verdict.host}"
        key = hashlib.sha256(f"{what} {verdict.validator.address}".encode("utf-8", "replace")).hexdigest()[
            :12
        ]
        taken[key] = taken.get(key, 0) + 1
        anchors[id(verdict)] = f"c-{key}" + (f"-{taken[key]}" if taken[key] > 1 else "")
    return anchors


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows of one cause: those that stand in the page as they are, and those that share their words."""

    rows: tuple[Verdict, ...]
    forms: tuple[tuple[Form, bool], ...] = ()
    """Each with whether its rows need attention."""


def _tables(
    environment: Environment,
    groups: Sequence[CauseGroup],
    anchors: Mapping[int, str],
    context: dict[str, Any],
) -> list[_Table]:
    """Choose which rows of each cause are written out and which share their words with others."""
    if sum(len(group.verdicts) for group in groups) <= _MOST_AT_ONCE:
        return [_Table(group.verdicts) for group in groups]
    macros: Any = environment.get_template("parts.html").make_module(context)
    tables = []
    for group in groups:
        first, later = group.verdicts[:_WRITTEN_OUT], group.verdicts[_WRITTEN_OUT:]
        known = {anchors[id(verdict)]: verdict for verdict in later}
        rows = [
            Row(anchor, str(macros.row(verdict, "")).strip(), _names(verdict))
            for anchor, verdict in known.items()
        ]
        forms, single = share(rows)
        urgent = [wording.attention(known[form.rows[0][0]]) < wording.CALM for form in forms]
        written_out = (*first, *(known[row.anchor] for row in single))
        tables.append(_Table(written_out, tuple(zip(forms, urgent, strict=True))))
    return tables


def _unmatched(exchanges: Sequence[OcspExchangeFact]) -> list[OcspExchangeFact]:
    """Choose the exchanges that are shown: all that say revoked, and some of the others."""
    revoked = sum(bool(revoked_singles(exchange)) for exchange in exchanges)
    return revoked_first(exchanges)[: revoked + _MOST_UNMATCHED]


def _names(verdict: Verdict) -> dict[str, str]:
    """Return what a row has of its own, by what to call it."""
    host = safe_text(host_text(verdict))
    certificate = verdict.certificate
    if certificate is None:
        return {"host": host, "received by": verdict.validator.address}
    return {
        "host": host,
        "serial": certificate.serial,
        "SHA-256": certificate.sha256,
        "received by": verdict.validator.address,
        "subject": safe_text(certificate.subject),
        "received for": safe_text(verdict.host or ""),
    }


def _markup(html: str) -> Any:
    """Mark as HTML what was made of safe and escaped texts."""
    from markupsafe import Markup

    return Markup(html)  # noqa: S704


def render_page(
    template: str,
    *,
    script: str | None = None,
    style: str | None = None,
    environment: Environment | None = None,
    **context: Any,
) -> str:
    """Return a page made from a template of this package, with its style and script inside.

    Whatever text ``context`` holds is made safe and escaped; ``script`` and ``style`` are this package's own.
    """
    from markupsafe import Markup

    environment = environment or _environment()
    style = style if style is not None else _asset("report.css")
    if script is not None:
        # The script is this package's own text, without anything from a capture, and so is the style.
        context |= {"script": Markup(script), "script_hash": _content_hash(script)}  # noqa: S704
    return environment.get_template(template).render(
        **context,
        style=Markup(style),  # noqa: S704
        style_hash=_content_hash(style),
    )


def _environment() -> Environment:
    """Return what makes pages of templates: text is made safe and escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("ocsp_pcap.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_safe,
    )
    environment.filters.update(
        {
            "attention": wording.attention,
            "colour": wording.verdict_colour,
            "presence": wording.presence_words,
            "status_colour": wording.status_colour,
            "group_colour": lambda group: wording.colour_of_all(group.verdicts),
            "markup": _markup,
            "capture_limits": wording.capture_limits,
            "capture_remarks": wording.capture_remarks,
            "capture_size": wording.capture_size,
            "count": count,
            "doubt": wording.doubt_clause,
            "host": host_text,
            "moment": wording.moment,
            "more_findings": more_findings,
            "validator": validator_name,
            "verdict_filters": verdict_filters,
            "evidence_filters": evidence_filters,
        }
    )
    return environment


def _safe(value: Any) -> Any:
    """Make text from anywhere safe; what is markup already was made of safe text."""
    return safe_text(value) if type(value) is str else value


def _asset(name: str) -> str:
    """Return a file of the templates, as it will stand in the page."""
    return resources.files("ocsp_pcap.report").joinpath("templates", name).read_text(encoding="utf-8")


def _content_hash(text: str) -> str:
    """Return the hash by which a content security policy admits one script or style (CSP level 3)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")

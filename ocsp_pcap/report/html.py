"""An explanation as one self-contained HTML page: no script or style from elsewhere, good on paper too."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any, Final

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.explain.phrases import count
from ocsp_pcap.report.chain import HEADINGS, chain_rows
from ocsp_pcap.report.filters import evidence_filters, verdict_filters
from ocsp_pcap.report.layout import host_text, lay_out, proof_frames, sorted_findings, validator_text
from ocsp_pcap.report.wording import (
    CALM,
    PRESENCE_MARKS,
    SEVERITY_MARKS,
    attention,
    capture_limits,
    capture_size,
    moment,
)
from ocsp_pcap.terminal.escape import safe_text

_MOST_EVIDENCE: Final = 100
_MOST_SIGHTINGS: Final = 200


def render_html(explanation: Explanation, *, verbose: int = 0) -> str:
    """Return an explanation as a page of HTML.

    Intermediates without OCSP traffic are left out unless ``verbose`` is 1 or more.
    """
    layout = lay_out(explanation, fold=verbose < 1)
    script = _asset("report.js")
    return render_page(
        "report.html",
        script=script,
        explanation=explanation,
        layout=layout,
        findings=sorted_findings(explanation.findings),
        headline=explanation.headline,
        labels=layout.labels,
        frames=lambda evidence: proof_frames(evidence, layout.labels),
        causes=CAUSES,
        chain_headings=HEADINGS,
        chain_rows=chain_rows(explanation),
        presence_marks=PRESENCE_MARKS,
        severity_marks=SEVERITY_MARKS,
        calm=CALM,
        most_evidence=_MOST_EVIDENCE,
        most_sightings=_MOST_SIGHTINGS,
    )


def render_page(template: str, *, script: str | None = None, **context: Any) -> str:
    """Return a page made from a template of this package, with its style and script inside.

    Whatever text ``context`` holds is made safe and escaped; ``script`` is this package's own.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

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
            "attention": attention,
            "capture_limits": capture_limits,
            "capture_size": capture_size,
            "count": count,
            "host": host_text,
            "moment": moment,
            "validator": validator_text,
            "verdict_filters": verdict_filters,
            "evidence_filters": evidence_filters,
        }
    )
    style = _asset("report.css")
    if script is not None:
        # The script is this package's own text, without anything from a capture, and so is the style.
        context |= {"script": Markup(script), "script_hash": _content_hash(script)}  # noqa: S704
    return environment.get_template(template).render(
        **context,
        style=Markup(style),  # noqa: S704
        style_hash=_content_hash(style),
    )


def _safe(value: Any) -> Any:
    """Make text from anywhere safe; what is markup already was made of safe text."""
    return safe_text(value) if type(value) is str else value


def _asset(name: str) -> str:
    """Return a file of the templates, as it will stand in the page."""
    return resources.files("ocsp_pcap.report").joinpath("templates", name).read_text(encoding="utf-8")


def _content_hash(text: str) -> str:
    """Return the hash by which a content security policy admits one script or style (CSP level 3)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")

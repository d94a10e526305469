"""What every finding is built from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.causes import CAUSES, next_steps
from ocsp_pcap.explain.model import Evidence, Finding, Role, Severity, Verdict
from ocsp_pcap.explain.rules.answer import validator_words

MAX_EVIDENCE: Final = 8


def finding(
    code: str,
    summary: str,
    evidence: Iterable[Evidence] = (),
    severity: Severity | None = None,
    **context: object,
) -> Finding:
    """Make a finding with the next steps of its page; equal evidence is kept once."""
    severity = severity or CAUSES[code].severity
    assert severity is not None
    kept = tuple(islice(dict.fromkeys(evidence), MAX_EVIDENCE))
    return Finding(code, severity, summary, kept, next_steps(code, **context))


def of_role(verdicts: Sequence[Verdict], role: Role) -> list[Verdict]:
    """Return the verdicts whose validator has this role."""
    return [verdict for verdict in verdicts if verdict.validator.role == role]


def evidence_of(verdicts: Iterable[Verdict]) -> Iterator[Evidence]:
    """Yield the first two pieces of evidence of each verdict."""
    for verdict in verdicts:
        yield from verdict.evidence[:2]


def hosts_of(verdicts: Iterable[Verdict]) -> str:
    """Name the hosts of some verdicts, the first three of them."""
    hosts = list(dict.fromkeys(verdict.host or "an unnamed host" for verdict in verdicts))
    rest = f" and {len(hosts) - 3} more" if len(hosts) > 3 else ""
    return ", ".join(hosts[:3]) + rest


def who(verdict: Verdict) -> str:
    """Name the validator of a verdict."""
    return validator_words(verdict.validator.role, verdict.validator.address)


def site_says(case: Case, role: Role, *, ocsp: bool) -> Evidence | None:
    """Return the line of the site file that says whether OCSP is on."""
    proxy = case.site.proxy(role)
    if proxy is None or proxy.ocsp is not ocsp:
        return None
    return Evidence(case.site.path, None, None, f"[proxies.{role}] ocsp = {str(ocsp).lower()}")

"""The parts that every finding is built from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.entries import Cause
from ocsp_pcap.explain.model import Confidence, Evidence, Finding, Role, Severity, Verdict
from ocsp_pcap.explain.phrases import first_of
from ocsp_pcap.explain.question import validator_words
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import CertificateFact

MAX_EVIDENCE: Final = 8
FIRM: Final[tuple[Confidence, ...]] = ("confirmed", "likely")


class View(NamedTuple):
    """The view that findings have: the case, its verdicts, and which hosts the user asked for."""

    case: Case
    verdicts: Sequence[Verdict]
    """About the hosts that were asked for."""
    wanted: Callable[[str | None], bool]
    """Tells whether a host's name was asked for."""

    @property
    def visits(self) -> Iterator[Visit]:
        """Handshakes with hosts that were asked for."""
        return (visit for visit in self.case.visits if self.wanted(visit.host or visit.handshake.server))

    def about(self, certificate: CertificateFact) -> bool:
        """Tell whether a certificate is that of a host that was asked for, or of an issuer."""
        return certificate.is_ca or any(map(self.wanted, certificate.sans or (certificate.subject,)))

    def of_role(self, role: Role) -> list[Verdict]:
        """Return the verdicts whose validator has this role."""
        return [verdict for verdict in self.verdicts if verdict.validator.role == role]

    def ocsp_shown_at(self, role: Role) -> bool:
        """Tell whether the site file, a trace or its own requests show that OCSP is on at a proxy."""
        case = self.case
        proxy = case.site.proxy(role)
        if proxy is not None and proxy.ocsp is True:
            return True
        if role == "parent" and case.trace_of:
            return True
        return any(host.role == role and host.exchanges for host in case.hosts.values())

    def asks_about(self, verdicts: Iterable[Verdict]) -> bool:
        """Tell whether a validator sent queries about one of its own certificates, whoever answered."""
        return any(
            self.case.host(verdict.validator.address).asked_about((verdict.certificate.sha256,))
            for verdict in verdicts
            if verdict.certificate is not None
        )


def finding(
    entry: Cause,
    summary: str,
    evidence: Iterable[Evidence] = (),
    severity: Severity | None = None,
    **context: object,
) -> Finding:
    """Make a finding with the next steps of its entry; equal evidence is kept once."""
    severity = severity or entry.severity
    assert severity is not None
    kept = tuple(islice(dict.fromkeys(evidence), MAX_EVIDENCE))
    return Finding(entry.code, severity, summary, kept, entry.steps(context))


def evidence_of(verdicts: Iterable[Verdict]) -> Iterator[Evidence]:
    """Yield the first two pieces of evidence of each verdict."""
    for verdict in verdicts:
        yield from verdict.evidence[:2]


def hosts_of(verdicts: Iterable[Verdict]) -> str:
    """Name the hosts of some verdicts, the first three of them."""
    return first_of(list(dict.fromkeys(verdict.host or "an unnamed host" for verdict in verdicts)))


def who(verdict: Verdict) -> str:
    """Name the validator of a verdict."""
    return validator_words(verdict.validator.role, verdict.validator.address)

"""What a rule is asked and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.model import Confidence, Evidence, Role, Status, Validator
from ocsp_pcap.explain.visits import Query, Visit
from ocsp_pcap.facts import CertificateFact


class Question:
    """Was OCSP traffic seen for this certificate in this handshake, and if not, why not?

    What many rules ask for is looked up once.
    """

    __slots__ = (
        "case",
        "certificate",
        "eligible",
        "identity",
        "own_queries",
        "position",
        "proxy",
        "queries",
        "validator",
        "visit",
    )

    def __init__(
        self,
        case: Case,
        visit: Visit,
        validator: Validator,
        certificate: CertificateFact | None,
        position: int,
    ) -> None:
        self.case = case
        self.visit = visit
        self.validator = validator
        self.certificate = certificate
        """None where the handshake shows none."""
        self.position = position
        """Place in the chain, 0 for the leaf."""
        self.identity = case.identity(validator.address)
        """What is equal for all addresses of the validator."""
        self.proxy = case.proxy(validator.address)
        """What the site file says of the validator."""
        self.eligible = certificate is not None and bool(certificate.ocsp_urls)
        """The certificate names a responder that the validator could have asked."""
        self.queries: Sequence[Query] = ()
        """All queries of this validator for this certificate, by time."""
        self.own_queries: Sequence[Query] = ()
        """The queries that this very handshake triggered."""
        if certificate is not None:
            key = (self.identity, certificate.sha256)
            self.queries = case.queries_of.get(key, ())
            if self.queries:
                self.own_queries = case.trigger_of[key].get(id(visit), ())

    @property
    def host(self) -> str:
        """The host that was visited, for sentences."""
        if self.visit.host:
            return self.visit.host
        if self.certificate is not None and self.certificate.sans:
            return self.certificate.sans[0]
        return self.visit.handshake.server

    @property
    def who(self) -> str:
        """The validator, for sentences; the wording follows its role."""
        return validator_words(self.validator.role, self.validator.address)


def validator_words(role: Role, address: str) -> str:
    """Name a validator in a sentence."""
    if role in ("child", "parent"):
        return f"the {role} proxy {address}"
    return f"the client {address}" if role == "client" else address


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule has to say. A ``possible`` answer is an alternative unless nothing stronger holds."""

    cause: str
    confidence: Confidence
    summary: str
    """One sentence, plain text; also the reason where the answer becomes an alternative."""
    evidence: tuple[Evidence, ...] = ()
    status: Status | None = None
    responder: str | None = None
    telling: int = -1
    """Index of the evidence to look at first; as a rule the last, which is what came of it."""
    until: str | None = None
    """When the answer that the validator holds runs out, in words."""
    longer: str | None = None
    """How long answers last, in words, where a capture longer than that would decide."""


Rule: TypeAlias = Callable[[Question], Answer | None]

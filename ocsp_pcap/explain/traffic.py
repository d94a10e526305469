"""The OCSP traffic of the captures, by who sent it, and what came of it: what a headline counts.

One message counts once, though several captures hold it, and a request that a proxy hands on belongs
to the host that asked. Wireshark shows the same numbers: a request is a frame with an OCSP request
(or a GET that carries one), an answer is the frame in which the HTTP answer is complete.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final, Literal, NamedTuple, TypeAlias

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.model import Status, Validator, Verdict
from ocsp_pcap.explain.visits import NOT_MODIFIED, Query
from ocsp_pcap.facts import OcspExchangeFact

Relay: TypeAlias = Literal["inner-leg-seen", "asker-unseen"]
Outcome: TypeAlias = Literal[
    "answered", "http-error", "responder-error", "response-invalid", "untimely", "no-response", "not-whole"
]

BEFORE_A_PACKET: Final = frozenset({"dns-failed", "responder-unreachable"})
"""Causes of attempts that never came to a query."""
FAILED: Final[dict[Outcome, tuple[str, str]]] = {
    "responder-error": ("responder error", "responder errors"),
    "http-error": ("HTTP error", "HTTP errors"),
    "response-invalid": ("unusable answer", "unusable answers"),
    # Whose clock is right, the validator's or the capture's, is for its verdict to say.
    "untimely": ("answer not valid by the capture's clock", "answers not valid by the capture's clock"),
    "no-response": ("without an answer", "without an answer"),
    # Not of the query, but of the capture.
    "not-whole": ("answer not in the capture as a whole", "answers not in the capture as a whole"),
}
"""Outcome: what it is called, one and several."""


class Asked(NamedTuple):
    """One OCSP request with its answer, or what the captures hold of them."""

    exchange: OcspExchangeFact
    outcome: Outcome
    statuses: tuple[Status, ...]
    """What a usable answer said about the certificates asked for."""
    matched: bool
    """A handshake of the host that asked shows one of the certificates."""
    relay: Relay | None = None
    """The host only hands on what another one asked, whose own request was seen, too, or was not."""
    own_certificate: bool = False
    """A server asks about its own certificate, to staple the answer: nothing is validated."""


class AskingHost(NamedTuple):
    """One host that sent OCSP requests of its own, or handed others on."""

    identity: str
    validator: Validator
    """Its address as a TLS client, or else the one that it asked from, and its role."""
    asked: tuple[Asked, ...]
    """Its own, by time."""
    relayed: tuple[Asked, ...]
    """What it handed on for others."""

    @property
    def handed_on(self) -> tuple[Asked, ...]:
        """What it handed on for hosts whose own request is not in the captures."""
        return tuple(each for each in self.relayed if each.relay == "asker-unseen")

    @property
    def requests(self) -> int:
        """Requests of its own that the captures show."""
        return sum(each.exchange.frames.request is not None for each in self.asked)

    @property
    def answers(self) -> int:
        """Answers that the captures show."""
        return sum(each.exchange.frames.response is not None for each in self.asked)


def asking_hosts(
    case: Case, verdicts: Iterable[Verdict], only: Collection[str] | None = None
) -> tuple[AskingHost, ...]:
    """Return the hosts that sent OCSP requests, by role and number of requests.

    Args:
        case: the facts.
        verdicts: tell under which address a host is known.
        only: SHA-256 of certificates; requests about others are left out. None: all count.
    """
    names = {case.identity(verdict.validator.address): verdict.validator for verdict in verdicts}
    queries: dict[int, list[tuple[Host, str, Query]]] = defaultdict(list)
    for host in case.hosts.values():
        for sha256, found in host.queries.items():
            for query in found:
                queries[id(query.exchange)].append((host, sha256, query))
    own: dict[str, list[Asked]] = defaultdict(list)
    relayed: dict[str, list[Asked]] = defaultdict(list)
    for exchange in case.exchanges:
        meant = queries[id(exchange)]
        about = [known.sha256 for known in case.askers.certificates_meant(exchange)]
        if only is not None and not any(sha256 in only for sha256 in about):
            continue
        matched = any(sha256 in case.host(exchange.client).received for sha256 in about)
        credit = case.askers.credit(exchange)
        asked = _asked(exchange, [query for *_, query in meant], matched, _relay(case, exchange))
        asked = asked._replace(own_certificate=credit.own_certificate)
        (relayed if asked.relay else own)[case.identity(exchange.client)].append(asked)
    result = []
    for identity in dict.fromkeys((*own, *relayed)):
        first = (own[identity] or relayed[identity])[0].exchange
        validator = names.get(identity) or Validator(first.client, case.roles.role(first.client))
        result.append(AskingHost(identity, validator, tuple(own[identity]), tuple(relayed[identity])))
    order = ("parent", "child", "unknown", "client")
    return tuple(sorted(result, key=lambda each: (order.index(each.validator.role), -each.requests)))


def _relay(case: Case, exchange: OcspExchangeFact) -> Relay | None:
    if not case.askers.credit(exchange).relayed:
        return None
    return "asker-unseen" if case.askers.copied_from(exchange) is None else "inner-leg-seen"


def _asked(exchange: OcspExchangeFact, queries: list[Query], matched: bool, relay: Relay | None) -> Asked:
    outcome = _outcome(exchange, queries)
    statuses: list[Status] = []
    if exchange.response is not None and exchange.response.response_status == "successful":
        serials = {each.serial for each in exchange.requests}
        statuses = [
            single.status
            for single in exchange.response.singles
            if (not serials or single.serial in serials)
            and (outcome == "answered" or single.status == "revoked")
        ]
    return Asked(exchange, outcome, tuple(dict.fromkeys(statuses)), matched, relay)


def _outcome(exchange: OcspExchangeFact, queries: list[Query]) -> Outcome:
    """Tell what came of a request."""
    response, http_status = exchange.response, exchange.http_status
    if http_status is not None and not 200 <= http_status < 300:
        return "answered" if http_status == NOT_MODIFIED else "http-error"
    if exchange.missing_bytes and (response is None or response.parse_error):
        return "not-whole"
    if response is None:
        return "no-response" if exchange.frames.response is None else "response-invalid"
    if response.parse_error or response.response_status is None:
        return "response-invalid"
    if response.response_status != "successful":
        return "responder-error"
    if queries:
        if any(query.usable for query in queries):
            return "answered"
        signed = response.signature != "invalid"
        untimely = signed and any(query.stale or query.premature for query in queries)
        return "untimely" if untimely else "response-invalid"
    serials = {each.serial for each in exchange.requests}
    about = (
        any(single.serial in serials for single in response.singles) if serials else bool(response.singles)
    )
    return "answered" if about and response.signature != "invalid" else "response-invalid"

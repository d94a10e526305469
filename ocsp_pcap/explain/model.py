"""The parts of an explanation: sightings, verdicts, findings (see the README for the vocabulary)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, TypeAlias, get_args

from ocsp_pcap.facts import CaptureFact, CertificateFact, OcspExchangeFact, Transport
from ocsp_pcap.facts.types import Frame, Serial, Sha256, StreamNumber, Time

SCHEMA = "ocsp-pcap/1"

Presence: TypeAlias = Literal["present", "attempted", "absent", "unknown"]
PRESENCES: Final[tuple[Presence, ...]] = get_args(Presence)
"""The strongest first."""
Confidence: TypeAlias = Literal["confirmed", "likely", "possible"]
Role: TypeAlias = Literal["child", "parent", "client", "unknown"]
ChainRole: TypeAlias = Literal["leaf", "intermediate"]
Severity: TypeAlias = Literal["problem", "advice", "info"]
Status: TypeAlias = Literal["good", "revoked", "unknown"]
Presenter: TypeAlias = Literal["server", "client"]
CauseCode: TypeAlias = Annotated[str, "cause"]
FindingCode: TypeAlias = Annotated[str, "finding_code"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One frame that proves something, or, without a frame, a source outside the packets."""

    capture: str
    """Path of the capture, of the policy trace or of the site file."""
    frame: Frame | None
    stream: StreamNumber | None
    """Wireshark's ``tcp.stream``, or ``udp.stream`` where ``transport`` is ``"udp"``."""
    note: str
    transport: Transport = "tcp"
    """What the stream is one of."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One way in which a claim may be wrong, and what in the captures makes it so."""

    code: str
    why: str
    """One clause, plain text: it goes on from "likely only, because"."""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another cause that the capture does not rule out, and what speaks for it."""

    cause: CauseCode
    why: str


@dataclass(frozen=True, slots=True)
class Validator:
    """The host that received the certificate, and so would send the OCSP request."""

    address: str
    role: Role


@dataclass(frozen=True, slots=True)
class Sighting:
    """One TLS handshake as one validator saw it, explained."""

    capture: str
    stream: StreamNumber
    frame: Frame
    """Where the certificate, or else the hello, of this handshake stands."""
    time: Time
    presence: Presence
    cause: CauseCode
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    alternatives: tuple[Alternative, ...] = ()
    status: Status | None = None
    doubts: tuple[Doubt, ...] = ()


class _Begun:
    """Parent of a frozen dataclass that may be begun, and is made whole when more of it is asked for.

    Of thousands of verdicts a report for the terminal shows the details of a few.
    """

    __slots__ = ("_rest",)

    @classmethod
    def begun(cls, rest: Callable[[], Mapping[str, object]], **known: object) -> Self:
        """Return an instance with the fields that are known; ``rest`` makes the others, then is let go."""
        made = cls.__new__(cls)
        for name, value in known.items():
            object.__setattr__(made, name, value)
        object.__setattr__(made, "_rest", rest)
        return made

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Python asks here for what has no value.
            if name != "_rest" and (rest := getattr(self, "_rest", None)) is not None:
                for field, value in rest().items():
                    object.__setattr__(self, field, value)
                # It holds all that the rest is made of.
                object.__setattr__(self, "_rest", None)
            return object.__getattribute__(self, name)


@dataclass(frozen=True, slots=True)
class Verdict(_Begun):
    """All sightings of one certificate by one validator, summed up."""

    validator: Validator
    host: str | None
    """SNI, else CONNECT host, else the certificate's first SAN."""
    certificate: CertificateFact | None
    """None where no certificate was visible (encrypted, resumed, handshake broken off)."""
    chain_role: ChainRole
    presence: Presence
    cause: CauseCode
    status: Status | None
    """The answer of the responder or staple about this certificate, where one was seen."""
    confidence: Confidence
    summary: str
    """One sentence for a human being, plain text without markup."""
    alternatives: tuple[Alternative, ...]
    evidence: tuple[Evidence, ...]
    next_steps: tuple[str, ...]
    sightings: tuple[Sighting, ...]
    doubts: tuple[Doubt, ...] = ()
    """Why the claim is not confirmed; empty where it is."""
    presented_by: Presenter = "server"
    """Who presented the certificate: the TLS server, or the client to a server that validates it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement about the chain, or the capture, as a whole."""

    code: FindingCode
    severity: Severity
    summary: str
    evidence: tuple[Evidence, ...]
    next_steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leg:
    """The view of one host of a proxy chain on a host name."""

    validator: Validator
    capture: str
    frame: Frame
    stream: StreamNumber
    certificate: Sha256 | None
    """Of the leaf; None where none was visible."""
    subject: str | None
    issuer: str | None
    serial: Serial | None
    ocsp_url: str | None
    tunnelled: bool
    """The same ClientHello as on the leg before: this host only relays, and validates nothing."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The legs of one request, from the client's side to the origin's."""

    host: str
    legs: tuple[Leg, ...]


NodeKind: TypeAlias = Literal["client", "host", "child", "parent", "proxy", "responder", "crl", "origin"]
LinkKind: TypeAlias = Literal[
    "tls",
    "staple",
    "staple-revoked",
    "staple-unusable",
    "ocsp",
    "ocsp-revoked",
    "ocsp-unknown",
    "ocsp-failed",
    "crl",
    "missing",
    "impossible",
    "needless",
    "hidden",
]
"""What a link carried: staples and answers that say good, that say otherwise, and that say nothing that
counts are links of their own. The last four are ghosts, along which a query would have gone: it should have,
it could not, it need not, or it may have where the captures do not show it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A figure of the picture: one host, or all hosts of one kind."""

    id: str
    """Letters and digits."""
    kind: NodeKind
    title: str
    """What it is: ``Parent proxy``, ``12 Origins``."""
    name: str
    """Address or host name, as the captures have it."""
    notes: tuple[str, ...] = ()
    """What the site file says of it."""


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow of the picture."""

    source: str
    target: str
    kind: LinkKind
    label: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """The chain as it appears in the captures, nodes in the order of the way to the origin."""

    nodes: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()


EventKind: TypeAlias = Literal[
    "handshake", "staple", "staple-revoked", "staple-unusable", "query", "revoked", "unknown", "failed"
]
"""``staple`` and ``query`` say good; ``revoked`` and ``unknown`` are queries whose answers say so."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a validator did at one moment."""

    time: Time
    """Nanoseconds since the Unix epoch, by the clock of the reference capture."""
    kind: EventKind
    capture: str
    frame: int | None
    label: str


@dataclass(frozen=True, slots=True)
class Cover:
    """The time for which an answer speaks for a certificate, so that no query is needed."""

    start: int
    end: int
    label: str
    status: Status = "good"
    """What it says."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Events about one certificate, by time."""

    name: str
    certificate: str | None
    """SHA-256."""
    events: tuple[Event, ...]
    covers: tuple[Cover, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The acts of one validator."""

    validator: Validator
    start: int
    end: int
    """Times of the first and last event."""
    lanes: tuple[Lane, ...]
    omitted: int
    """Certificates for which there was no room."""


@dataclass(frozen=True, slots=True)
class StapleRow:
    """The fate of stapling between one validator and one host (RFC 6066 8, RFC 8446 4.4.2.1)."""

    validator: Validator
    host: str | None
    """SNI, else CONNECT host, in lower case; None: neither was seen."""
    handshakes: int
    requested: int
    """Handshakes whose ClientHello bears status_request."""
    request_unseen: int
    """Handshakes of which the captures do not show whether it does."""
    sent: int
    """Handshakes with a staple that could be seen."""
    unseen: int
    """Handshakes in which there may be one that cannot be seen: encrypted, or bytes are missing."""
    fresh: int
    """Handshakes with a usable staple about the server's own certificate."""
    fresh_until: Time | None
    """nextUpdate of the last usable one; None where it has none, or there is none."""
    fresh_for: int | None
    """Nanoseconds for which it was still fresh when it was sent."""
    stale_since: Time | None
    """nextUpdate of the last one that was sent after it."""
    problem: str | None
    """What was wrong with the last unusable one, one clause; None: none was."""
    refused: int
    """Handshakes that the client ended with the alert bad_certificate_status_response."""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation(_Begun):
    """The answer to the whole question, ready for a report."""

    captures: tuple[CaptureFact, ...]
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    unmatched_exchanges: tuple[OcspExchangeFact, ...]
    """OCSP exchanges for certificates that the sender was not seen to receive."""
    chains: tuple[Chain, ...] = ()
    """What each proxy saw for the hosts that were seen on several legs."""
    notes: tuple[str, ...] = ()
    """Warnings about the run as a whole: clock offset applied, roles inferred from traffic, unused keys."""
    headline: str = ""
    """The sentence that answers the ticket, the same in every format."""
    picture: Picture = Picture()
    """The chain with what each link carried."""
    timelines: tuple[Timeline, ...] = ()
    """What each validator did over time, those that asked first."""
    staples: tuple[StapleRow, ...] = ()
    """What became of stapling, what went wrong first."""
    bounds_reached: tuple[str, ...] = ()
    """Sentences about bounds of the program that were reached while explaining."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """All that is to be said of the run as a whole."""
        return (*self.notes, *self.bounds_reached)

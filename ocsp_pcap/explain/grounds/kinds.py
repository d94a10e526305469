"""The kinds of ground on which a claim can stand: each says one thing, and holds what doubts it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ocsp_pcap.explain.matching import Match
from ocsp_pcap.explain.site import Source
from ocsp_pcap.explain.trace import TraceEntry
from ocsp_pcap.explain.visits import Query, Visit
from ocsp_pcap.facts import (
    CertificateFact,
    DnsLookupFact,
    HandshakeFact,
    OcspExchangeFact,
    ResponseFact,
    SingleFact,
    TcpAttemptFact,
)

Part: TypeAlias = Literal[
    "certificate", "staple", "hellos", "server-hello", "end", "request", "answer", "packets"
]


@dataclass(frozen=True, slots=True)
class Saw:
    """A whole message stands in the capture."""

    fact: HandshakeFact | OcspExchangeFact | DnsLookupFact | TcpAttemptFact
    part: Part


@dataclass(frozen=True, slots=True)
class Did:
    """This validator did it itself, and did it for this certificate."""

    act: Visit | Query | DnsLookupFact | TcpAttemptFact


@dataclass(frozen=True, slots=True)
class Means:
    """A response speaks of this certificate, signed by who may; or, turned round, it cannot be relied on."""

    match: Match
    response: ResponseFact | None
    """None where only the question matters."""
    time: int
    """When it was accepted, nanoseconds since the epoch, by its capture's clock."""
    refuted: bool = False
    """The claim is that the response is bad: then what may make it good is the doubt."""


@dataclass(frozen=True, slots=True)
class Held:
    """A response was valid at a time; or, turned round, it was not."""

    single: SingleFact
    capture: str
    time: int
    """By the clock of that capture."""
    until: int | None
    """When it ends by a clock of others (nextUpdate, Expires); None: by the capture's own (TTL, max-age)."""
    refuted: bool = False


@dataclass(frozen=True, slots=True)
class After:
    """One packet came after another: (capture, time by the reference clock) of each."""

    first: tuple[str, int]
    second: tuple[str, int]


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing followed, in every capture that would show it."""

    since: int
    """By the reference clock."""
    of: Literal["query", "answer", "another-try"] = "query"
    fact: OcspExchangeFact | DnsLookupFact | TcpAttemptFact | None = None
    """What nothing followed; None: the handshake."""
    expected: bool = False
    """Something else says that nothing is to be expected: that the capture holds none of it is no doubt."""


@dataclass(frozen=True, slots=True)
class Told:
    """The site file, a configuration, a log or a trace says so."""

    source: Source | TraceEntry


@dataclass(frozen=True, slots=True)
class Genuine:
    """The certificate is the origin's own; or, turned round, a proxy made it."""

    certificate: CertificateFact
    refuted: bool = False
    proofs: tuple[str, ...] = ()
    """For a certificate that a proxy made: what shows it (``both-sides``, ``maker``, ``one-key``)."""


Ground: TypeAlias = Saw | Did | Means | Held | After | Silence | Told | Genuine
Kind: TypeAlias = (
    type[Saw]
    | type[Did]
    | type[Means]
    | type[Held]
    | type[After]
    | type[Silence]
    | type[Told]
    | type[Genuine]
)

STATEMENTS: dict[Kind, str] = {
    Saw: "the messages that it rests on are in the capture as a whole",
    Did: "this host itself did it, and for this certificate",
    Means: "CertID and signature decide what the response says of this certificate",
    Held: "the response was valid at that time, or certainly was not",
    After: "the order in time is certain",
    Silence: "nothing followed, and the capture would have shown it",
    Told: "the site file, a configuration, a log or a trace says so",
    Genuine: "it is certain whether the certificate is the origin's own or was made by a proxy",
}
"""What each kind of ground says, for ``ocsp-pcap cause``."""

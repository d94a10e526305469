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

Part: TypeAlias = Literal["staple", "hellos", "server-hello", "end", "answer"]
Spoken: TypeAlias = HandshakeFact | OcspExchangeFact
Act: TypeAlias = Query | DnsLookupFact | TcpAttemptFact


@dataclass(frozen=True, slots=True)
class Saw:
    """A message stands in the capture as a whole: what it says is all that was said."""

    fact: Spoken
    part: Part


@dataclass(frozen=True, slots=True)
class Read:
    """A message was read, which shows that it is whole."""

    fact: Spoken


@dataclass(frozen=True, slots=True)
class Sent:
    """This validator itself sent it."""

    act: Act


@dataclass(frozen=True, slots=True)
class For:
    """It was sent for this certificate, and because of this handshake."""

    act: Act


@dataclass(frozen=True, slots=True)
class Received:
    """This validator itself is the TLS peer, and so the one to judge the certificate."""

    visit: Visit


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
    """No query followed the handshake, in every capture that would show it."""

    since: int
    """By the reference clock."""


@dataclass(frozen=True, slots=True)
class NoOtherTry:
    """No other way was tried after one had failed."""

    since: int
    """By the reference clock."""
    fact: OcspExchangeFact | DnsLookupFact | TcpAttemptFact | None = None
    """What failed; None: the handshake."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer followed a request."""

    fact: OcspExchangeFact


@dataclass(frozen=True, slots=True)
class InView:
    """The captures can show such traffic as a query would be."""


@dataclass(frozen=True, slots=True)
class Due:
    """Nothing about the validator's own habits kept it from asking."""

    since: int
    """By the reference clock."""


@dataclass(frozen=True, slots=True)
class Alone:
    """No query followed that may have been for this handshake as well as for a nearer one."""

    since: int
    """By the reference clock."""


@dataclass(frozen=True, slots=True)
class Told:
    """The site file or a configuration says so."""

    source: Source


@dataclass(frozen=True, slots=True)
class Traced:
    """A line of a policy trace says so."""

    entry: TraceEntry


@dataclass(frozen=True, slots=True)
class Genuine:
    """The certificate is the origin's own; or, turned round, a proxy made it."""

    certificate: CertificateFact
    refuted: bool = False
    proofs: tuple[str, ...] = ()
    """For a certificate that a proxy made: what shows it (``both-sides``, ``maker``, ``one-key``)."""


Ground: TypeAlias = (
    Saw
    | Read
    | Sent
    | For
    | Received
    | Means
    | Held
    | After
    | Silence
    | NoOtherTry
    | Unanswered
    | InView
    | Due
    | Alone
    | Told
    | Traced
    | Genuine
)
Kind: TypeAlias = (
    type[Saw]
    | type[Read]
    | type[Sent]
    | type[For]
    | type[Received]
    | type[Means]
    | type[Held]
    | type[After]
    | type[Silence]
    | type[NoOtherTry]
    | type[Unanswered]
    | type[InView]
    | type[Due]
    | type[Alone]
    | type[Told]
    | type[Traced]
    | type[Genuine]
)

STATEMENTS: dict[Kind, str] = {
    Saw: "the messages that it rests on are in the capture as a whole",
    Read: "the messages that it rests on were read, which shows that they are whole",
    Sent: "this host itself sent the query, the lookup or the SYN",
    For: "it was sent for this certificate, because of this handshake",
    Received: "this host itself is the TLS peer, and so the one to judge the certificate",
    Means: "CertID and signature decide what the response says of this certificate",
    Held: "the response was valid at that time, or certainly was not",
    After: "the order in time is certain",
    Silence: "no query followed, and the captures cover the time and the place where it would stand",
    NoOtherTry: "nothing else was tried after it, and the captures would have shown it",
    Unanswered: "no answer followed, and the capture would have shown it",
    InView: "the captures can show such traffic at all",
    Due: "nothing about the validator's own habits kept it from asking",
    Alone: "no query followed that may have been for this handshake as well as for a nearer one",
    Told: "the site file or a configuration says so",
    Traced: "a line of a policy trace says so",
    Genuine: "it is certain whether the certificate is the origin's own or was made by a proxy",
}
"""What each kind of ground says, for ``ocsp-pcap cause``."""

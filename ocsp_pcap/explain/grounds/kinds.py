"""The kinds of ground on which a claim can stand: each says one thing, and holds what its doubts look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from ocsp_pcap.explain.matching import Match
from ocsp_pcap.explain.site import Source
from ocsp_pcap.explain.trace_entry import TraceEntry
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


class Ground:
    """What a claim stands on."""

    __slots__ = ()
    states: ClassVar[str]
    """What it says, for ``ocsp-pcap cause``."""


Kind: TypeAlias = type[Ground]


@dataclass(frozen=True, slots=True, eq=False)
class Saw(Ground):
    """A message stands in the capture as a whole: what it says is all that was said."""

    states = "the messages that it rests on are in the capture as a whole"
    fact: Spoken
    part: Part


@dataclass(frozen=True, slots=True, eq=False)
class Read(Ground):
    """A message was read, which shows that it is whole."""

    states = "the messages that it rests on were read, which shows that they are whole"
    fact: Spoken


@dataclass(frozen=True, slots=True, eq=False)
class Sent(Ground):
    """This validator itself sent it."""

    states = "this host itself sent the query, the lookup or the SYN"
    act: Act


@dataclass(frozen=True, slots=True, eq=False)
class For(Ground):
    """It was sent for this certificate, and because of this handshake."""

    states = "it was sent for this certificate, because of this handshake"
    act: Act


@dataclass(frozen=True, slots=True, eq=False)
class Received(Ground):
    """This validator itself is the TLS peer, and so the one to judge the certificate."""

    states = "this host itself is the TLS peer, and so the one to judge the certificate"
    visit: Visit


@dataclass(frozen=True, slots=True, eq=False)
class Means(Ground):
    """A response is about this certificate and validly signed; or, with ``refuted``, that it is not."""

    states = "CertID and signature decide what the response says of this certificate"
    match: Match
    response: ResponseFact | None
    """None where only the question matters."""
    time: int
    """When it was accepted, nanoseconds since the epoch, by its capture's clock."""
    refuted: bool = False
    """The claim is that the response is bad: the doubt is then what may make it good."""


@dataclass(frozen=True, slots=True, eq=False)
class Held(Ground):
    """A response was valid at a time; or, with ``refuted``, that it was not."""

    states = "the response was valid at that time, or certainly was not"
    single: SingleFact
    capture: str
    time: int
    """By the clock of that capture."""
    until: int | None
    """When it ends, where others state that (nextUpdate, Expires); None: after a span (TTL, max-age)."""
    refuted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class After(Ground):
    """One packet came after another: (capture, time by the reference clock) of each."""

    states = "the order in time is certain"
    first: tuple[str, int]
    second: tuple[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Silence(Ground):
    """No query followed the handshake, in every capture that would show it."""

    states = "no query followed, and the captures cover the time and the place where it would stand"
    since: int
    """By the reference clock."""


@dataclass(frozen=True, slots=True, eq=False)
class NoOtherTry(Ground):
    """No other way was tried after one had failed."""

    states = "nothing else was tried after it, and the captures would have shown it"
    since: int
    """By the reference clock."""
    fact: OcspExchangeFact | DnsLookupFact | TcpAttemptFact | None = None
    """What failed; None: the handshake."""


@dataclass(frozen=True, slots=True, eq=False)
class Unanswered(Ground):
    """No answer followed a request."""

    states = "no answer followed, and the capture would have shown it"
    fact: OcspExchangeFact


@dataclass(frozen=True, slots=True, eq=False)
class InView(Ground):
    """The captures can show such traffic as a query would be."""

    states = "the captures can show such traffic at all"


@dataclass(frozen=True, slots=True, eq=False)
class Due(Ground):
    """Nothing about the validator's own habits kept it from asking."""

    states = "nothing about the validator's own habits kept it from asking"
    since: int
    """By the reference clock."""


@dataclass(frozen=True, slots=True, eq=False)
class Alone(Ground):
    """No query stands so near that it may have been for this handshake as well as for a nearer one."""

    states = "no query stands so near that it may have been for this handshake as well as for a nearer one"
    since: int
    """By the reference clock."""


@dataclass(frozen=True, slots=True, eq=False)
class Told(Ground):
    """The site file or a configuration says so."""

    states = "the site file or a configuration says so"
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class Traced(Ground):
    """A line of a policy trace says so."""

    states = "a line of a policy trace says so"
    entry: TraceEntry


@dataclass(frozen=True, slots=True, eq=False)
class Genuine(Ground):
    """The certificate is the origin's own; or, with ``refuted``, that a proxy made it."""

    states = "it is certain whether the certificate is the origin's own or was made by a proxy"
    certificate: CertificateFact
    refuted: bool = False
    proofs: tuple[str, ...] = ()
    """For a certificate that a proxy made: what shows it (``both-sides``, ``maker``, ``one-key``)."""

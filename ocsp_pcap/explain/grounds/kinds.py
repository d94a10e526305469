"""The kinds of ground on which a claim can stand: each says one thing, and holds what its doubts look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

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


class Saw(NamedTuple):
    """A message stands in the capture as a whole: what it says is all that was said."""

    fact: Spoken
    part: Part


class Read(NamedTuple):
    """A message was read, which shows that it is whole."""

    fact: Spoken


class Sent(NamedTuple):
    """This validator itself sent it."""

    act: Act


class For(NamedTuple):
    """It was sent for this certificate, and because of this handshake."""

    act: Act


class Received(NamedTuple):
    """This validator itself is the TLS peer, and so the one to judge the certificate."""

    visit: Visit


class Means(NamedTuple):
    """A response is about this certificate and validly signed; or, with ``refuted``, that it is not."""

    match: Match
    response: ResponseFact | None
    """None where only the question matters."""
    time: int
    """When it was accepted, nanoseconds since the epoch, by its capture's clock."""
    refuted: bool = False
    """The claim is that the response is bad: the doubt is then what may make it good."""


class Held(NamedTuple):
    """A response was valid at a time; or, with ``refuted``, that it was not."""

    single: SingleFact
    capture: str
    time: int
    """By the clock of that capture."""
    until: int | None
    """When it ends, where others state that (nextUpdate, Expires); None: after a span (TTL, max-age)."""
    refuted: bool = False


class After(NamedTuple):
    """One packet came after another: (capture, time by the reference clock) of each."""

    first: tuple[str, int]
    second: tuple[str, int]


class Silence(NamedTuple):
    """No query followed the handshake, in every capture that would show it."""

    since: int
    """By the reference clock."""


class NoOtherTry(NamedTuple):
    """No other way was tried after one had failed."""

    since: int
    """By the reference clock."""
    fact: OcspExchangeFact | DnsLookupFact | TcpAttemptFact | None = None
    """What failed; None: the handshake."""


class Unanswered(NamedTuple):
    """No answer followed a request."""

    fact: OcspExchangeFact


class InView(NamedTuple):
    """The captures can show such traffic as a query would be."""


class Due(NamedTuple):
    """Nothing about the validator's own habits kept it from asking."""

    since: int
    """By the reference clock."""


class Alone(NamedTuple):
    """No query stands so near that it may have been for this handshake as well as for a nearer one."""

    since: int
    """By the reference clock."""


class Told(NamedTuple):
    """The site file or a configuration says so."""

    source: Source


class Traced(NamedTuple):
    """A line of a policy trace says so."""

    entry: TraceEntry


class Genuine(NamedTuple):
    """The certificate is the origin's own; or, with ``refuted``, that a proxy made it."""

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
"""What a claim stands on."""
Kind: TypeAlias = type[Ground]

STATES: Final[Mapping[Kind, str]] = {
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
    Alone: "no query stands so near that it may have been for this handshake as well as for a nearer one",
    Told: "the site file or a configuration says so",
    Traced: "a line of a policy trace says so",
    Genuine: "it is certain whether the certificate is the origin's own or was made by a proxy",
}
"""What each kind says, for ``ocsp-pcap cause``."""

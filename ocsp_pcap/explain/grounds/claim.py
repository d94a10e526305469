"""Claims of causes, and how sure they turn out to be."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from ocsp_pcap.explain.grounds.kinds import Ground, Kind
from ocsp_pcap.explain.model import Confidence, Evidence, Status

DoubtCode: TypeAlias = Literal[
    "other-asker",
    "other-place",
    "span-not-covered",
    "packets-lost",
    "hidden-rival",
    "other-purpose",
    "unread-question",
    "ambiguous-bytes",
    "clock",
    "trust-open",
    "reissue-open",
    "may-tunnel",
    "told-otherwise",
    "capture-blind",
    "checks-only-some",
]

Proof: TypeAlias = tuple[Kind, ...]
"""Kinds of ground that, together and undoubted, prove a cause."""


class Standing(NamedTuple):
    """A doubt that stands, and why."""

    code: DoubtCode
    why: str
    """One clause that goes on from "likely only, because"."""
    evidence: tuple[Evidence, ...] = ()
    rival: str | None = None
    """Another cause that would fit as well; then nothing favours the claim."""
    given: bool = False
    """The site file alone takes the doubt away; ``why`` is then what it says, and is said with the claim."""


def cut_short(code: DoubtCode, bound: str) -> Standing:
    """Return the doubt that stands where a search for what speaks against a claim was cut short."""
    words = "a bound of this program was reached before all that may speak against it was looked at"
    return Standing(code, f"{words} (--bound {bound}=N changes it)")


class Claim(NamedTuple):
    """What one cause says about one question."""

    cause: str
    summary: str
    """One sentence, plain text; also the reason where the claim becomes an alternative."""
    evidence: tuple[Evidence, ...] = ()
    grounds: tuple[Ground, ...] = ()
    signs: tuple[Standing, ...] = ()
    """Doubts that the cause itself leaves open: the claim is a sign, and no proof."""
    at_most: Confidence = "confirmed"
    """How sure it can be, whatever its grounds: what is ``possible`` is only ever an alternative."""
    status: Status | None = None
    responder: str | None = None
    telling: int = -1
    """Index of the evidence to look at first; as a rule the last, which is what came of it."""
    until: str | None = None
    """When the answer that the validator holds runs out, in words."""
    words: tuple[tuple[str, str], ...] = ()
    """Placeholders of the next steps (:data:`~ocsp_pcap.explain.entries.PLACEHOLDERS`), and their values."""
    longer: str | None = None
    """How long answers last, in words, where a capture longer than that would decide."""


class Weighed(NamedTuple):
    """A claim with how sure it is, and the doubts that stand."""

    claim: Claim
    confidence: Confidence
    doubts: tuple[Standing, ...]
    given: tuple[Standing, ...] = ()
    """Doubts that stand no longer because of what the site file says: the claim is true if that is."""

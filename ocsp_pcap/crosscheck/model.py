"""The things that a crosscheck compares, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ocsp_pcap.facts import Transport

Kind: TypeAlias = Literal["client-hello", "certificate", "staple", "request", "response"]

KINDS: Final[tuple[Kind, ...]] = ("client-hello", "certificate", "staple", "request", "response")


class CrosscheckUnavailable(Exception):  # noqa: N818 - a state of this machine, not a mistake
    """There is no second witness for a capture; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that one of the two witnesses saw."""

    kind: Kind
    transport: Transport
    stream: int
    """Wireshark's ``tcp.stream`` or ``udp.stream``."""
    frame: int | None
    """None where the facts do not tell it (client certificates)."""
    identity: str
    """Two items of one kind are the same thing where this is equal."""
    label: str
    """The identity for a human being."""
    mark: str = ""
    """What tells one hello from another like it: its random."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One thing that the two witnesses do not tell alike."""

    kind: Kind
    transport: Transport
    frame: int | None
    stream: int
    ours: str | None
    """What the facts say; None: nothing."""
    wireshark: str | None
    """What Wireshark says; None: nothing."""
    explanation: str | None = None
    """Why the difference is no fault of the facts, where that is proven; None: it is a disagreement."""


@dataclass(frozen=True, slots=True)
class KindCount:
    """The result for one kind of thing."""

    kind: Kind
    both: int
    """Seen alike by both witnesses."""
    ours: int
    """All that the facts hold."""
    wireshark: int
    """All that Wireshark showed."""


@dataclass(frozen=True, slots=True)
class CrosscheckResult:
    """The facts of one capture against Wireshark's dissection of it."""

    capture: str
    wireshark: str
    """The version of Wireshark that dissected."""
    counts: tuple[KindCount, ...]
    """One for each kind, in the order of :data:`KINDS`."""
    disagreements: tuple[Disagreement, ...]
    """In the order of frames; those with an explanation are no fault of the facts."""
    note: str | None = None
    """What Wireshark said of the capture as a whole: that it is cut short, for instance."""

    @property
    def agrees(self) -> bool:
        """Tell whether every difference is explained: exit status 0, else 1."""
        return all(disagreement.explanation is not None for disagreement in self.disagreements)

    @property
    def unexplained(self) -> tuple[Disagreement, ...]:
        """The differences that count."""
        return tuple(item for item in self.disagreements if item.explanation is None)

    @property
    def explained(self) -> tuple[Disagreement, ...]:
        """The differences that are Wireshark's way of showing things."""
        return tuple(item for item in self.disagreements if item.explanation is not None)

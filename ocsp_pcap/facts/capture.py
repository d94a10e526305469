"""One capture, and what limits its testimony."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ocsp_pcap.facts.types import AmbiguousFrames, CaptureRole, Port, StreamNumber, Time


@dataclass(frozen=True, slots=True)
class FileStream:
    """A stream of a rotated set and its number in one of the files."""

    stream: StreamNumber
    """In the set as a whole, as facts name it."""
    number: int
    """As Wireshark numbers it where it reads that file alone."""


@dataclass(frozen=True, slots=True)
class AmbiguousStream:
    """A TCP stream in which packets disagree about the same bytes, or that a receiver may not have taken."""

    stream: StreamNumber
    frames: AmbiguousFrames


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """One file of a rotated set. Its first frame follows the last of the file before it."""

    path: str
    packets: int
    first_time: Time | None
    last_time: Time | None
    damage: str | None
    tcp_streams: tuple[FileStream, ...] = ()
    """The streams that facts mention, as far as this file has packets of them."""
    udp_streams: tuple[FileStream, ...] = ()


@dataclass(frozen=True, slots=True)
class UndecodedFact:
    """Packets of one kind that could not be understood."""

    name: str
    """What they are: ``EtherType 0x88e5 (MACsec)``, ``IP protocol 50 (ESP, encrypted)``, ``DTLS``."""
    packets: int


@dataclass(frozen=True, slots=True)
class CaptureFact:
    """One capture, a file or a rotated set of files, and what limits its testimony."""

    kind: ClassVar[str] = "capture"
    path: str
    """Of the file; of a set, a glob that its files match."""
    packets: int
    first_time: Time | None
    last_time: Time | None
    link_types: tuple[str, ...]
    snaplen: int | None
    truncated_packets: int
    dropped: int | None
    """Packets the capturing system reports as dropped; None where it reports nothing."""
    undecoded_packets: int
    tcp_gaps: int
    one_sided_streams: int
    damage: str | None
    ports_seen: tuple[Port, ...]
    """TCP and UDP ports, the lower port of each conversation, that carried packets (bounded)."""
    size: int = 0
    """Bytes of the capture file as decompressed."""
    tcp_streams: int = 0
    notes: tuple[str, ...] = ()
    """Other limits in words: a key log that opened nothing, memory bounds that were reached."""
    ambiguous_streams: tuple[AmbiguousStream, ...] = ()
    """Streams in which packets disagree about bytes of no handshake, OCSP exchange or CRL download; frames
    that disagree about those stand under ``ambiguous`` of their facts."""
    files: tuple[CaptureFile, ...] = ()
    """The files of a rotated set in order of time; frames and streams are counted through all of them.
    Empty where the capture is one file."""
    step_back: int = 0
    """Nanoseconds by which the time of a packet is before that of the one before it in the file, at most; 0:
    times never go back. Small steps are usual where several interfaces or processors capture side by side."""
    undecoded: tuple[UndecodedFact, ...] = ()
    """What the undecoded packets are, the most frequent first."""
    role: CaptureRole | None = None
    """The proxy whose outer side it shows, where the capture says so itself, as evidence captures do."""

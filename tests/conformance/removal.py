"""Captures with packets taken out, and what is still confirmed of each connection."""

from __future__ import annotations

import random
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.explain.question import Question
from ocsp_pcap.facts import Facts
from tests.unit.explain.weighing import weighed

GLOBAL_HEADER = struct.Struct("<IHHiIII")
RECORD_HEADER = struct.Struct("<IIII")
MICROSECONDS = 0xA1B2C3D4
ADDRESS_OFFSETS = {1: 14, 276: 20}
"""Link type to the length of its header: Ethernet, Linux cooked capture version 2."""
TCP, UDP = 6, 17

End: TypeAlias = tuple[str, int]
Flow: TypeAlias = tuple[int, End, End]
"""IP protocol and both ends, the lower one first."""
Place: TypeAlias = tuple[str, Flow, str | None]
"""Name of the capture, connection, SHA-256 of the certificate (None: none was visible)."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One record of a capture, as far as it can be told apart from others."""

    frame: int
    record: bytes
    protocol: int
    source: End
    destination: End
    payload: int
    """Bytes above TCP or UDP."""

    @property
    def flow(self) -> Flow:
        low, high = sorted((self.source, self.destination))
        return self.protocol, low, high

    @property
    def ports(self) -> set[int]:
        return {self.source[1], self.destination[1]}


@dataclass(frozen=True)
class Recording:
    """A pcap file in memory, little-endian with microseconds, as tcpdump writes it here."""

    name: str
    header: bytes
    packets: tuple[Packet, ...]

    @classmethod
    def read(cls, path: Path) -> Recording:
        data = path.read_bytes()
        magic, *_, link_type = GLOBAL_HEADER.unpack_from(data)
        assert magic == MICROSECONDS, path
        packets: list[Packet] = []
        offset = GLOBAL_HEADER.size
        while offset < len(data):
            captured = RECORD_HEADER.unpack_from(data, offset)[2]
            end = offset + RECORD_HEADER.size + captured
            frame = data[offset + RECORD_HEADER.size : end]
            packets.append(_packet(len(packets) + 1, data[offset:end], frame[ADDRESS_OFFSETS[link_type] :]))
            offset = end
        return cls(path.name, data[: GLOBAL_HEADER.size], tuple(packets))

    @cached_property
    def flows(self) -> dict[Flow, list[Packet]]:
        """Packets of each connection."""
        flows: dict[Flow, list[Packet]] = defaultdict(list)
        for packet in self.packets:
            flows[packet.flow].append(packet)
        return flows

    def without(self, frames: Iterable[int]) -> Recording:
        """Return the capture without some frames; those that stay keep the numbers that they had."""
        gone = frozenset(frames)
        return Recording(self.name, self.header, tuple(p for p in self.packets if p.frame not in gone))

    def write(self, folder: Path) -> Path:
        path = folder / self.name
        path.write_bytes(self.header + b"".join(packet.record for packet in self.packets))
        return path


def _packet(number: int, record: bytes, ip: bytes) -> Packet:
    if not ip or ip[0] >> 4 != 4:
        return Packet(number, record, 0, ("", 0), ("", 0), 0)
    words, protocol = ip[0] & 15, ip[9]
    source, destination = (".".join(map(str, ip[at : at + 4])) for at in (12, 16))
    transport = ip[words * 4 :]
    if protocol not in (TCP, UDP) or len(transport) < 8:
        return Packet(number, record, protocol, (source, 0), (destination, 0), 0)
    ports = struct.unpack_from(">HH", transport)
    header = (transport[12] >> 4) * 4 if protocol == TCP and len(transport) > 12 else 8
    total = struct.unpack_from(">H", ip, 2)[0]
    payload = total - words * 4 - header
    return Packet(number, record, protocol, (source, ports[0]), (destination, ports[1]), payload)


def removals(recording: Recording, random_subsets: int, seed: int) -> Iterator[tuple[str, frozenset[int]]]:
    """Yield ways to take packets out of a capture: a name for it, and the frames to take."""
    chance = random.Random(f"{recording.name} {seed}")
    everything = [packet.frame for packet in recording.packets]
    for packet in recording.packets:
        yield f"frame {packet.frame}", frozenset({packet.frame})
    for flow, packets in recording.flows.items():
        yield f"connection {flow}", frozenset(p.frame for p in packets)
        for source in sorted({p.source for p in packets}):
            yield f"{flow} from {source}", frozenset(p.frame for p in packets if p.source == source)
            yield (
                f"payload of {flow} from {source}",
                frozenset(p.frame for p in packets if p.source == source and p.payload > 0),
            )
        numbers = [p.frame for p in packets]
        for cut in sorted({1, 2, 3, len(numbers) // 2, len(numbers) - 2, len(numbers) - 1}):
            if 0 < cut < len(numbers):
                yield f"{flow} before its packet {cut + 1}", frozenset(numbers[:cut])
                yield f"{flow} from its packet {cut + 1} on", frozenset(numbers[cut:])
    for port in sorted({port for packet in recording.packets for port in packet.ports if 0 < port < 10000}):
        yield f"port {port}", frozenset(p.frame for p in recording.packets if port in p.ports)
    for protocol in (TCP, UDP):
        yield f"protocol {protocol}", frozenset(p.frame for p in recording.packets if p.protocol == protocol)
    for address in sorted({packet.source[0] for packet in recording.packets}):
        yield f"all from {address}", frozenset(p.frame for p in recording.packets if p.source[0] == address)
        yield (
            f"all to {address}",
            frozenset(p.frame for p in recording.packets if p.destination[0] == address),
        )
    for tenth in range(1, 10):
        cut = len(everything) * tenth // 10
        yield f"the first {cut} frames", frozenset(everything[:cut])
        yield f"all but the first {cut} frames", frozenset(everything[cut:])
    for number in range(random_subsets):
        share = chance.choice((0.02, 0.1, 0.3, 0.6))
        taken = frozenset(frame for frame in everything if chance.random() < share)
        yield f"random subset {number} ({share:.0%})", taken


def told(
    explanation: Explanation, recordings: Mapping[str, Recording], *, confirmed_only: bool
) -> dict[Place, set[str]]:
    """Return the causes that an explanation names for each certificate and connection.

    Frames of reduced captures are counted anew; by the packets that they are the connection is known again.
    """
    found: dict[Place, set[str]] = defaultdict(set)
    for verdict in explanation.verdicts:
        sha256 = verdict.certificate.sha256 if verdict.certificate is not None else None
        for sighting in verdict.sightings:
            if sighting.confidence == "confirmed" or not confirmed_only:
                recording = recordings[Path(sighting.capture).name]
                flow = recording.packets[sighting.frame - 1].flow
                found[recording.name, flow, sha256].add(sighting.cause)
    return found


def held_at_once(
    facts: Facts, context: Context, recordings: Mapping[str, Recording]
) -> dict[Place, set[str]]:
    """Return all causes that are confirmed for each certificate and connection, not only the most specific.

    What a connection says of the leaf also stands under None, for where the certificate is gone.
    """
    case = Case(facts, context)
    found: dict[Place, set[str]] = defaultdict(set)
    for visit in case.visits:
        recording = recordings[Path(visit.handshake.capture).name]
        flow = recording.packets[visit.frame - 1].flow
        for position, certificate in enumerate(case.chain(visit.handshake) or [None]):
            question = Question(case, visit, certificate, position)
            causes = {one.claim.cause for one in weighed(question) if one.confidence == "confirmed"}
            found[recording.name, flow, certificate.sha256 if certificate else None] |= causes
            if position == 0:
                found[recording.name, flow, None] |= causes
    return found

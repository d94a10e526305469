"""The walk over the headers of a batch, as columns with numpy: header by header, all packets at once.

A step takes the packets that have one kind of header and says what follows in each. What is an IP
packet with TCP or UDP gives a row; what carries another packet, in tags, labels or a tunnel, is handed
to the next round with its inner header first; what is rare is left to the slow path.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.capture.batch import Bytes, PacketBatch
from ocsp_pcap.decode import link, network, tunnels
from ocsp_pcap.decode.blocks import Block
from ocsp_pcap.decode.frames import Frames, Space, together
from ocsp_pcap.decode.kinds import OF_PORT, Kind, Step
from ocsp_pcap.decode.network import Packets
from ocsp_pcap.decode.protocols import TCP, UDP
from ocsp_pcap.decode.undecoded import BAD_HEADER, PROTOCOL, SHORT, TOO_DEEP, Undecoded
from ocsp_pcap.decode.window import byte

_STEPS: dict[int, Callable[[Bytes, Frames], Step]] = {
    Kind.ETHERNET: link.ethernet,
    Kind.TAG: link.tag,
    Kind.SNAP: link.snap,
    Kind.COOKED: link.cooked,
    Kind.COOKED_2: link.cooked_2,
    Kind.NULL: link.null,
    Kind.MPLS: link.mpls,
    Kind.PPPOE: link.pppoe,
    Kind.PPP: link.ppp,
    Kind.CISCO_METADATA: link.cisco_metadata,
    Kind.VN_TAG: link.vn_tag,
    Kind.HSR: link.hsr,
    Kind.BACKBONE: link.backbone,
    Kind.FABRIC_PATH: link.fabric_path,
    Kind.TRILL: link.trill,
    Kind.NSH: link.nsh,
    Kind.GRE: tunnels.gre,
    Kind.ERSPAN_2: tunnels.erspan_2,
    Kind.ERSPAN_3: tunnels.erspan_3,
    Kind.WCCP: tunnels.wccp,
    Kind.ETHERIP: tunnels.etherip,
    Kind.VXLAN: tunnels.vxlan,
    Kind.VXLAN_GPE: tunnels.vxlan_gpe,
    Kind.GENEVE: tunnels.geneve,
    Kind.GTP: tunnels.gtp,
    Kind.LISP: tunnels.lisp,
    Kind.TZSP: tunnels.tzsp,
    Kind.L2TP: tunnels.l2tp,
    Kind.GUE: tunnels.gue,
    Kind.GRE_IN_UDP: tunnels.gre_in_udp,
    Kind.MPLS_IN_UDP: tunnels.mpls_in_udp,
    Kind.OPAQUE_PORT: tunnels.opaque_port,
}
_SLOW = (Kind.SLOW_LINK, Kind.SLOW_IP, Kind.SLOW_PORT)
_WELL_KNOWN = 1024

Level = dict[int, list[Frames]]
"""Packets by the kind of their next header."""


@dataclass(slots=True, eq=False, repr=False)
class FastResult:
    """The rows that the walk made of packets, and the packets that it leaves to the slow path."""

    space: Space
    quoted: bool = False
    """The packets are quoted by ICMP errors: they take part in the numbering of streams only."""
    tcp: list[Block] = field(default_factory=list)
    udp: list[Block] = field(default_factory=list)
    slow: Level = field(default_factory=dict)
    undecoded: Undecoded = field(default_factory=Undecoded)

    def waiting(self) -> list[Frames]:
        """Return what is left to the slow path."""
        return [piece for pieces in self.slow.values() for piece in pieces]


def first_level(batch: PacketBatch) -> Level:
    """Return the packets of a batch by the kind of their link layer."""
    if not len(batch):
        return {}
    start = batch.offset
    frames = Frames(
        np.arange(len(batch)), start, start + batch.captured_length, start + batch.original_length
    )
    first = int(batch.link_type[0])
    if (batch.link_type == first).all():
        return {link.kind_of_link_type(first): [frames]}
    level: Level = defaultdict(list)
    for link_type in np.unique(batch.link_type).tolist():
        some = frames.select(np.flatnonzero(batch.link_type == link_type))
        level[link.kind_of_link_type(link_type)].append(some)
    return level


def decode_fast(level: Level, result: FastResult) -> None:
    """Read what can be read as columns, beginning with ``level``; put it, and what is left, in ``result``."""
    for _ in range(BOUNDS.headers):
        if not level:
            return
        following: Level = defaultdict(list)
        for kind in sorted(level):
            frames = together(level[kind])
            if kind in _SLOW:
                result.slow.setdefault(kind, []).append(frames)
            elif kind in (Kind.IP, Kind.IP_6):
                _network(frames, kind, result, following)
            elif kind != Kind.NOTHING:
                _step(frames, kind, result, following)
        level = following
    deeper = sum(len(piece) for pieces in level.values() for piece in pieces)
    if deeper:
        result.undecoded.add(TOO_DEEP, deeper)
        reached("headers", deeper)


def _step(frames: Frames, kind: int, result: FastResult, following: Level) -> None:
    buffer = result.space.buffer
    if kind == Kind.ETHERNET:
        block, frames = network.dominant(buffer, frames)
        if block is not None:
            _keep(block, result.tcp, result)
        if not len(frames):
            return
    _follow(frames, _STEPS[kind](buffer, frames), result, following)


def _follow(frames: Frames, step: Step, result: FastResult, following: Level) -> None:
    """Put packets where their next header belongs, and count those that have none that is known."""
    kind = step.kind
    late = np.flatnonzero((step.at >= frames.captured_end) & (kind != Kind.NOTHING))
    if len(late):
        # A header alone, with nothing in it, is whole all the same: a keep-alive.
        empty = (step.at[late] == frames.reported_end[late]) & (kind[late] != Kind.IP)
        result.undecoded.add(SHORT, int(np.count_nonzero(~empty)))
        kind = kind.copy()
        kind[late] = Kind.NOTHING
    counts = np.bincount(kind)
    for found in np.flatnonzero(counts).tolist():
        if found == Kind.NOTHING:
            continue
        index = None if counts[found] == len(frames) else np.flatnonzero(kind == found)
        if found == Kind.UNKNOWN:
            assert step.number is not None
            result.undecoded.add_numbers(step.scheme, step.number if index is None else step.number[index])
            continue
        moved = frames.moved(step.at)
        following.setdefault(found, []).append(moved if index is None else moved.select(index))


def _network(frames: Frames, kind: int, result: FastResult, following: Level) -> None:
    """Read IP headers; an EtherType of IPv4 may announce IPv6 all the same: the version field decides."""
    version = byte(result.space.buffer, frames.at) >> 4
    is_4 = (version == 4) & (kind == Kind.IP)
    known = 0
    for read, chosen in ((network.ipv4, is_4), (network.ipv6, version == 6)):
        index = np.flatnonzero(chosen)
        if len(index):
            known += len(index)
            some = frames if len(index) == len(frames) else frames.select(index)
            packets, sound, fragment = read(result.space.buffer, some)
            result.undecoded.add(BAD_HEADER, int(np.count_nonzero(~sound)))
            _packets(packets, sound, fragment, result, following)
    result.undecoded.add(BAD_HEADER, len(frames) - known)


def _packets(
    packets: Packets,
    sound: NDArray[np.bool_],
    fragment: NDArray[np.bool_],
    result: FastResult,
    following: Level,
) -> None:
    buffer = result.space.buffer
    whole = sound & ~fragment
    if not whole.all():
        _leave(packets.select(np.flatnonzero(sound & fragment)), result)
        packets = packets.select(np.flatnonzero(whole))
    is_tcp, is_udp = packets.protocol == TCP, packets.protocol == UDP
    index = np.flatnonzero(is_tcp)
    if len(index):
        _keep(network.tcp(buffer, packets.select(index)), result.tcp, result)
    index = np.flatnonzero(is_udp)
    if len(index):
        block = network.udp(buffer, packets.select(index))
        _tunnels(block, result, following)
        _keep(block, result.udp, result)
    index = np.flatnonzero(~(is_tcp | is_udp))
    if len(index):
        _protocols(packets.select(index), result, following)


def _protocols(packets: Packets, result: FastResult, following: Level) -> None:
    kind = network.what_follows(result.space.buffer, packets)
    slow = kind == Kind.SLOW_IP
    if slow.any():
        _leave(packets.select(np.flatnonzero(slow)), result)
        kind[slow] = Kind.NOTHING
    if kind.any():
        some = packets.frames
        inside = replace(some, captured_end=np.minimum(some.captured_end, some.reported_end))
        _follow(inside, Step(kind, some.at, packets.protocol, PROTOCOL), result, following)


def _leave(packets: Packets, result: FastResult) -> None:
    """Leave packets to the slow path, from their IP header on."""
    if len(packets.frames):
        at_header = packets.frames.moved(packets.network_at)
        result.slow.setdefault(Kind.SLOW_IP, []).append(at_header)


def _tunnels(block: Block, result: FastResult, following: Level) -> None:
    """Hand on the payload of UDP datagrams to or from a tunnel's port."""
    kind = kinds_of_ports(block.source_port, block.destination_port)
    index = np.flatnonzero(kind)
    if len(index):
        start = block.payload_offset[index]
        end = start + block.payload_length[index]
        inside = Frames(block.row[index], start, end, end + block.payload_missing[index])
        _follow(inside, Step(kind[index], start), result, following)


def kinds_of_ports(source: NDArray[Any], destination: NDArray[Any]) -> NDArray[np.uint8]:
    """Return what UDP datagrams carry by their ports, that of the destination first.

    A query to a well-known port from a client that happens to use 4789 is no tunnel.
    """
    kind: NDArray[np.uint8] = OF_PORT[destination]
    by_source = (kind == Kind.NOTHING) & (destination >= _WELL_KNOWN)
    kind[by_source] = OF_PORT[source[by_source]]
    return kind


def _keep(block: Block, blocks: list[Block], result: FastResult) -> None:
    """Keep rows, with payload offsets as the columns count them."""
    if result.quoted:
        block = muted(block)
    base = result.space.base
    blocks.append(replace(block, payload_offset=block.payload_offset + base) if base else block)


def muted(block: Block) -> Block:
    """Return rows that take part in the numbering of streams only."""
    nothing = np.zeros(len(block), np.int64)
    return replace(
        block, payload_length=nothing, payload_missing=nothing, in_error=np.ones(len(block), np.bool_)
    )

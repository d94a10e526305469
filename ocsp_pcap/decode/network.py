"""IP and transport headers as columns.

A fixed-width window is copied from every packet at once; its fields are then read column by column.
The dominant stack (Ethernet, IPv4 without options, TCP) takes one such gather; the others take one
more per header, on the rows that need it only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Bytes, Column
from ocsp_pcap.decode.blocks import Addresses, Block, tcp_block, udp_block
from ocsp_pcap.decode.frames import Frames
from ocsp_pcap.decode.kinds import OF_PROTOCOL, Kind
from ocsp_pcap.decode.protocols import (
    ICMP,
    ICMP_ERRORS,
    ICMPV6,
    ICMPV6_ERRORS,
    table,
)
from ocsp_pcap.decode.window import (
    ETHERNET_IPV4_START,
    ETHERNET_IPV4_TCP,
    IPV4,
    IPV6,
    TCP_HEADER,
    UDP_HEADER,
    Window,
    byte,
    gather,
    pick,
    word,
)

_FRAGMENTED = 0x3FFF
"""More-fragments flag and fragment offset (RFC 791 3.1)."""
_FIRST, _FIRST_MASK = word("0000 0800 45"), word("0000 FFFF FF")
"""EtherType of IPv4, version 4 and a header of 20 bytes."""
_SECOND, _SECOND_MASK = word("0000 0000 00 06"), word("0000 3FFF 00 FF")
"""No fragment, and TCP: see _FRAGMENTED."""
_ICMP_ERROR = table(256, ICMP_ERRORS)
_ICMPV6_ERROR = table(256, ICMPV6_ERRORS)


class Packets(NamedTuple):
    """N packets of one IP version behind their IP header."""

    frames: Frames
    """Where their payload starts; ``captured_end`` may lie behind the end that the IP header announces."""
    addresses: Addresses
    protocol: NDArray[np.uint8]
    network_at: Column

    def select(self, index: NDArray[Any]) -> Packets:
        """Return some of them."""
        return Packets(
            self.frames.select(index),
            self.addresses.select(index),
            self.protocol[index],
            self.network_at[index],
        )


def dominant(buffer: Bytes, frames: Frames) -> tuple[Block | None, Frames]:
    """Read the Ethernet frames that hold IPv4 without options and TCP; return the others, too."""
    start, captured_end = frames.at, frames.captured_end
    window = gather(buffer, start + ETHERNET_IPV4_START, ETHERNET_IPV4_TCP)
    total = window["total_length"].astype(np.int64)
    chosen = (window["first"] & _FIRST_MASK) == _FIRST
    chosen &= (window["second"] & _SECOND_MASK) == _SECOND
    chosen &= total >= 20
    chosen &= captured_end - start >= 34
    row = frames.row
    rest = frames.select(row[:0])
    if not chosen.all():
        rest = frames.select(np.flatnonzero(~chosen))
        index = np.flatnonzero(chosen)
        if not len(index):
            return None, rest
        row, start, captured_end = row[index], start[index], captured_end[index]
        window, total = pick(window, index), total[index]
    at = start + 14
    return tcp_block(row, _ipv4_addresses(window), window, at + 20, captured_end, at + total), rest


def _ipv4_addresses(window: Window) -> Addresses:
    nothing = np.zeros(len(window), np.uint64)
    return Addresses(
        4,
        nothing,
        window["source"].astype(np.uint64),
        nothing,
        window["destination"].astype(np.uint64),
        window["hop_limit"].copy(),
    )


def ipv4(buffer: Bytes, frames: Frames) -> tuple[Packets, NDArray[np.bool_], NDArray[np.bool_]]:
    """Read IPv4 headers (RFC 791 3.1); also say which make sense and which belong to fragments."""
    at = frames.at
    window = gather(buffer, at, IPV4)
    header_length = (window["version_and_length"] & 15).astype(np.int64) << 2
    total = window["total_length"].astype(np.int64)
    # Segmentation offload leaves the length 0: then the frame's own length must do.
    announced_end = np.where(total == 0, frames.reported_end, at + total)
    sound = (
        (header_length >= 20)
        & ((total == 0) | (total >= header_length))
        & (frames.captured_end >= at + header_length)
    )
    fragment = (window["fragment"] & _FRAGMENTED) != 0
    inside = Frames(frames.row, at + header_length, frames.captured_end, announced_end)
    return Packets(inside, _ipv4_addresses(window), window["protocol"], at), sound, fragment


def ipv6(buffer: Bytes, frames: Frames) -> tuple[Packets, NDArray[np.bool_], NDArray[np.bool_]]:
    """Read IPv6 headers (RFC 8200 3); see :func:`ipv4`. Fragments are recognised by a header that follows."""
    at = frames.at
    window = gather(buffer, at, IPV6)
    length = window["payload_length"].astype(np.int64)
    announced_end = np.where(length == 0, frames.reported_end, at + 40 + length)
    sound = ((window["version"] >> 4) == 6) & (frames.captured_end >= at + 40)
    addresses = Addresses(
        6,
        window["source_high"].astype(np.uint64),
        window["source_low"].astype(np.uint64),
        window["destination_high"].astype(np.uint64),
        window["destination_low"].astype(np.uint64),
        window["hop_limit"].copy(),
    )
    inside = Frames(frames.row, at + 40, frames.captured_end, announced_end)
    return Packets(inside, addresses, window["next_header"], at), sound, np.zeros(len(at), np.bool_)


def tcp(buffer: Bytes, packets: Packets) -> Block:
    """Read TCP headers."""
    frames = packets.frames
    header = gather(buffer, frames.at, TCP_HEADER)
    return tcp_block(
        frames.row, packets.addresses, header, frames.at, frames.captured_end, frames.reported_end
    )


def udp(buffer: Bytes, packets: Packets) -> Block:
    """Read UDP headers."""
    frames = packets.frames
    header = gather(buffer, frames.at, UDP_HEADER)
    return udp_block(
        frames.row, packets.addresses, header, frames.at, frames.captured_end, frames.reported_end
    )


def what_follows(buffer: Bytes, packets: Packets) -> NDArray[np.uint8]:
    """Return the kind of what packets that are neither TCP nor UDP carry."""
    kind = OF_PROTOCOL[packets.protocol]
    version = packets.addresses.ip_version
    index = np.flatnonzero(packets.protocol == (ICMP if version == 4 else ICMPV6))
    if len(index):
        frames = packets.frames
        message = byte(buffer, np.minimum(frames.at[index], frames.captured_end[index]))
        quoting = (_ICMP_ERROR if version == 4 else _ICMPV6_ERROR)[message]
        kind[index[quoting]] = Kind.SLOW_IP
    return kind

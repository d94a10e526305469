"""Network and transport headers of common stacks, gathered as columns with numpy.

A fixed-width window is copied from every packet at once; its fields are then read column by column.
The dominant stack (Ethernet, IPv4 without options, TCP) takes one such gather; the others take one
more per layer, on the rows that need it only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Column, PacketBatch
from ocsp_pcap.decode.blocks import Addresses, Block, tcp_block, udp_block
from ocsp_pcap.decode.link import ETHERNET, IP_4, IP_6, SLOW, UNKNOWN, locate
from ocsp_pcap.decode.protocols import (
    AUTHENTICATION,
    EXTENSION_HEADERS,
    FRAGMENT,
    ICMP,
    ICMP_ERRORS,
    ICMPV6,
    ICMPV6_ERRORS,
    IPV4_TYPE,
    TCP,
    TUNNEL_PROTOCOLS,
    TUNNEL_UDP_PORTS,
    UDP,
    table,
)
from ocsp_pcap.decode.window import (
    BYTE,
    ETHERNET_IPV4_START,
    ETHERNET_IPV4_TCP,
    IPV4,
    IPV6,
    TCP_HEADER,
    UDP_HEADER,
    Window,
    gather,
    pick,
)

_FRAGMENTED = 0x3FFF
"""More-fragments flag and fragment offset (RFC 791 3.1)."""
_SLOW_V4 = table(256, TUNNEL_PROTOCOLS | {AUTHENTICATION})
_SLOW_V6 = table(256, TUNNEL_PROTOCOLS | EXTENSION_HEADERS | {AUTHENTICATION, FRAGMENT})
_ICMP_ERROR = table(256, ICMP_ERRORS)
_ICMPV6_ERROR = table(256, ICMPV6_ERRORS)
_TUNNEL_PORT = table(0x10000, TUNNEL_UDP_PORTS)


@dataclass(slots=True)
class FastResult:
    """What the fast path made of a batch, and what it leaves to the slow path."""

    tcp: list[Block] = field(default_factory=list)
    udp: list[Block] = field(default_factory=list)
    slow_link: list[Column] = field(default_factory=list)
    """Rows to be read from their link layer on."""
    slow_network: list[tuple[Column, Column]] = field(default_factory=list)
    """Rows to be read from their IP header on, and where that stands."""
    tunnels: list[Block] = field(default_factory=list)
    """UDP rows whose payload is to be read as a tunnel; they stand in ``udp``, too."""
    undecoded: int = 0


@dataclass(frozen=True, slots=True)
class _Packets:
    """Packets of one IP version: rows, where their transport header starts and where they end."""

    row: Column
    addresses: Addresses
    at: Column
    announced_end: Column
    protocol: NDArray[np.uint8]
    network_at: Column

    def select(self, index: NDArray[Any]) -> _Packets:
        return _Packets(
            self.row[index],
            self.addresses.select(index),
            self.at[index],
            self.announced_end[index],
            self.protocol[index],
            self.network_at[index],
        )


def decode_fast(batch: PacketBatch) -> FastResult:
    """Decode what numpy can and say what is left."""
    result = FastResult()
    if not len(batch):
        return result
    first = int(batch.link_type[0])
    if (batch.link_type == first).all():
        _decode_link(batch, np.arange(len(batch)), first, result)
        return result
    for link_type in np.unique(batch.link_type).tolist():
        _decode_link(batch, np.flatnonzero(batch.link_type == link_type), link_type, result)
    return result


def _decode_link(batch: PacketBatch, row: Column, link_type: int, result: FastResult) -> None:
    if link_type == ETHERNET:
        row = _dominant(batch, row, result)
        if not len(row):
            return
    at, kind = locate(batch, row, link_type)
    result.undecoded += int(np.count_nonzero(kind == UNKNOWN))
    for number, network in ((IP_4, _ipv4), (IP_6, _ipv6)):
        chosen = np.flatnonzero(kind == number)
        if len(chosen):
            packets = network(batch, row[chosen], at[chosen], result)
            _transport(batch, packets, number, result)
    slow = kind == SLOW
    if slow.any():
        result.slow_link.append(row[slow])


def _dominant(batch: PacketBatch, row: Column, result: FastResult) -> Column:
    """Decode the rows that are Ethernet, IPv4 without options, TCP; return the others."""
    whole = len(row) == len(batch)
    start = batch.offset if whole else batch.offset[row]
    captured_end = start + (batch.captured_length if whole else batch.captured_length[row])
    window = gather(batch.buffer, start + ETHERNET_IPV4_START, ETHERNET_IPV4_TCP)
    total = window["total_length"].astype(np.int64)
    chosen = (
        (window["ethertype"] == IPV4_TYPE)
        & (window["version_and_length"] == 0x45)
        & (window["protocol"] == TCP)
        & ((window["fragment"] & _FRAGMENTED) == 0)
        & (total >= 20)
        & (captured_end - start >= 34)
    )
    rest: Column = row[:0]
    if not chosen.all():
        rest = row[~chosen]
        index = np.flatnonzero(chosen)
        if not len(index):
            return rest
        row, start, captured_end = row[index], start[index], captured_end[index]
        window, total = pick(window, index), total[index]
    network_at = start + 14
    addresses = _ipv4_addresses(window)
    result.tcp.append(tcp_block(row, addresses, window, network_at + 20, captured_end, network_at + total))
    return rest


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


def _ipv4(batch: PacketBatch, row: Column, at: Column, result: FastResult) -> _Packets:
    window = gather(batch.buffer, at, IPV4)
    start = batch.offset[row]
    header_length = (window["version_and_length"] & 15).astype(np.int64) << 2
    total = window["total_length"].astype(np.int64)
    # Segmentation offload leaves the length 0: then the frame's own length must do.
    announced_end = np.where(total == 0, start + batch.original_length[row], at + total)
    captured_end = start + batch.captured_length[row]
    sound = (
        (header_length >= 20)
        & ((total == 0) | (total >= header_length))
        & (captured_end >= at + header_length)
    )
    result.undecoded += int(np.count_nonzero(~sound))
    slow = sound & (((window["fragment"] & _FRAGMENTED) != 0) | _SLOW_V4[window["protocol"]])
    if slow.any():
        result.slow_network.append((row[slow], at[slow]))
    packets = _Packets(
        row, _ipv4_addresses(window), at + header_length, announced_end, window["protocol"], at
    )
    return packets.select(np.flatnonzero(sound & ~slow))


def _ipv6(batch: PacketBatch, row: Column, at: Column, result: FastResult) -> _Packets:
    window = gather(batch.buffer, at, IPV6)
    start = batch.offset[row]
    length = window["payload_length"].astype(np.int64)
    announced_end = np.where(length == 0, start + batch.original_length[row], at + 40 + length)
    captured_end = start + batch.captured_length[row]
    sound = ((window["version"] >> 4) == 6) & (captured_end >= at + 40)
    result.undecoded += int(np.count_nonzero(~sound))
    slow = sound & _SLOW_V6[window["next_header"]]
    if slow.any():
        result.slow_network.append((row[slow], at[slow]))
    addresses = Addresses(
        6,
        window["source_high"].astype(np.uint64),
        window["source_low"].astype(np.uint64),
        window["destination_high"].astype(np.uint64),
        window["destination_low"].astype(np.uint64),
        window["hop_limit"].copy(),
    )
    packets = _Packets(row, addresses, at + 40, announced_end, window["next_header"], at)
    return packets.select(np.flatnonzero(sound & ~slow))


def _transport(batch: PacketBatch, packets: _Packets, kind: int, result: FastResult) -> None:
    captured_end = batch.offset[packets.row] + batch.captured_length[packets.row]
    index = np.flatnonzero(packets.protocol == TCP)
    if len(index):
        some = packets.select(index)
        header = gather(batch.buffer, some.at, TCP_HEADER)
        result.tcp.append(
            tcp_block(some.row, some.addresses, header, some.at, captured_end[index], some.announced_end)
        )
    index = np.flatnonzero(packets.protocol == UDP)
    if len(index):
        some = packets.select(index)
        header = gather(batch.buffer, some.at, UDP_HEADER)
        block = udp_block(some.row, some.addresses, header, some.at, captured_end[index], some.announced_end)
        result.udp.append(block)
        tunnel = _TUNNEL_PORT[block.source_port] | _TUNNEL_PORT[block.destination_port]
        if tunnel.any():
            result.tunnels.append(block.select(np.flatnonzero(tunnel)))
    index = np.flatnonzero(packets.protocol == (ICMP if kind == IP_4 else ICMPV6))
    if len(index):
        message = gather(batch.buffer, np.minimum(packets.at[index], captured_end[index]), BYTE)["value"]
        errors = index[(_ICMP_ERROR if kind == IP_4 else _ICMPV6_ERROR)[message]]
        if len(errors):
            result.slow_network.append((packets.row[errors], packets.network_at[errors]))

"""Link layers of common captures: where the IP header of each packet stands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Bytes, Column, PacketBatch
from ocsp_pcap.decode.protocols import IPV4_TYPE, IPV6_TYPE, SILENT_TYPES, TUNNEL_TYPES, VLAN_TYPES
from ocsp_pcap.decode.window import BYTE, SNAP, UINT16, UINT32, gather

NULL, ETHERNET, LOOP, LINUX_COOKED, LINUX_COOKED_2 = 0, 1, 108, 113, 276
RAW_IP = (12, 14, 101, 228, 229)
NOT_A_PACKET = -1
_SILENT_LINK_TYPES = frozenset(
    {
        NOT_A_PACKET,
        *(187, 201, 251, 254, 255, 256, 272),  # Bluetooth
        *(189, 220, 249),  # USB
        *(190, 227),  # CAN
        *(195, 215, 230, 283),  # IEEE 802.15.4
    }
)
"""Link types that are known to carry no IP packet in a form that anyone reads."""

NOTHING, IP_4, IP_6, SLOW, UNKNOWN = 0, 1, 2, 3, 4
"""What a packet's link layer carries: nothing of interest, IPv4, IPv6, something that the slow path
must look at, or something that nobody knows."""

Kind = NDArray[np.uint8]

_MAXIMUM_TAGS = 8
_NULL_FAMILIES_IPV6 = (10, 23, 24, 28, 30)
"""AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS."""
_NULL_FAMILY_OSI = 7


def _kind_of_types() -> Kind:
    kinds = np.full(0x10000, UNKNOWN, np.uint8)
    kinds[sorted(SILENT_TYPES)] = NOTHING
    kinds[sorted(TUNNEL_TYPES)] = SLOW
    kinds[IPV4_TYPE] = IP_4
    kinds[IPV6_TYPE] = IP_6
    return kinds


_KIND_OF_TYPE = _kind_of_types()
_IS_TAG = np.zeros(0x10000, np.bool_)
_IS_TAG[list(VLAN_TYPES)] = True


def locate(batch: PacketBatch, row: Column, link_type: int) -> tuple[Column, Kind]:
    """Return where the network layer of each packet of ``row`` starts, and what it is.

    All packets have ``link_type``. Positions are meaningful for :data:`IP_4` and :data:`IP_6`.
    """
    start = batch.offset[row]
    end = start + batch.captured_length[row]
    if link_type == ETHERNET:
        return _ethernet(batch.buffer, start, end)
    if link_type == LINUX_COOKED:
        kind, at = _after_ethertype(batch.buffer, start + 14, start + 16, end)
        return at, kind
    if link_type == LINUX_COOKED_2:
        kind, at = _after_ethertype(batch.buffer, start, start + 20, end)
        return at, kind
    if link_type in RAW_IP:
        return start, np.where(end > start, _by_version(batch.buffer, start), np.uint8(UNKNOWN))
    if link_type in (NULL, LOOP):
        return _null(batch.buffer, start, end)
    return start, np.full(len(row), NOTHING if link_type in _SILENT_LINK_TYPES else SLOW, np.uint8)


def _by_version(buffer: Bytes, at: Column) -> Kind:
    version = gather(buffer, at, BYTE)["value"] >> 4
    kind = np.full(len(at), UNKNOWN, np.uint8)
    kind[version == 4] = IP_4
    kind[version == 6] = IP_6
    return kind


def _ethernet(buffer: Bytes, start: Column, end: Column) -> tuple[Column, Kind]:
    kind, at = _after_ethertype(buffer, start + 12, start + 14, end)
    ethertype = gather(buffer, start + 12, UINT16)["value"]
    # Values up to 1535 are the length of an 802.3 frame (IEEE 802.3 3.2.6).
    framed = np.flatnonzero((ethertype < 0x600) & (end - start >= 14))
    if len(framed):
        header = gather(buffer, at[framed], SNAP)
        snap = (header["sap"] == 0xAAAA) & (header["control"] == 3)
        kind[framed] = NOTHING
        carried = _KIND_OF_TYPE[header["ethertype"]]
        kind[framed[snap & ((carried == IP_4) | (carried == IP_6))]] = SLOW
    return at, kind


def _after_ethertype(buffer: Bytes, type_at: Column, at: Column, end: Column) -> tuple[Kind, Column]:
    """Follow VLAN tags; return what the last EtherType says and where its payload starts."""
    ethertype = gather(buffer, np.minimum(type_at, end), UINT16)["value"].astype(np.uint16)
    tagged = np.flatnonzero(_IS_TAG[ethertype] & (at + 4 <= end))
    for _ in range(_MAXIMUM_TAGS):
        if not len(tagged):
            break
        ethertype[tagged] = gather(buffer, at[tagged] + 2, UINT16)["value"]
        at[tagged] += 4
        tagged = tagged[_IS_TAG[ethertype[tagged]] & (at[tagged] + 4 <= end[tagged])]
    kind = _KIND_OF_TYPE[ethertype]
    kind[at > end] = UNKNOWN
    old = np.flatnonzero((kind == IP_4) & (at < end))
    if len(old):
        # An EtherType of IPv4 may announce IPv6 all the same; the version field decides.
        version = _by_version(buffer, at[old])
        kind[old] = version
    return kind, at


def _null(buffer: Bytes, start: Column, end: Column) -> tuple[Column, Kind]:
    family = gather(buffer, start, UINT32)["value"].astype(np.uint32)
    # The family stands in the byte order of the capturing host (LINKTYPE_NULL) or the network's.
    swapped = family > 0xFFFF
    family[swapped] = family[swapped].byteswap()
    kind = np.full(len(start), UNKNOWN, np.uint8)
    kind[family == 2] = IP_4
    kind[np.isin(family, _NULL_FAMILIES_IPV6)] = IP_6
    kind[family == _NULL_FAMILY_OSI] = NOTHING
    typed = (family >= 0x600) & (family <= 0xFFFF)
    kind[typed] = _KIND_OF_TYPE[family[typed]]
    kind[end - start < 4] = UNKNOWN
    return start + 4, kind

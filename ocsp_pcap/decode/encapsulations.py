"""Link types and rare tunnels that scapy knows: where in them the next IP header stands.

scapy is imported on first use only. It reads the first bytes of a packet, as many as headers may
take; addresses, transport headers and payload are not read from it.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeAlias

from ocsp_pcap.decode.silence import silence_scapy

HEAD = 512
"""Bytes that scapy gets to see: enough for any stack of headers, a bound on the work per packet."""

Found: TypeAlias = int | Literal["silent", "unknown"]
"""Offset of the next IP header; "silent": understood, no IP in it; "unknown": not understood."""

_BINDINGS = (
    "scapy.layers.inet6",
    "scapy.layers.ppp",
    "scapy.layers.eap",
    "scapy.contrib.mpls",
    "scapy.contrib.erspan",
    "scapy.contrib.nsh",
)
"""Modules that teach scapy's Ethernet and GRE what may follow them."""
_LINK_MODULES = (
    "scapy.layers.dot11",
    "scapy.layers.ppi",
    "scapy.layers.pflog",
    "scapy.contrib.chdlc",
    "scapy.contrib.avs",
)

_ETHERNET = ("scapy.layers.l2", "Ether")
_MPLS = ("scapy.contrib.mpls", "MPLS")
_CHDLC = ("scapy.contrib.chdlc", "CHDLC")
_DOT11 = ("scapy.layers.dot11", "Dot11")

_TZSP = ("scapy.contrib.tzsp", "TZSP")
_LINK_PPP, _LINK_CHDLC = 9, 104
_MPLS_TYPE = 0x8847


def after_link(link_type: int, data: bytes) -> Found:
    """Find the IP header in a packet of a link type (a LINKTYPE_ number)."""
    if link_type in (_LINK_PPP, _LINK_CHDLC) and data[:1] in (b"\x0f", b"\x8f"):
        if data[2:4] == _MPLS_TYPE.to_bytes(2, "big"):
            return _shifted(4, _locate(_MPLS, data[4:]))
        return _locate(_CHDLC, data)
    layer = _link_layers().get(link_type)
    return "unknown" if layer is None else _read(layer, data)


def after_port(port: int, data: bytes) -> Found:
    """Find the IP header in the payload of a UDP datagram to or from a tunnel's port."""
    return _PORTS[port](data) if port in _PORTS else "unknown"


def _teredo(data: bytes) -> Found:
    """Skip the authentication and origin indications of Teredo (RFC 4380 5.1.1)."""
    at = 0
    if data[:2] == b"\x00\x01" and len(data) >= 4:
        at = 13 + data[2] + data[3]
    if data[at : at + 2] == b"\x00\x00":
        at += 8
    return at if at < len(data) and data[at] >> 4 == 6 else "unknown"


def _capwap(data: bytes) -> Found:
    """Read the header of a CAPWAP data packet (RFC 5415 4.3) and the frame after it."""
    if len(data) < 8 or data[0]:
        return "unknown"
    (word,) = struct.unpack_from(">I", data)
    start, native, fragment = (word >> 19 & 31) * 4, word & 0x100, word & 0x80
    if fragment or start < 8:
        return "unknown"
    if not native:
        return _shifted(start, _locate(_ETHERNET, data[start:]))
    found = _locate(_DOT11, data[start:])
    if isinstance(found, int):
        return _shifted(start, found)
    # Some controllers swap the two bytes of the frame control field.
    swapped = data[start + 1 : start + 2] + data[start : start + 1] + data[start + 2 :]
    return _shifted(start, _locate(_DOT11, swapped))


def _tzsp(data: bytes) -> Found:
    """Read frames of IEEE 802.11, which TZSP carries as often as Ethernet."""
    return _locate(_TZSP, data)


_PORTS: dict[int, Callable[[bytes], Found]] = {3544: _teredo, 5247: _capwap, 37008: _tzsp}


def _shifted(by: int, found: Found) -> Found:
    return found + by if isinstance(found, int) else found


@cache
def _link_layers() -> dict[int, Any]:
    _bind()
    for module in _LINK_MODULES:
        importlib.import_module(module)
    config = importlib.import_module("scapy.config")
    return dict(config.conf.l2types.num2layer)


@cache
def _bind() -> None:
    silence_scapy()
    for module in _BINDINGS:
        importlib.import_module(module)


@cache
def _layer(module: str, name: str) -> Any:
    _bind()
    return getattr(importlib.import_module(module), name)


def _locate(layer: tuple[str, str], data: bytes) -> Found:
    return _read(_layer(*layer), data)


def _read(layer: Any, data: bytes) -> Found:
    network = (_layer("scapy.layers.inet", "IP"), _layer("scapy.layers.inet6", "IPv6"))
    opaque = (_layer("scapy.packet", "Raw"), _layer("scapy.packet", "Padding"))
    head = data[:HEAD]
    try:
        packet = layer(head)
        at = 0
        last = packet
        while packet:
            if isinstance(packet, network):
                return _confirmed(head, at, bytes(packet.original))
            at += len(packet.raw_packet_cache or b"")
            if not isinstance(packet, opaque) or packet is last:
                last = packet
            elif len(packet.original):
                return "unknown"
            packet = packet.payload
    except Exception:  # scapy's layers raise all kinds on damaged packets
        return "unknown"
    return "unknown" if isinstance(last, opaque) else "silent"


def _confirmed(head: bytes, at: int, header: bytes) -> Found:
    """Return where ``header`` stands, which is at ``at`` unless a layer moved bytes about."""
    header = header[:40]
    if head[at : at + len(header)] == header:
        return at
    found = head.find(header)
    return found if found >= 0 else "unknown"

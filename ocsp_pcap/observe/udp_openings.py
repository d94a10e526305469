"""Which datagrams of a batch can begin a handshake, told for all of them at once."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.carriers.openvpn_packets import (
    CLIENT_RESET_LENGTH,
    CONTROL_V1,
    HARD_RESET_CLIENT_V1,
    HARD_RESET_CLIENT_V2,
    HARD_RESET_SERVER_V1,
    HARD_RESET_SERVER_V2,
    OVERHEADS,
    SERVER_RESET_LENGTH,
    SOFT_RESET_V1,
)
from ocsp_pcap.decode.columns import EXTRA, TransportColumns
from ocsp_pcap.decode.window import Window, gather, layout
from ocsp_pcap.quic.dtls_records import VERSIONS
from ocsp_pcap.quic.versions import MINIMUM_INITIAL_DATAGRAM, VERSION_1, VERSION_2

Flags = NDArray[np.bool_]

_WIDTH: Final = 128
_HEAD: Final = layout(
    16,
    first=("u1", 0),
    version=(">u4", 1),
    dtls_version=(">u2", 1),
    epoch=(">u2", 3),
    rdp_flags=(">u2", 6),
    google_version=("u1", 9),
    upstream_mtu=(">u2", 12),
    message=("u1", 13),
)
_CONTROL: Final = layout(_WIDTH, octets=(f"({_WIDTH},)u1", 0))


class Beginnings:
    """For some rows of a batch, as columns of flags; the parsers judge more strictly."""

    def __init__(self, columns: TransportColumns, rows: NDArray[np.int64]) -> None:
        at = columns.payload_offset[rows]
        length = columns.payload_length[rows]
        heads = _gather(columns, at)
        first = heads["first"]
        opcode: NDArray[Any] = first >> 3
        dtls = (first >= 20) & (first <= 23) & np.isin(heads["dtls_version"], VERSIONS) & (length > 13)
        self.any: Flags = _quic(heads) | dtls | _rdp(heads, length) | _openvpn_reset(opcode, length)
        """It can begin a handshake of a flow of which nothing is known."""
        hello = np.flatnonzero((opcode == CONTROL_V1) & (length > 56) & ~self.any & (at < EXTRA))
        if len(hello):
            self.any[hello] = _openvpn_hello(columns, at[hello])
        is_initial = (first & 0x30) == np.where(heads["version"] == VERSION_2, 0x10, 0)
        self.quic_initial: Flags = (
            ((first & 0xC0) == 0xC0) & is_initial & (length >= MINIMUM_INITIAL_DATAGRAM) & _quic(heads)
        )
        """It may be the first of another QUIC connection."""
        self.dtls_client_hello: Flags = dtls & (first == 22) & (heads["epoch"] == 0) & (heads["message"] == 1)
        """It begins with a ClientHello fragment in plain text."""
        self.openvpn_control: Flags = np.isin(
            opcode,
            (
                HARD_RESET_CLIENT_V1,
                HARD_RESET_SERVER_V1,
                SOFT_RESET_V1,
                CONTROL_V1,
                HARD_RESET_CLIENT_V2,
                HARD_RESET_SERVER_V2,
            ),
        )
        """If it is OpenVPN, it is a packet of the control channel that bears TLS or begins a session."""


def _gather(columns: TransportColumns, at: NDArray[np.int64]) -> Window:
    """Return the first bytes of payloads; beyond a payload's end stands anything."""
    elsewhere = at >= EXTRA
    if not elsewhere.any():
        return gather(columns.buffer, at, _HEAD)
    heads = gather(columns.buffer, np.where(elsewhere, 0, at), _HEAD)
    extra = np.frombuffer(columns.extra + bytes(_HEAD.itemsize), np.uint8).copy()
    heads[elsewhere] = gather(extra, at[elsewhere] - EXTRA, _HEAD)
    return heads


def _quic(heads: Window) -> Flags:
    """Tell long headers of a version that looks_like_quic knows, and gQUIC's packets with a version."""
    first, version = heads["first"], heads["version"]
    known: Flags = (version == 0) | (version == VERSION_1) | (version == VERSION_2)
    known |= (version >> 8 == 0xFF0000) | (version >> 4 == 0xFACEB00)
    known |= (version >> 24 == 0x51) | (version >> 16 == 0x5430) | (version & 0x0F0F0F0F == 0x0A0A0A0A)
    known &= first >= 0x80
    known |= ((first & 0xCB) == 0x09) & (heads["google_version"] == 0x51)
    return known


def _rdp(heads: Window, length: NDArray[np.int64]) -> Flags:
    mtu = heads["upstream_mtu"]
    found: Flags = ((heads["rdp_flags"] & 0xE1FB) == 1) & (mtu >= 1132) & (mtu <= 1232) & (length >= 16)
    return found


def _openvpn_reset(opcode: NDArray[Any], length: NDArray[np.int64]) -> Flags:
    client = (opcode == HARD_RESET_CLIENT_V2) | (opcode == HARD_RESET_CLIENT_V1)
    server = (opcode == HARD_RESET_SERVER_V2) | (opcode == HARD_RESET_SERVER_V1)
    found: Flags = client & np.isin(length - CLIENT_RESET_LENGTH, OVERHEADS)
    found |= server & np.isin(length - SERVER_RESET_LENGTH, OVERHEADS)
    return found


def _openvpn_hello(columns: TransportColumns, at: NDArray[np.int64]) -> Flags:
    """Tell control packets in which a TLS handshake record stands where one can, behind 0 to 3 acks."""
    octets = gather(columns.buffer, at, _CONTROL)["octets"]
    found = np.zeros(len(at), np.bool_)
    for overhead in OVERHEADS:
        for acknowledged in range(4):
            count = 9 + overhead
            record = count + 5 + (4 * acknowledged + 8 if acknowledged else 0)
            found |= (
                (octets[:, count] == acknowledged) & (octets[:, record] == 22) & (octets[:, record + 1] == 3)
            )
    return found

"""Packets of protocols that this program knows by sight and does not read: DTLS, OpenVPN, RDP over UDP.

They bear TLS handshakes in a form of their own. Proxies do not check certificates there, so the packets
count as undecoded and are named, and nothing is said about what they bear.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.decode.window import layout
from ocsp_pcap.streams.distinct import among

Flags = NDArray[np.bool_]

DTLS: Final = "DTLS"
OPENVPN: Final = "OpenVPN"
RDP: Final = "RDP over UDP"

_DTLS_VERSIONS: Final = np.array((0xFEFF, 0xFEFD, 0x0100))
"""Big-endian: DTLS 1.0, 1.2 (and the hellos of 1.3), that of OpenSSL before 1.0 (RFC 6347 4.1)."""
_DTLS_HEADER: Final = 13
_RDP_SYN: Final = 16
_RDP_MTU: Final = (1132, 1232)
"""MS-RDPEUDP 2.2.2.5."""

_CLIENT_RESET, _SERVER_RESET, _CRYPT_RESET = 14, 26, 54
_RESET_OVERHEADS: Final = np.array((0, 24, 28, 36, 40, 56, 72))
"""Octets that tls-auth puts into a hard reset of OpenVPN: an HMAC, a packet id and a time."""
_RESET_LENGTHS: Final = np.array(
    sorted(
        {base + more for base in (_CLIENT_RESET, _SERVER_RESET) for more in _RESET_OVERHEADS}
        | {_CRYPT_RESET, _CRYPT_RESET + 12}
    )
)
_OF_RESET = np.zeros(_RESET_LENGTHS[-1] + 2, np.bool_)
_OF_RESET[_RESET_LENGTHS] = True
"""By length; the last place stands for what is longer."""
_CLIENT_OPCODES, _SERVER_OPCODES = np.array((0x08, 0x38)), np.array((0x10, 0x40))
"""First octets of hard resets: opcodes 1 and 7 of the client, 2 and 8 of the server, key id 0."""

_HEAD: Final = layout(
    16,
    first=("u1", 0),
    version=(">u2", 1),
    acknowledged=(">u4", 0),
    rdp_flags=(">u2", 6),
    crypt_id=(">u4", 9),
    record_length=(">u2", 11),
    upstream_mtu=(">u2", 12),
    downstream_mtu=(">u2", 14),
)
_TAIL: Final = layout(5, acknowledged=("u1", 0), packet_id=(">u4", 1))
_LENGTH: Final = layout(2, length=(">u2", 0))


def outside(tcp: TransportColumns, udp: TransportColumns) -> Counter[str]:
    """Count the packets of a batch that are known by sight, by protocol.

    Of OpenVPN and RDP only those that open a connection can be told from other packets.
    """
    found: Counter[str] = Counter()
    if len(udp):
        length = udp.payload_length
        rows = np.flatnonzero((length > _DTLS_HEADER) & ~udp.in_error)
        heads, length = udp.fields_at(udp.payload_offset[rows], _HEAD), length[rows]
        first = heads["first"]
        dtls = (first >= 20) & (first <= 23) & among(heads["version"], _DTLS_VERSIONS)
        dtls &= heads["record_length"] <= length - _DTLS_HEADER
        flags = heads["rdp_flags"]
        rdp = ((flags & 0xE1FB) == 1) & (length >= _RDP_SYN) & ~dtls
        # Only the answer to a SYN acknowledges one.
        rdp &= (heads["acknowledged"] == 0xFFFFFFFF) == ((flags & 4) == 0)
        for mtu in (heads["upstream_mtu"], heads["downstream_mtu"]):
            rdp &= (mtu >= _RDP_MTU[0]) & (mtu <= _RDP_MTU[1])
        found[DTLS] += int(np.count_nonzero(dtls))
        found[RDP] += int(np.count_nonzero(rdp))
        found[OPENVPN] += _resets(udp, 0)
    if len(tcp):
        found[OPENVPN] += _resets(tcp, 2)
    return +found


def _resets(columns: TransportColumns, prefix: int) -> int:
    """Count hard resets of OpenVPN that fill a payload; over TCP their length stands before each."""
    length: NDArray[Any] = columns.payload_length - prefix
    rows = np.flatnonzero(_OF_RESET.take(length, mode="clip") & ~columns.in_error)
    if not len(rows):
        return 0
    start, length = columns.payload_offset[rows] + prefix, length[rows]
    heads, tails = columns.fields_at(start, _HEAD), columns.fields_at(start + length - _TAIL.itemsize, _TAIL)
    client, server = among(heads["first"], _CLIENT_OPCODES), among(heads["first"], _SERVER_OPCODES)
    none = tails["packet_id"] == 0
    found: Flags = client & none & (tails["acknowledged"] == 0)
    found &= among(length - _CLIENT_RESET, _RESET_OVERHEADS)
    found |= server & none & among(length - _SERVER_RESET, _RESET_OVERHEADS)
    crypt = (client & (length == _CRYPT_RESET)) | (server & (length == _CRYPT_RESET + 12))
    found |= crypt & (heads["crypt_id"] == 1)
    if prefix:
        found &= columns.fields_at(start - prefix, _LENGTH)["length"] == length
    return int(np.count_nonzero(found))

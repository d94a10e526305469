"""What a whole PROXY header or SOCKS negotiation leads to: a tunnel and the bytes in it, or a refusal."""

from __future__ import annotations

from typing import NamedTuple

from ocsp_pcap.ocsp.exchange import RefusedTunnel
from ocsp_pcap.spoken.held_bytes import HeldBytes, Piece
from ocsp_pcap.spoken.proxy_prefixes import (
    SocksNegotiation,
    proxy_protocol_length,
    socks_negotiation,
    socks_refusal,
)
from ocsp_pcap.spoken.seen import Tunnel

_GRANTED = b"\x05\x00\x00\x01" + bytes(6)
_OPENED = (b"\x00\x5a" + bytes(6), b"\x05\x00" + _GRANTED, b"\x05\x02\x01\x00" + _GRANTED)
"""All that a proxy answers when it opens a tunnel: of SOCKS 4, of 5, of 5 with a password."""


class Behind(NamedTuple):
    """A tunnel that a prefix opened, and the bytes behind the prefix."""

    tunnel: Tunnel
    rest: list[Piece]
    """What of them has come by now."""


def behind_proxy_header(waiting: HeldBytes, direction: int, tunnel: Tunnel | None) -> Behind | int:
    """Go behind a header of the PROXY protocol inside ``tunnel``; NEED_MORE or NOT_THIS."""
    length = proxy_protocol_length(waiting.buffers[direction])
    if length < 0:
        return length
    return Behind(tunnel or Tunnel("proxy-protocol"), waiting.without({direction: length}))


def behind_socks(waiting: HeldBytes, client: int) -> Behind | int:
    """Go behind a SOCKS negotiation; NEED_MORE, or NOT_THIS where it opens nothing."""
    found = socks_negotiation(waiting.buffers[client], waiting.buffers[1 - client])
    return found if isinstance(found, int) else _behind(found, waiting, client)


def behind_unanswered_socks(waiting: HeldBytes, client: int) -> Behind | None:
    """Go behind a SOCKS request whose answer is not in the capture, where the client went on.

    That shows that the proxy opened the tunnel: no client sends more before.
    """
    sent = waiting.buffers[client]
    for answers in () if waiting.buffers[1 - client] else _OPENED:
        found = socks_negotiation(sent, answers)
        if isinstance(found, SocksNegotiation) and found.from_client < len(sent):
            return _behind(found, waiting, client)
    return None


def _behind(found: SocksNegotiation, waiting: HeldBytes, client: int) -> Behind:
    asked = [piece for piece in waiting.pieces if piece.direction == client][-1]
    rest = waiting.without({client: found.from_client, 1 - client: found.from_server})
    return Behind(Tunnel("socks", found.host, found.port, asked.frame), rest)


def refused_socks(waiting: HeldBytes, client: int) -> list[RefusedTunnel]:
    """Return the SOCKS request that opened nothing, where one was made."""
    refusal = socks_refusal(waiting.buffers[client], waiting.buffers[1 - client])
    asked = [piece for piece in waiting.pieces if piece.direction == client]
    if refusal is None or not asked:
        return []
    host, port, status = refusal
    answered = waiting.pieces[-1].frame if status is not None else None
    return [RefusedTunnel("socks", host, port, asked[-1].frame, asked[-1].time, answered, status)]

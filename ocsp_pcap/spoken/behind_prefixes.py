"""The way behind a prefix: the tunnel that PROXY or SOCKS opened, and what follows; or a request refused."""

from __future__ import annotations

from typing import NamedTuple

from ocsp_pcap.ocsp.exchange import RefusedTunnel
from ocsp_pcap.spoken.held_bytes import Piece, Waiting
from ocsp_pcap.spoken.proxy_prefixes import proxy_protocol_length, socks_negotiation, socks_refusal
from ocsp_pcap.spoken.seen import Tunnel


class Behind(NamedTuple):
    """What a whole prefix leads to."""

    tunnel: Tunnel
    rest: list[Piece]
    """What came behind the prefix by now."""


def behind_proxy_header(waiting: Waiting, direction: int, tunnel: Tunnel | None) -> Behind | int:
    """Go behind a header of the PROXY protocol inside ``tunnel``; NEED_MORE or NOT_THIS."""
    length = proxy_protocol_length(waiting.buffers[direction])
    if length < 0:
        return length
    return Behind(tunnel or Tunnel("proxy-protocol"), waiting.without({direction: length}))


def behind_socks(waiting: Waiting, client: int) -> Behind | int:
    """Go behind a SOCKS negotiation; NEED_MORE, or NOT_THIS where it opens nothing."""
    found = socks_negotiation(waiting.buffers[client], waiting.buffers[1 - client])
    if isinstance(found, int):
        return found
    asked = [piece for piece in waiting.pieces if piece.direction == client][-1]
    rest = waiting.without({client: found.from_client, 1 - client: found.from_server})
    return Behind(Tunnel("socks", found.host, found.port, asked.frame), rest)


def refused_socks(waiting: Waiting, client: int) -> RefusedTunnel | None:
    """Return the SOCKS request that opened nothing; None: none was made."""
    refusal = socks_refusal(waiting.buffers[client], waiting.buffers[1 - client])
    asked = [piece for piece in waiting.pieces if piece.direction == client]
    if refusal is None or not asked:
        return None
    host, port, status = refusal
    answered = waiting.pieces[-1].frame if status is not None else None
    return RefusedTunnel("socks", host, port, asked[-1].frame, asked[-1].time, answered, status)

"""From HTTP into a tunnel: CONNECT, and what travels behind it before its answer is seen (RFC 9110 9.3.6)."""

from __future__ import annotations

from typing import NamedTuple

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.http.events import ConnectTunnel, Request, Trailing
from ocsp_pcap.http.message import CONNECT, find_head_end, read_request, status_of
from ocsp_pcap.http.pairing import Pairing


class Greeting(NamedTuple):
    """What may be the answer to a CONNECT that is not in the capture, or stands behind it there."""

    status: int
    frame: int
    time: int


class TunnelEntrance:
    """What a client sends behind CONNECT, and the tunnel once it is open."""

    def __init__(self, pairing: Pairing) -> None:
        """``pairing`` knows the CONNECT request that waits for its answer."""
        self.tunnel: ConnectTunnel | None = None
        self.greeting: Greeting | None = None
        self._pairing = pairing
        self._held: list[Trailing] = []
        self._inside: list[Trailing] = []
        self.size = 0
        """Bytes of what waits for the answer, with what it takes to hold them."""

    @property
    def holds(self) -> bool:
        """Something waits for the answer."""
        return bool(self._held)

    def hold(self, piece: Trailing) -> None:
        """Keep what the client sends before it is answered; of too much the tunnel counts as open."""
        self._held.append(piece)
        # A piece costs memory beyond its bytes; pieces of one byte are as hostile as large ones.
        self.size += len(piece.data) + 16
        if self.size >= BOUNDS.tunnel_beginning:
            self.open()

    def release(self) -> list[Trailing]:
        """Return, once, what waits for the answer."""
        held, self._held, self.size = self._held, [], 0
        return held

    def open(self, status: int | None = None, response_frame: int | None = None) -> None:
        """Open the tunnel; None: the proxy's answer is not in the capture."""
        pending = self._pairing.take_tunnel_request()
        self.tunnel = tunnel_of(None if pending is None else pending.event, status, response_frame)
        self._inside += self.release()

    def enter(self, piece: Trailing) -> None:
        """Take what travels inside the tunnel."""
        self._inside.append(piece)

    def take_inside(self) -> list[Trailing]:
        """Return, once, what travelled inside the tunnel, in order."""
        inside, self._inside = self._inside, []
        return inside


def authority(target: str) -> tuple[str | None, int | None]:
    """Split the authority-form target of CONNECT (RFC 9112 3.2.3); an IPv6 address loses its brackets."""
    host, colon, port = target.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and len(port) <= 5):
        return target.strip("[]") or None, None
    return host.strip("[]") or None, int(port)


def tunnel_of(request: Request | None, status: int | None, response_frame: int | None) -> ConnectTunnel:
    """Return the tunnel that a CONNECT request opened; None stands for what is not in the capture."""
    if request is None:
        return ConnectTunnel(None, None, None, status, response_frame)
    host, port = authority(request.target)
    via = any(name in ("via", "x-forwarded-for") for name, _ in request.headers)
    return ConnectTunnel(host, port, request.frame, status, response_frame, via)


def opened_tunnel(
    asked: bytes, frame: int, time: int, answered: bytes, response_frame: int
) -> ConnectTunnel | None:
    """Return the tunnel that a client asked for and a proxy opened, in one whole message and segment each.

    None: it is not as plain as that, and :class:`~ocsp_pcap.http.connection.HttpConversation` has to see it.
    """
    if not asked.startswith(CONNECT) or find_head_end(asked, 0) != len(asked):
        return None
    status = status_of(answered)
    if status is None or not 200 <= status < 300 or find_head_end(answered, 0) != len(answered):
        return None
    try:
        return tunnel_of(read_request(asked, frame, frame, time), status, response_frame)
    except ValueError:
        return None

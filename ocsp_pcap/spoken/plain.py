"""A plain connection, read at once: TLS from its first byte on, or behind one CONNECT.

:class:`~ocsp_pcap.spoken.conversation.Conversation` finds out as bytes come what is spoken; here they are all
there. The result is the same; a connection that is not that plain is declined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ocsp_pcap.http.events import ConnectTunnel
from ocsp_pcap.http.tunnel import opened_tunnel
from ocsp_pcap.spoken.seen import Spoken, Tunnel
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.spoken.templates import Templates
from ocsp_pcap.tls.records import HANDSHAKE
from ocsp_pcap.tls.shapes import NotPlainError
from ocsp_pcap.tls.walk import Stretch, Walker

MOST_TUNNELS: Final = 1024
LONGEST_REQUEST: Final = 1024
"""Bytes of a CONNECT request that is remembered, and of its answer."""


class Said(NamedTuple):
    """What was said on a plain connection."""

    spoken: Spoken
    last_frames: tuple[int, int]
    """As in :class:`ocsp_pcap.tls.walk.Walked`."""


class PlainConnections:
    """Reads plain connections, and remembers what they have in common."""

    def __init__(self, shared: Shared) -> None:
        """``shared``: the state of the run. What its key logs open is declined; it has no other keys."""
        self._shared = shared
        self._walker = Walker()
        self._templates = Templates(shared.same)
        self._tunnels: dict[tuple[bytes, bytes], ConnectTunnel] = {}
        """By request and answer; the frames are another's."""

    def read(self, segments: Sequence[Stretch], client: int) -> Said | None:
        """Return what was spoken on a connection; None: more may yet follow that counts.

        Args:
            segments: as for :meth:`ocsp_pcap.tls.walk.Walker.walk`, behind CONNECT too; the first is the
                client's.
            client: its direction.

        Raises NotPlainError.
        """
        _, _, _, memory, start, _ = segments[0]
        tunnel: Tunnel | None = None
        if memory[start] != HANDSHAKE:
            if len(segments) < 3:
                return None
            tunnel = self._tunnel(segments)
            segments = segments[2:]
        walked = self._walker.walk(segments)
        if walked is None:
            return None
        keys = self._shared.keys
        if keys is not None and any(map(keys.knows, walked.randoms)):
            raise NotPlainError
        handshakes = self._templates.handshakes(walked)
        return Said(Spoken(client, False, tunnel, handshakes, (), None), walked.last_frames)

    def _tunnel(self, segments: Sequence[Stretch]) -> Tunnel:
        """Return the tunnel that a CONNECT opens. Raises NotPlainError."""
        _, frame, time, memory, start, length = segments[0]
        sender, answer_frame, _, answer_memory, answer_start, answer_length = segments[1]
        if sender or not segments[2][0] or segments[2][5] < 6:
            raise NotPlainError
        asked = bytes(memory[start : start + length])
        answered = bytes(answer_memory[answer_start : answer_start + answer_length])
        opened = self._tunnels.get((asked, answered))
        if opened is None:
            opened = opened_tunnel(asked, frame, time, answered, answer_frame)
            if opened is None:
                raise NotPlainError
            if length <= LONGEST_REQUEST and answer_length <= LONGEST_REQUEST:
                if len(self._tunnels) == MOST_TUNNELS:
                    self._tunnels.clear()
                self._tunnels[asked, answered] = opened
        return Tunnel("connect", opened.host, opened.port, frame, opened.status, opened.via)

"""A plain connection, read at once: TLS from its first byte on, or behind one CONNECT.

:class:`~ocsp_pcap.spoken.conversation.Conversation` finds out as bytes come what is spoken; here they are all
there. The result is the same; a connection that is not that plain is declined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ocsp_pcap.http.tunnel import opened_tunnel
from ocsp_pcap.spoken.handshakes import HandshakeTracker
from ocsp_pcap.spoken.seen import Spoken, Tunnel, seen
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.tls.events import ClientHello, TlsEvent
from ocsp_pcap.tls.records import HANDSHAKE
from ocsp_pcap.tls.walk import NotPlainError, Stretch, walk

if TYPE_CHECKING:
    from ocsp_pcap.tls.keys import KeyLog


class Said(NamedTuple):
    """What was said on a plain connection."""

    spoken: Spoken
    last_frames: tuple[int, int]
    """As in :class:`ocsp_pcap.tls.walk.Walked`."""


def read_plain(shared: Shared, segments: Sequence[Stretch], client: int) -> Said | None:
    """Return what was spoken on a connection; None: more may yet follow that counts.

    Args:
        shared: the state of the run. What its key logs open is declined; it must have no other keys.
        segments: as for :func:`ocsp_pcap.tls.walk.walk`, behind CONNECT too; the first is the client's.
        client: its direction.

    Raises NotPlainError.
    """
    tunnel, segments = _tunnel(segments)
    walked = walk(segments)
    if walked is None:
        return None
    if shared.keys is not None and _opens(shared.keys, walked.events):
        raise NotPlainError
    tracker = HandshakeTracker()
    tracker.receive(walked.events)
    handshakes = tuple([seen(handshake, shared.same) for handshake in tracker.handshakes])
    return Said(Spoken(client, False, tunnel, handshakes, (), None), walked.last_frames)


def _opens(keys: KeyLog, events: list[TlsEvent]) -> bool:
    """Tell whether a key log names a connection, by the random of a ClientHello."""
    return any(isinstance(event, ClientHello) and keys.knows(event.random) for event in events)


def _tunnel(segments: Sequence[Stretch]) -> tuple[Tunnel | None, Sequence[Stretch]]:
    """Return the tunnel that a CONNECT opens where there is one, and what follows."""
    _, frame, time, memory, start, length = segments[0]
    if memory[start] == HANDSHAKE:
        return None, segments
    if len(segments) < 3:
        return None, ()
    sender, answer_frame, _, answer_memory, answer_start, answer_length = segments[1]
    opened = opened_tunnel(
        bytes(memory[start : start + length]),
        frame,
        time,
        bytes(answer_memory[answer_start : answer_start + answer_length]),
        answer_frame,
    )
    if sender or opened is None or not segments[2][0] or segments[2][5] < 6:
        raise NotPlainError
    tunnel = Tunnel("connect", opened.host, opened.port, opened.connect_frame, opened.status, opened.via)
    return tunnel, segments[2:]

"""The TLS sessions inside a carrier: each is a connection, with handshakes, of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ocsp_pcap.quic.dtls_records import looks_like_dtls
from ocsp_pcap.spoken.handshakes import Handshake, HandshakeTracker
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.tls.connection import TlsConnection
from ocsp_pcap.tls.events import Damage, TlsEvent

if TYPE_CHECKING:
    from ocsp_pcap.carriers.openvpn import OpenVpn
    from ocsp_pcap.carriers.order import Carried
    from ocsp_pcap.carriers.rdp_udp import RdpUdp
    from ocsp_pcap.quic.dtls import DtlsConnection

MAXIMUM_SESSIONS: Final = 64
UNKNOWN_LENGTH: Final = 1 << 30
"""Of a gap whose length is only estimated: no record boundary can be told from it."""


@dataclass(slots=True)
class Session:
    """One TLS or DTLS session."""

    connection: TlsConnection | DtlsConnection
    tracker: HandshakeTracker

    @property
    def done(self) -> bool:
        """Nothing more can be told of it."""
        return not (self.connection.wants(True) or self.connection.wants(False))


class CarriedTls:
    """Feeds what a carrier yields to the sessions it belongs to."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._sessions: dict[int, Session] = {}

    @property
    def done(self) -> bool:
        """There were sessions, and nothing more can be told of them."""
        return bool(self._sessions) and all(session.done for session in self._sessions.values())

    @property
    def swapped(self) -> bool:
        """Messages of the first session show that the client is the other side than the carrier says."""
        return any(session.connection.swapped for session in list(self._sessions.values())[:1])

    def take(self, pieces: Sequence[Carried], client: int) -> None:
        """Take what a carrier yields; ``client`` is the direction in which its client sends."""
        for piece in pieces:
            session = self._sessions.get(piece.session)
            if session is None:
                if len(self._sessions) >= MAXIMUM_SESSIONS:
                    continue
                session = self._sessions[piece.session] = self._begin(piece.data)
            for event in _events(session.connection, piece, piece.direction == client):
                session.tracker.receive(event)

    def finish(self) -> list[Handshake]:
        """Nothing more comes: return the handshakes of all sessions, in the order of their first frames."""
        from ocsp_pcap.quic.dtls import DtlsConnection

        for session in self._sessions.values():
            connection = session.connection
            if isinstance(connection, DtlsConnection):
                events = connection.close()
            else:
                events = connection.finish(True) + connection.finish(False)
            for event in events:
                session.tracker.receive(event)
        found = [handshake for session in self._sessions.values() for handshake in session.tracker.handshakes]
        return sorted(found, key=lambda handshake: handshake.first_frame)

    def _begin(self, data: bytes) -> Session:
        connection: TlsConnection | DtlsConnection
        if looks_like_dtls(data):
            from ocsp_pcap.quic.dtls import DtlsConnection

            connection = DtlsConnection()
        else:
            connection = TlsConnection(self._shared.keys, self._shared.rsa_keys)
        return Session(connection, HandshakeTracker())


class OpenVpnStream:
    """A TCP connection of OpenVPN."""

    def __init__(self, client: int, shared: Shared) -> None:
        from ocsp_pcap.carriers.openvpn import OpenVpn

        self._carrier = OpenVpn(client)
        self._inside = CarriedTls(shared)

    @property
    def client(self) -> int:
        """The direction in which the client of the TLS sessions sends."""
        return self._carrier.client ^ int(self._inside.swapped)

    @property
    def finished(self) -> bool:
        """Nothing more can be read."""
        return self._carrier.finished

    def receive(self, direction: int, data: bytes, frame: int, time: int, segment_start: bool) -> None:
        """Take the next bytes of one direction."""
        pieces = self._carrier.receive(direction, data, frame, time, segment_start)
        self._inside.take(pieces, self._carrier.client)

    def gap(self, direction: int, length: int) -> None:
        """Note that bytes of one direction are missing."""
        self._carrier.gap(direction, length)

    def finish(self) -> list[Handshake]:
        """The connection is over: return the handshakes of all its sessions."""
        self._inside.take(self._carrier.finish(), self._carrier.client)
        return self._inside.finish()


class CarrierConnection:
    """A UDP flow of a carrier."""

    def __init__(self, kind: Literal["openvpn", "rdp-udp"], shared: Shared) -> None:
        self.kind = kind
        self.carrier = _carrier(kind)
        self._inside = CarriedTls(shared)

    @property
    def client(self) -> int:
        """The direction in which the client of the TLS sessions sends."""
        return self.carrier.client ^ int(self._inside.swapped)

    @property
    def finished(self) -> bool:
        """Nothing more can be told. Of OpenVPN that is never so: another session may begin."""
        return self.carrier.finished or (self.kind == "rdp-udp" and self._inside.done)

    def receive(self, direction: int, datagram: bytes, frame: int, time: int) -> bool:
        """Take one datagram; return whether it brought bytes of a session."""
        pieces = self.carrier.datagram(direction, datagram, frame, time)
        self._inside.take(pieces, self.carrier.client)
        return bool(pieces)

    def finish(self) -> list[Handshake]:
        """The flow is over: return the handshakes of all its sessions."""
        self._inside.take(self.carrier.finish(), self.carrier.client)
        return self._inside.finish()


def _carrier(kind: Literal["openvpn", "rdp-udp"]) -> OpenVpn | RdpUdp:
    if kind == "openvpn":
        from ocsp_pcap.carriers.openvpn import OpenVpn

        return OpenVpn()
    from ocsp_pcap.carriers.rdp_udp import RdpUdp

    return RdpUdp()


def _events(connection: TlsConnection | DtlsConnection, piece: Carried, from_client: bool) -> list[TlsEvent]:
    from ocsp_pcap.quic.dtls import DtlsConnection

    if isinstance(connection, DtlsConnection):
        return connection.receive(from_client, piece.data, piece.frame, piece.time)
    events: list[TlsEvent] = []
    if piece.missing:
        for event in connection.gap(from_client, UNKNOWN_LENGTH, piece.frame, piece.time):
            if isinstance(event, Damage) and event.missing == UNKNOWN_LENGTH:
                events.append(event._replace(missing=piece.missing))
            else:
                events.append(event)
    if piece.data and connection.wants(from_client):
        events += connection.receive(from_client, piece.data, piece.frame, piece.time, segment_start=True)
    return events

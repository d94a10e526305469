"""The QUIC connections of one UDP flow: datagrams to handshake events (RFC 9000, RFC 9001)."""

from __future__ import annotations

from typing import Final, NamedTuple

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.quic.attempt import LABELS, Attempt
from ocsp_pcap.quic.packets import Packet, PacketType, split_datagram
from ocsp_pcap.quic.protection import InitialKeys, OpenedPacket, PacketKeys, suites_for_secret
from ocsp_pcap.quic.versions import google_public_version, version_of
from ocsp_pcap.tls.events import ClientHello, EncryptedHandshake, ServerHello, TlsEvent
from ocsp_pcap.tls.keys import KeyLog

MAXIMUM_REMEMBERED: Final = 16
"""ClientHellos of one flow that are remembered to know their repetition."""


class _Pending(NamedTuple):
    packet: Packet
    from_client: bool | None
    frame: int
    time: int


class QuicConnection:
    """The QUIC of one UDP flow (both directions of one address and port pair).

    Usually one connection; Retry, Version Negotiation and a later connection from the same port are
    followed. Without keys, Initial packets alone are read (ClientHello, ServerHello); with them,
    Handshake packets too. A ClientHello that repeats one after Retry or Version Negotiation is not
    reported again.
    """

    __slots__ = (
        "_attempts",
        "_begun",
        "_datagrams",
        "_failures",
        "_keys",
        "_pending",
        "_reported",
        "version",
    )

    def __init__(self, keys: KeyLog | None = None) -> None:
        self.version: int | None = None
        """Number of the version of the last long header packet that was recognised, None before."""
        self._keys = keys
        self._attempts: list[Attempt] = []
        self._pending: list[_Pending] = []
        self._reported: dict[bytes, int] = {}
        self._begun = 0
        self._datagrams = 0
        self._failures = 0

    @property
    def finished(self) -> bool:
        """Nothing more is expected: the handshake is over or refused, or a bound is reached.

        Datagrams may be dropped from then on, except that a client Initial packet (a datagram of
        MINIMUM_INITIAL_DATAGRAM bytes or more with a long header) may begin another connection.
        """
        if self._datagrams >= BOUNDS.quic_datagrams or self._failures >= BOUNDS.quic_failures:
            return True
        return bool(self._attempts) and self._attempts[0].done

    @property
    def held(self) -> int:
        """Bytes that wait for keys, for those before them, or for the rest of their message."""
        waiting = sum(len(item.packet.data) for item in self._pending)
        return waiting + sum(attempt.held for attempt in self._attempts)

    @property
    def closed(self) -> bool:
        """An endpoint gave up in the handshake: a CONNECTION_CLOSE was read (RFC 9000 10.2.3)."""
        return bool(self._attempts) and self._attempts[0].closed

    def wants(self, from_client: bool | None) -> bool:
        """Tell whether further datagrams of this direction can yield an event."""
        return not self.finished

    def receive(self, from_client: bool | None, datagram: bytes, frame: int, time: int) -> list[TlsEvent]:
        """Take one UDP payload and return the events that it completes.

        ``from_client`` is what the caller thinks of the sender, None where it knows nothing: packets
        that can be opened tell themselves.
        """
        events: list[TlsEvent] = []
        if self._failures >= BOUNDS.quic_failures or not datagram:
            return events
        self._datagrams += 1
        if self._datagrams == BOUNDS.quic_datagrams and not (self._attempts and self._attempts[0].done):
            reached("quic_datagrams")
        if self._is_other_than_tls(datagram):
            self._failures = BOUNDS.quic_failures
            return events
        for packet in split_datagram(datagram):
            if packet.version is not None:
                self.version = packet.version.number
            self._receive_packet(_Pending(packet, from_client, frame, time), events)
        return events

    def close(self) -> list[TlsEvent]:
        """Note the end of the flow; return what can be said of messages that it broke off."""
        events: list[TlsEvent] = []
        self._close_attempts(events)
        pending = [item for item in self._pending if item.packet.type is PacketType.HANDSHAKE]
        self._pending = []
        if pending and not self._attempts:
            found = self._find_session(pending[0].packet)
            if found is not None:
                self._attempts.append(found)
        senders: set[bool] = set()
        for item in pending:
            if self._attempts:
                self._receive_handshake(item, events, final=True)
            elif item.from_client is not None and item.from_client not in senders:
                senders.add(item.from_client)
                events.append(EncryptedHandshake(item.frame, item.time, item.from_client))
        self._close_attempts(events)
        self._failures = BOUNDS.quic_failures
        return events

    def _close_attempts(self, events: list[TlsEvent]) -> None:
        for attempt in reversed(self._attempts):
            self._append(attempt, attempt.close(), events)

    def _is_other_than_tls(self, datagram: bytes) -> bool:
        if self._attempts:
            return False
        if datagram[0] & 0x80:
            version = version_of(int.from_bytes(datagram[1:5]))
            other = version is not None and not version.tls
            number = None if version is None else version.number
        else:
            number = google_public_version(datagram)
            other = number is not None
        if other:
            self.version = number
        return other

    def _receive_packet(self, item: _Pending, events: list[TlsEvent]) -> None:
        kind = item.packet.type
        if kind is PacketType.INITIAL:
            self._receive_initial(item, events)
        elif not self._attempts:
            if kind is PacketType.HANDSHAKE:
                self._keep(item)
        elif kind is PacketType.HANDSHAKE:
            self._receive_handshake(item, events)
        elif kind is PacketType.NEGOTIATION:
            if not self._attempts[0].answered:
                # The client begins anew, perhaps with the same connection ID (RFC 9000 6.2).
                del self._attempts[0]
        elif kind is PacketType.SHORT:
            attempt = self._attempts[0]
            events += attempt.receive_short(item.packet, item.from_client, item.frame, item.time)

    def _receive_initial(self, item: _Pending, events: list[TlsEvent]) -> None:
        if self._receive_known_initial(item, events):
            return
        begun = self._begin(item.packet)
        if begun is None:
            self._keep(item)
            return
        attempt, opened = begun
        self._attempts.insert(0, attempt)
        if len(self._attempts) > BOUNDS.quic_attempts:
            reached("quic_attempts")
        del self._attempts[BOUNDS.quic_attempts :]
        new = attempt.receive_initial(item.packet, True, opened, item.frame, item.time)
        self._append(attempt, new, events)
        self._replay(events)

    def _receive_known_initial(self, item: _Pending, events: list[TlsEvent]) -> bool:
        for attempt in self._attempts:
            opened = attempt.open_initial(item.packet, item.from_client)
            if opened is None:
                continue
            awaited = attempt.awaits_client_hello()
            new = attempt.receive_initial(item.packet, *opened, item.frame, item.time)
            self._append(attempt, new, events)
            if awaited and not attempt.awaits_client_hello():
                self._replay(events)
            return True
        return False

    def _begin(self, packet: Packet) -> tuple[Attempt, OpenedPacket] | None:
        """Return a new connection where the packet opens with keys from its own connection ID."""
        version = packet.version
        if version is None or self._failures >= BOUNDS.quic_failures:
            return None
        for salt in version.salts:
            keys = InitialKeys.derive(version, salt, packet.destination)
            opened = keys.client.open(packet)
            if opened is not None:
                self._begun += 1
                initial = {version.number: keys}
                attempt = Attempt(self._begun, packet.source, packet.destination, initial, self._keys)
                return attempt, opened
        self._fail()
        return None

    def _fail(self) -> None:
        self._failures += 1
        if self._failures == BOUNDS.quic_failures:
            reached("quic_failures")

    def _find_session(self, packet: Packet) -> Attempt | None:
        """Return a connection that a Handshake packet opens with a key log's secret, by trial."""
        version = packet.version
        if self._keys is None or version is None:
            return None
        left_out = False
        for from_client, label in LABELS.items():
            tried, more = self._keys.unopened(label)
            left_out |= more
            for client_random, secret in tried:
                for suite in suites_for_secret(secret):
                    if PacketKeys(version, secret, suite).open(packet) is None:
                        continue
                    client_id = packet.source if from_client else packet.destination
                    attempt = Attempt(0, client_id, b"", {}, self._keys)
                    attempt.client_random = client_random
                    return attempt
        if left_out:
            reached("tried_sessions")
        return None

    def _receive_handshake(self, item: _Pending, events: list[TlsEvent], final: bool = False) -> None:
        packet = item.packet
        attempt = next((known for known in self._attempts if known.owns(packet)), self._attempts[0])
        if attempt.awaits_client_hello() and not final and self._keep(item):
            return
        new = attempt.receive_handshake(packet, item.from_client, item.frame, item.time)
        if new is None:
            self._fail()
        else:
            self._append(attempt, new, events)

    def _keep(self, item: _Pending) -> bool:
        if len(self._pending) >= BOUNDS.quic_pending:
            reached("quic_pending")
            return False
        self._pending.append(item)
        return True

    def _replay(self, events: list[TlsEvent]) -> None:
        pending, self._pending = self._pending, []
        for item in pending:
            # An Initial packet that its own connection ID did not open then, will not be opened by it now.
            if item.packet.type is PacketType.INITIAL:
                self._receive_known_initial(item, events)
            else:
                self._receive_packet(item, events)

    def _append(self, attempt: Attempt, new: list[TlsEvent], events: list[TlsEvent]) -> None:
        for event in new:
            if isinstance(event, ClientHello):
                self._datagrams = 0
                if self._reported.setdefault(event.random, attempt.number) != attempt.number:
                    continue
                if len(self._reported) > MAXIMUM_REMEMBERED:
                    del self._reported[next(iter(self._reported))]
            elif isinstance(event, ServerHello) and attempt.client_random is not None:
                # What the client sends on this connection after an answer is new, whatever came before.
                self._reported[attempt.client_random] = attempt.number
            events.append(event)

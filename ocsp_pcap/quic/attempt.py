"""One QUIC handshake: its keys, its CRYPTO streams and its handshake messages (RFC 9001 4)."""

from __future__ import annotations

from typing import Final

from ocsp_pcap.quic.crypto_stream import CryptoStream
from ocsp_pcap.quic.frames import ConnectionClose, read_frames
from ocsp_pcap.quic.packets import FIXED_BIT, Packet, PacketType
from ocsp_pcap.quic.protection import InitialKeys, OpenedPacket, PacketKeys, suites_for_secret
from ocsp_pcap.quic.versions import Version
from ocsp_pcap.tls.events import (
    Alert,
    ApplicationData,
    ClientHello,
    Damage,
    Decrypted,
    EncryptedHandshake,
    Finished,
    ServerHello,
    TlsEvent,
)
from ocsp_pcap.tls.handshake import HandshakeParser
from ocsp_pcap.tls.keys import CLIENT_HANDSHAKE, SERVER_HANDSHAKE, KeyLog

MAXIMUM_VERSIONS: Final = 3
"""Versions in which one connection's Initial packets are tried (RFC 9368 2.3 switches once)."""
MAXIMUM_SERVER_IDS: Final = 4
"""Connection IDs of the server that are remembered."""
MINIMUM_SHORT: Final = 21
"""Bytes of the shortest 1-RTT packet that endpoints send (RFC 9000 10.3)."""

LABELS: Final = {True: CLIENT_HANDSHAKE, False: SERVER_HANDSHAKE}
"""Key log label of each sender's (True: the client) secret of Handshake packets."""
_FATAL: Final = 2


class _Messages:
    """The handshake messages of one direction at one encryption level."""

    __slots__ = ("frame", "parser", "stream", "time")

    def __init__(self, from_client: bool, encrypted: bool) -> None:
        self.stream = CryptoStream()
        self.parser = HandshakeParser(from_client, encrypted=encrypted)
        self.frame = 0
        self.time = 0


class Attempt:
    """A client's attempt to connect.

    ``number`` tells the attempts of one flow apart; ``client_id`` and ``original_id`` are source and
    destination of the client's first Initial packet. ``initial`` are the keys that ``original_id`` gave
    with the version of this number.
    """

    __slots__ = (
        "_client_id",
        "_encrypted",
        "_handshake",
        "_initial",
        "_keys",
        "_messages",
        "_original_id",
        "_server_ids",
        "_suite",
        "application_data",
        "client_random",
        "closed",
        "decrypted",
        "finished",
        "number",
    )

    def __init__(
        self,
        number: int,
        client_id: bytes,
        original_id: bytes,
        initial: dict[int, InitialKeys],
        keys: KeyLog | None,
    ) -> None:
        self.number = number
        self.client_random: bytes | None = None
        self.closed = False
        """A CONNECTION_CLOSE was read."""
        self.decrypted = False
        """Keys opened a Handshake packet."""
        self.finished: set[bool] = set()
        """Senders (True: the client) whose Finished was read."""
        self.application_data: set[bool] = set()
        """Senders of 1-RTT packets."""
        self._keys = keys
        self._original_id = original_id
        self._client_id = client_id
        self._server_ids: list[bytes] = []
        self._initial = initial
        self._handshake: dict[tuple[bool, int], PacketKeys] = {}
        self._messages: dict[tuple[bool, PacketType], _Messages] = {}
        self._suite: int | None = None
        self._encrypted: set[bool] = set()

    @property
    def held(self) -> int:
        """Bytes that wait for those before them, or for the rest of their message."""
        return sum(each.stream.held + each.parser.held for each in self._messages.values())

    @property
    def done(self) -> bool:
        """The handshake is over and everything that could be read of it was reported."""
        if self.closed:
            return True
        client = True in self.finished or True in self.application_data
        return client and (not self.decrypted or False in self.finished)

    @property
    def answered(self) -> bool:
        """The server sent an Initial or Handshake packet: a Version Negotiation after it means nothing."""
        return bool(self._server_ids)

    def awaits_client_hello(self) -> bool:
        """Tell whether Handshake packets should be kept until the client's random is known."""
        return self._keys is not None and self.client_random is None

    def owns(self, packet: Packet) -> bool:
        """Tell whether a long header packet bears this connection's connection IDs."""
        client = self._client_id
        if client and client in (packet.source, packet.destination):
            return True
        return packet.destination in self._server_ids or packet.destination == self._original_id

    def sender(self, packet: Packet, hint: bool | None) -> bool | None:
        """Return who sent a packet by its connection IDs (RFC 9000 7.2), else as the caller thinks."""
        client, destination = self._client_id, packet.destination
        if packet.type is PacketType.SHORT:
            if any(known and destination.startswith(known) for known in self._server_ids):
                return True
            if client and destination.startswith(client):
                return False
            # Nothing but the caller's word: it may be padding behind other packets, or another protocol.
            return hint if packet.data[0] & FIXED_BIT and len(packet.data) >= MINIMUM_SHORT else None
        if packet.source == client and destination != client:
            return True
        if destination == client and packet.source != client:
            return False
        return hint

    def open_initial(self, packet: Packet, hint: bool | None) -> tuple[bool, OpenedPacket] | None:
        """Remove an Initial packet's protection; return its sender, which that proves, and the content."""
        keys = self._initial_keys(packet.version)
        if keys is None:
            return None
        guess = self.sender(packet, hint)
        for from_client in (False, True) if guess is False else (True, False):
            opened = (keys.client if from_client else keys.server).open(packet)
            if opened is not None:
                return from_client, opened
        return None

    def _initial_keys(self, version: Version | None) -> InitialKeys | None:
        if version is None or not version.salts or not self._initial:
            return None
        keys = self._initial.get(version.number)
        if keys is None and len(self._initial) < MAXIMUM_VERSIONS:
            # Compatible version negotiation: same connection ID, the new version's salt (RFC 9369 4.1).
            keys = InitialKeys.derive(version, version.salts[0], self._original_id)
            self._initial[version.number] = keys
        return keys

    def receive_initial(
        self, packet: Packet, from_client: bool, opened: OpenedPacket, frame: int, time: int
    ) -> list[TlsEvent]:
        """Return the events of an Initial packet that :meth:`open_initial` opened."""
        if not from_client:
            self._learn_server_id(packet.source)
        return self._receive_frames(packet, from_client, opened.payload, frame, time)

    def receive_handshake(
        self, packet: Packet, hint: bool | None, frame: int, time: int
    ) -> list[TlsEvent] | None:
        """Return the events of a Handshake packet.

        None where nobody can tell who sent it and no key opens it.
        """
        guess = self.sender(packet, hint)
        for from_client in (False, True) if guess is False else (True, False):
            payload = self._open_handshake(packet, from_client)
            if payload is None:
                continue
            if not from_client:
                self._learn_server_id(packet.source)
            events: list[TlsEvent] = []
            if not self.decrypted:
                self.decrypted = True
                events.append(Decrypted(frame, time))
            return events + self._receive_frames(packet, from_client, payload, frame, time)
        if guess is None:
            return None
        if not guess:
            self._learn_server_id(packet.source)
        if guess in self._encrypted or any(known == guess for known, _ in self._handshake):
            return []
        self._encrypted.add(guess)
        return [EncryptedHandshake(frame, time, guess)]

    def _open_handshake(self, packet: Packet, from_client: bool) -> bytes | None:
        version = packet.version
        if self._keys is None or self.client_random is None or version is None:
            return None
        keys = self._handshake.get((from_client, version.number))
        if keys is not None:
            opened = keys.open(packet)
            return None if opened is None else opened.payload
        for secret in self._keys.secrets(LABELS[from_client], self.client_random):
            suites = suites_for_secret(secret)
            for suite in (self._suite,) if self._suite in suites else suites:
                assert suite is not None
                keys = PacketKeys(version, secret, suite)
                opened = keys.open(packet)
                if opened is not None:
                    self._handshake[from_client, version.number] = keys
                    self._keys.opened(self.client_random)
                    return opened.payload
        return None

    def receive_short(self, packet: Packet, hint: bool | None, frame: int, time: int) -> list[TlsEvent]:
        """Return an event for each direction's first 1-RTT packet; a client's proves its handshake over."""
        from_client = self.sender(packet, hint)
        if from_client is None or from_client in self.application_data:
            return []
        self.application_data.add(from_client)
        return [ApplicationData(frame, time, from_client, b"")]

    def close(self) -> list[TlsEvent]:
        """Return what can be said of messages that never came to their end."""
        events: list[TlsEvent] = []
        for (from_client, _), messages in self._messages.items():
            missing = messages.stream.missing
            if missing:
                reason = "CRYPTO bytes are missing from the capture"
                events.append(Damage(messages.frame, messages.time, from_client, reason, missing))
            events += messages.parser.salvage(messages.frame, messages.time)
        self._messages.clear()
        for event in events:
            self._note(event)
        return events

    def _learn_server_id(self, connection_id: bytes) -> None:
        if connection_id not in self._server_ids and len(self._server_ids) < MAXIMUM_SERVER_IDS:
            self._server_ids.append(connection_id)

    def _receive_frames(
        self, packet: Packet, from_client: bool, payload: bytes, frame: int, time: int
    ) -> list[TlsEvent]:
        assert packet.version is not None
        events: list[TlsEvent] = []
        messages = self._messages.get((from_client, packet.type))
        for content in read_frames(payload, packet.version.frames):
            if isinstance(content, ConnectionClose):
                self.closed = True
                if content.alert is not None:
                    events.append(Alert(frame, time, from_client, _FATAL, content.alert))
                continue
            if messages is None:
                messages = _Messages(from_client, packet.type is PacketType.HANDSHAKE)
                self._messages[from_client, packet.type] = messages
            messages.frame, messages.time = frame, time
            overflowed = messages.stream.overflowed
            data = messages.stream.receive(content.offset, content.data)
            if data:
                events += messages.parser.receive(data, frame, time)
            if messages.stream.overflowed and not overflowed:
                events.append(Damage(frame, time, from_client, "too many CRYPTO bytes out of order"))
        for event in events:
            self._note(event)
        return events

    def _note(self, event: TlsEvent) -> None:
        if isinstance(event, ClientHello):
            self.client_random = event.random
        elif isinstance(event, ServerHello):
            if not event.hello_retry_request:
                self._suite = event.cipher_suite
        elif isinstance(event, Finished):
            self.finished.add(event.from_client)

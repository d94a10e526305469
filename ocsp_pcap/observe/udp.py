"""UDP: QUIC and DTLS handshakes, and the DNS messages that may name a responder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.observe.handshakes import HandshakeTracker
from ocsp_pcap.observe.tools import Tools
from ocsp_pcap.quic.connection import QuicConnection
from ocsp_pcap.quic.dtls import DtlsConnection
from ocsp_pcap.quic.dtls_records import looks_like_dtls
from ocsp_pcap.quic.versions import looks_like_quic
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.tls.events import ClientHello, ServerHello

DNS_PORT: Final = 53
MAX_DNS_BYTES: Final = 32 << 20
"""DNS messages kept until it is known which names matter."""
MAX_TRIES: Final = 4
"""Datagrams of a flow that are looked at before it counts as neither QUIC nor DTLS."""

Handshaker: TypeAlias = QuicConnection | DtlsConnection


@dataclass(frozen=True, slots=True)
class DnsPacket:
    """A DNS message as it was seen."""

    stream: int
    direction: int
    frame: int
    time: int
    payload: bytes


@dataclass(slots=True)
class UdpStream:
    """A UDP flow that carries handshakes."""

    number: int
    connection: Handshaker
    tracker: HandshakeTracker
    client: int = 0
    """The direction in which the client sends."""
    last_frame: int = 0
    last_time: int = 0


class UdpObserver:
    """All UDP flows of one capture."""

    def __init__(self, tools: Tools) -> None:
        self.flows = FlowTable(udp=True)
        self.finished: list[UdpStream] = []
        self.dns: list[DnsPacket] = []
        self.dns_forgotten = 0
        """DNS messages that were not kept for the bound on memory."""
        self._dns_bytes = 0
        self._tools = tools
        self._tries: NDArray[np.int8] = np.full(1024, MAX_TRIES, np.int8)
        """Datagrams of each flow that may still be looked at; -1: it has a connection."""
        self._streams: dict[int, UdpStream] = {}

    def receive(self, columns: TransportColumns) -> None:
        """Take one batch of datagrams."""
        rows = self.flows.assign(columns)
        if not len(columns):
            return
        if len(self.flows) > len(self._tries):
            grown = np.full(max(len(self.flows), 2 * len(self._tries)), MAX_TRIES, np.int8)
            grown[: len(self._tries)] = self._tries
            self._tries = grown
        usable = (columns.payload_length > 0) & ~columns.in_error
        dns = usable & ((columns.source_port == DNS_PORT) | (columns.destination_port == DNS_PORT))
        for row in np.flatnonzero(dns).tolist():
            self._keep_dns(columns, rows.stream, rows.direction, row)
        usable &= ~dns & (self._tries[rows.stream] != 0)
        for row in np.flatnonzero(usable).tolist():
            self._datagram(columns, int(rows.stream[row]), int(rows.direction[row]), row)

    def finish(self) -> None:
        """The capture is over."""
        for stream in list(self._streams.values()):
            self._end(stream)

    def _keep_dns(
        self,
        columns: TransportColumns,
        streams: NDArray[np.int64],
        directions: NDArray[np.uint8],
        row: int,
    ) -> None:
        if self._dns_bytes > MAX_DNS_BYTES:
            self.dns_forgotten += 1
            return
        payload = columns.payload(row)
        self._dns_bytes += len(payload) + 200
        self.dns.append(
            DnsPacket(
                int(streams[row]),
                int(directions[row]),
                int(columns.frame[row]),
                int(columns.time[row]),
                payload,
            )
        )

    def _datagram(self, columns: TransportColumns, number: int, direction: int, row: int) -> None:
        left = int(self._tries[number])
        if not left:
            return
        payload = columns.payload(row)
        stream = self._streams.get(number)
        if stream is None:
            connection = self._connection(payload)
            if connection is None:
                self._tries[number] = left - 1
                return
            stream = self._streams[number] = UdpStream(number, connection, HandshakeTracker())
            self._tries[number] = -1
        frame, time = int(columns.frame[row]), int(columns.time[row])
        stream.last_frame, stream.last_time = frame, time
        if stream.connection.wants(None):
            for event in stream.connection.receive(None, payload, frame, time):
                stream.tracker.receive(event)
                if isinstance(event, ClientHello | ServerHello):
                    stream.client = direction if isinstance(event, ClientHello) else 1 - direction
        if stream.connection.finished:
            self._end(stream)

    def _connection(self, payload: bytes) -> Handshaker | None:
        if looks_like_quic(payload):
            return QuicConnection(self._tools.keys)
        return DtlsConnection() if looks_like_dtls(payload) else None

    def _end(self, stream: UdpStream) -> None:
        for event in stream.connection.close():
            stream.tracker.receive(event)
        del self._streams[stream.number]
        self._tries[stream.number] = 0
        if stream.tracker.handshakes:
            self.finished.append(stream)

"""UDP: QUIC and DTLS handshakes, those inside OpenVPN and RDP, and DNS messages that may name a responder.

As with TCP, the walk over packets stays in numpy: of a flow that is not told yet only datagrams count
that can begin a handshake, and of one whose handshake is over those that can begin another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.carriers.openvpn_packets import hello_overhead, reset_overhead
from ocsp_pcap.carriers.rdp_udp import looks_like_rdp_udp
from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.observe.dns_log import DNS_PORT, DnsLog
from ocsp_pcap.observe.rows import Rows
from ocsp_pcap.observe.udp_openings import Beginnings
from ocsp_pcap.parallel.to_reread import Unread
from ocsp_pcap.quic.dtls_records import looks_like_dtls
from ocsp_pcap.quic.versions import looks_like_quic
from ocsp_pcap.spoken.carried import CarrierConnection
from ocsp_pcap.spoken.conversation import Tunnel
from ocsp_pcap.spoken.handshakes import HandshakeTracker
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.joining import Joined, Match, StreamFiles
from ocsp_pcap.tls.events import ClientHello, ServerHello, TlsEvent

if TYPE_CHECKING:
    from ocsp_pcap.parallel.one_file_udp import UdpPart
    from ocsp_pcap.quic.connection import QuicConnection
    from ocsp_pcap.quic.dtls import DtlsConnection

MAX_BEGINNINGS: Final = 64
"""Datagrams of a flow that are tried as the beginning of a handshake."""
MAX_SILENT: Final = 1024
"""Datagrams of a carrier in a row that bring nothing before the flow is given up."""
MAX_SILENT_REPEATED: Final = 8
"""Datagrams without a ClientHello after which what seemed to begin another handshake is given up."""
MAX_LINGERING: Final = 16
"""Datagrams that are read after the end of a DTLS handshake: data may overtake the Finished message."""

UNTOLD: Final = 0
READING: Final = 1
"""It has a connection that wants every datagram."""
CONTROL: Final = 2
"""It has an OpenVPN connection, which wants control packets."""
QUIC_OVER: Final = 3
DTLS_OVER: Final = 4
"""The handshake is over; another may begin."""
SPENT: Final = 5

CAPWAP_CONTROL: Final = 5246
CAPWAP_PREAMBLE: Final = 4

Handshaker: TypeAlias = "QuicConnection | DtlsConnection | CarrierConnection"


@dataclass(slots=True)
class UdpStream:
    """A handshake (or those of one connection) of a UDP flow; a flow may have several."""

    number: int
    connection: Handshaker | None
    """None once the flow is over."""
    tracker: HandshakeTracker
    state_after: int
    """State of the flow once the connection is over."""
    client: int = 0
    """The direction in which the client sends."""
    last_frame: int = 0
    last_time: int = 0
    tunnel: Tunnel | None = None
    hello_seen: bool = False
    silent: int = 0
    """Datagrams since the last that told something."""
    lingering: int = 0
    """Datagrams since the handshake seemed over."""
    frames_before: int = 0
    """To be added to frames: those of the files before the one that it was read in."""


class UdpObserver:
    """All UDP flows of one capture."""

    def __init__(self, shared: Shared) -> None:
        self.flows = FlowTable(udp=True)
        self.files = StreamFiles()
        self.finished: list[UdpStream] = []
        self.dns = DnsLog("udp")
        self._shared = shared
        self._state: NDArray[np.int8] = np.zeros(1024, np.int8)
        self._streams: dict[int, UdpStream] = {}
        self._begun: dict[int, int] = {}
        """Datagrams tried as beginnings, by flow."""
        self._randoms: dict[int, set[bytes]] = {}
        """Randoms of the ClientHellos of handshakes that are over, by flow."""

    def begin_file(self) -> None:
        """Another file of the capture begins."""
        self.files.begin(len(self.flows))

    def receive(self, columns: TransportColumns) -> None:
        """Take one batch of datagrams."""
        before = len(self.flows)
        rows = self.flows.assign(columns)
        if not len(columns):
            return
        self.files.note(rows.stream, before)
        self._reserve()
        self._take(without_capwap_preamble(columns), rows.stream, rows.direction)

    def _reserve(self) -> None:
        """Have room for the state of each flow."""
        if len(self.flows) > len(self._state):
            grown = np.zeros(max(len(self.flows), 2 * len(self._state)), np.int8)
            grown[: len(self._state)] = self._state
            self._state = grown

    def _take(
        self, columns: TransportColumns, stream: NDArray[np.int64], direction: NDArray[np.uint8]
    ) -> None:
        usable = (columns.payload_length > 0) & ~columns.in_error
        dns = usable & ((columns.source_port == DNS_PORT) | (columns.destination_port == DNS_PORT))
        for row in np.flatnonzero(dns).tolist():
            self.dns.keep(
                int(stream[row]),
                int(direction[row]),
                int(columns.frame[row]),
                int(columns.time[row]),
                columns.payload(row),
            )
        self._read(columns, stream, direction, usable & ~dns)

    def replay(self, rows: Rows) -> None:
        """Take datagrams of flows that are known already, and that are not DNS."""
        if len(rows):
            usable = rows.columns.payload_length > 0
            self._read(rows.columns, rows.stream, rows.direction, usable & ~rows.columns.in_error)

    def _read(
        self,
        columns: TransportColumns,
        stream: NDArray[np.int64],
        direction: NDArray[np.uint8],
        usable: NDArray[np.bool_],
    ) -> None:
        chosen = np.flatnonzero(usable & (self._state[stream] != SPENT))
        if len(chosen):
            self._chosen(columns, stream[chosen], direction, chosen)

    def match(self, part: UdpPart) -> Match:
        """Find which flows of another file are known."""
        return self.flows.match(part.flows)

    def join(self, part: UdpPart, match: Match, frames_before: int) -> Unread:
        """Take what was told of the file that follows; return what has to be looked for in it."""
        known = {
            flow: int(self._state[earlier])
            for flow, earlier in zip(
                np.flatnonzero(match.earlier >= 0).tolist(),
                match.earlier[match.earlier >= 0].tolist(),
                strict=True,
            )
            if self._state[earlier] != UNTOLD or earlier in self._begun
        }
        joined = self.flows.join(part.flows, match, frames_before)
        self.files.take(joined)
        self._reserve()
        number = joined.number.tolist()
        for stream in part.finished:
            if stream.number not in known and stream.number not in part.open:
                stream.client ^= int(joined.flipped[stream.number])
                stream.number = number[stream.number]
                stream.frames_before = frames_before
                self.finished.append(stream)
        for flow, begun in part.begun.items():
            if flow not in known and flow not in part.open:
                self._state[number[flow]] = part.state[flow]
                self._begun[number[flow]] = begun
                if flow in part.randoms:
                    self._randoms[number[flow]] = part.randoms[flow]
        self.dns.join(part.dns, part.forgotten, joined, frames_before)
        return self._replay_part(part, joined, known, frames_before)

    def _replay_part(
        self, part: UdpPart, joined: Joined, known: dict[int, int], frames_before: int
    ) -> Unread:
        """Go through datagrams that were set aside: of flows that are open, and of those known before."""
        size = len(joined.number)
        unread: dict[int, int] = {}
        fresh = np.zeros(size, np.bool_)
        again = np.zeros(size, np.bool_)
        for flow in part.open - known.keys():
            if part.begun[flow] > 1:
                # What came before in the file may count for how this goes on.
                unread[flow] = 0
            else:
                fresh[flow] = True
        again[[flow for flow, state in known.items() if state != SPENT]] = True
        for rows, wanted, incomplete in (
            (part.open_rows, fresh, part.open_incomplete),
            (part.early_rows, again, part.early_incomplete),
        ):
            chosen = rows.of(wanted[rows.stream])
            self.replay(chosen.moved(joined.number, joined.flipped, frames_before))
            for flow, frame in incomplete.items():
                state = int(self._state[joined.number[flow]])
                begins = flow in part.begun and state != SPENT
                if wanted[flow] and (begins or state in (READING, CONTROL)):
                    unread[flow] = frame
        return Unread(joined, frames_before, unread)

    def finish(self) -> None:
        """The capture is over."""
        for stream in list(self._streams.values()):
            self._end(stream)

    def _chosen(
        self,
        columns: TransportColumns,
        stream: NDArray[np.int64],
        direction: NDArray[np.uint8],
        chosen: NDArray[np.int64],
    ) -> None:
        """Walk the rows of flows in which something counts, flow by flow."""
        beginnings = Beginnings(columns, chosen)
        state = self._state[stream]
        counts = state == READING
        counts |= (state == UNTOLD) & beginnings.any
        counts |= (state == CONTROL) & beginnings.openvpn_control
        counts |= (state == QUIC_OVER) & beginnings.quic_initial
        counts |= (state == DTLS_OVER) & beginnings.dtls_client_hello
        if not counts.any():
            return
        involved = np.zeros(len(self.flows), np.bool_)
        involved[stream[counts]] = True
        kept = np.flatnonzero(involved[stream])
        kept = kept[np.argsort(stream[kept], kind="stable")]
        stream, chosen = stream[kept], chosen[kept]
        wanted = {
            UNTOLD: beginnings.any[kept],
            READING: np.ones(len(kept), np.bool_),
            CONTROL: beginnings.openvpn_control[kept],
            QUIC_OVER: beginnings.quic_initial[kept],
            DTLS_OVER: beginnings.dtls_client_hello[kept],
        }
        starts = np.flatnonzero(np.r_[True, stream[1:] != stream[:-1]])
        ends = np.r_[starts[1:], len(stream)]
        for number, start, end in zip(stream[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
            position = start
            while position < end and (state_now := int(self._state[number])) != SPENT:
                ahead = np.flatnonzero(wanted[state_now][position:end]) + position
                position = end
                for at in ahead.tolist():
                    row = int(chosen[at])
                    self._datagram(columns, number, int(direction[row]), row)
                    if self._state[number] != state_now:
                        position = at + 1
                        break

    def _datagram(self, columns: TransportColumns, number: int, direction: int, row: int) -> None:
        payload = columns.payload(row)
        stream = self._streams.get(number)
        if stream is None:
            stream = self._open(number, payload)
            if stream is None:
                return
        frame, time = int(columns.frame[row]), int(columns.time[row])
        stream.last_frame, stream.last_time = frame, time
        connection = stream.connection
        assert connection is not None
        stream.silent += 1
        if isinstance(connection, CarrierConnection):
            if connection.receive(direction, payload, frame, time):
                stream.silent = 0
            stream.client = connection.client
            if connection.finished or stream.silent > MAX_SILENT:
                self._end(stream)
            return
        hint = direction == stream.client if stream.hello_seen else None
        if not self._events(stream, direction, connection.receive(hint, payload, frame, time)):
            self._discard(stream)
            return
        if connection.finished:
            stream.lingering += 1
            if stream.state_after == QUIC_OVER or stream.lingering > MAX_LINGERING:
                self._end(stream)
            return
        stream.lingering = 0
        if number in self._randoms and not stream.hello_seen and stream.silent >= MAX_SILENT_REPEATED:
            self._end(stream)

    def _events(self, stream: UdpStream, direction: int, events: list[TlsEvent]) -> bool:
        """Hand events to the handshakes; False where they repeat a handshake that is over."""
        for event in events:
            if isinstance(event, ClientHello):
                if not stream.hello_seen and event.random in self._randoms.get(stream.number, ()):
                    return False
                stream.hello_seen = True
                stream.client = direction
            elif isinstance(event, ServerHello) and not stream.hello_seen:
                stream.client = 1 - direction
            stream.tracker.receive(event)
        return True

    def _open(self, number: int, payload: bytes) -> UdpStream | None:
        """Begin a connection where a datagram can be the first of one."""
        begun = self._begun[number] = self._begun.get(number, 0) + 1
        if begun > MAX_BEGINNINGS:
            self._state[number] = SPENT
            return None
        found = self._connection(payload)
        if found is None:
            return None
        connection, state_after = found
        tunnel = Tunnel(connection.kind) if isinstance(connection, CarrierConnection) else None
        stream = UdpStream(number, connection, HandshakeTracker(), state_after, tunnel=tunnel)
        self._streams[number] = stream
        self._state[number] = CONTROL if tunnel is not None and tunnel.kind == "openvpn" else READING
        return stream

    def _connection(self, payload: bytes) -> tuple[Handshaker, int] | None:
        """Return what reads the flow that a datagram begins, and the state of the flow after it."""
        if looks_like_quic(payload):
            from ocsp_pcap.quic.connection import QuicConnection

            return QuicConnection(self._shared.keys), QUIC_OVER
        if looks_like_dtls(payload):
            from ocsp_pcap.quic.dtls import DtlsConnection

            return DtlsConnection(), DTLS_OVER
        if looks_like_rdp_udp(payload):
            return CarrierConnection("rdp-udp", self._shared), SPENT
        if reset_overhead(payload) is not None or hello_overhead(payload) is not None:
            return CarrierConnection("openvpn", self._shared), SPENT
        return None

    def _end(self, stream: UdpStream) -> None:
        connection = stream.connection
        assert connection is not None
        if isinstance(connection, CarrierConnection):
            stream.tracker.handshakes += connection.finish()
            stream.client = connection.client
        elif not self._events(stream, stream.client, connection.close()):
            self._discard(stream)
            return
        self._close(stream)
        if stream.tracker.handshakes:
            known = self._randoms.setdefault(stream.number, set())
            known.update(h.client_hello.random for h in stream.tracker.handshakes if h.client_hello)
            self.finished.append(stream)

    def _discard(self, stream: UdpStream) -> None:
        """Forget what only repeats a handshake that is over: retransmissions came late."""
        self._close(stream)

    def _close(self, stream: UdpStream) -> None:
        del self._streams[stream.number]
        self._state[stream.number] = stream.state_after
        stream.connection = None


def without_capwap_preamble(columns: TransportColumns) -> TransportColumns:
    """Strip what CAPWAP control puts before each DTLS record (RFC 5415 4.2): the type 1 and three octets."""
    control = (columns.source_port == CAPWAP_CONTROL) | (columns.destination_port == CAPWAP_CONTROL)
    rows = np.flatnonzero(control & (columns.payload_length > CAPWAP_PREAMBLE) & ~columns.in_error)
    rows = rows[[columns.payload(row)[:1] == b"\x01" for row in rows.tolist()]] if len(rows) else rows
    if not len(rows):
        return columns
    offset, length = columns.payload_offset.copy(), columns.payload_length.copy()
    offset[rows] += CAPWAP_PREAMBLE
    length[rows] -= CAPWAP_PREAMBLE
    return replace(columns, payload_offset=offset, payload_length=length)

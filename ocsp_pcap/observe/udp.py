"""UDP: QUIC handshakes, and DNS messages that may name a responder.

As with TCP, the walk over packets stays in numpy: of a flow that is not finished only datagrams count
that can begin a handshake, and of one whose handshake is over those that can begin another.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.observe.dns_log import DNS_PORT, DnsLog
from ocsp_pcap.observe.finished import FinishedStream, FinishedStreams
from ocsp_pcap.observe.udp_openings import Beginnings
from ocsp_pcap.observe.udp_stream import UdpStream
from ocsp_pcap.quic.versions import looks_like_quic
from ocsp_pcap.spoken.handshakes import HandshakeTracker
from ocsp_pcap.spoken.seen import Spoken, seen
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.joining import FlowMatch, StreamFiles
from ocsp_pcap.tls.events import ClientHello, ServerHello, TlsEvent

MAX_BEGINNINGS: Final = 64
"""Datagrams of a flow that are tried as the beginning of a handshake."""
MAX_SILENT_REPEATED: Final = 8
"""Datagrams without a ClientHello after which what seemed to begin another handshake is given up."""

FRESH: Final = 0
"""State of a flow: no handshake has begun on it."""
READING: Final = 1
"""It has a connection that wants every datagram."""
QUIC_OVER: Final = 2
"""The handshake is over; another may begin."""
SPENT: Final = 3
"""Too many datagrams were tried as beginnings: nothing more of it is read."""


class UdpObserver:
    """All UDP flows of one capture."""

    def __init__(self, shared: Shared) -> None:
        self.flows = FlowTable(udp=True)
        self.files = StreamFiles()
        self.finished = FinishedStreams()
        self.dns = DnsLog("udp")
        self._shared = shared
        self._state: NDArray[np.int8] = np.zeros(1024, np.int8)
        self._streams: dict[int, UdpStream] = {}
        self._waiting = 0
        """Bytes that wait in the connections of all streams."""
        self._begun: dict[int, int] = {}
        """Datagrams tried as beginnings, by flow."""
        self.last_read: dict[int, int] = {}
        """The last frame that was not passed over, by flow."""
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
        self._take(columns, rows.stream, rows.direction)

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
        dns = usable & _is_dns(columns)
        for row in np.flatnonzero(dns).tolist():
            self.dns.keep(
                int(stream[row]),
                int(direction[row]),
                int(columns.frame[row]),
                int(columns.time[row]),
                columns.payload(row),
            )
        self._read(columns, stream, direction, usable & ~dns)

    def receive_own(self, columns: TransportColumns) -> None:
        """Take a batch that a worker reads, too: only flows are read on which a connection had begun before.

        DNS messages are the worker's.
        """
        rows = self.flows.assign(columns)
        if len(columns):
            self._reserve()
            usable = (columns.payload_length > 0) & ~columns.in_error & ~_is_dns(columns)
            self._read(columns, rows.stream, rows.direction, usable & self.tried(rows.stream))

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

    def adopt(self, other: UdpObserver, match: FlowMatch, frames_before: int) -> None:
        """Take over the flows of the files that follow, those with an open connection, too.

        Where a connection of a flow had begun before, what ``other`` made of its datagrams does not count.
        """
        here = np.zeros(len(other.flows), np.bool_)
        here[self._begun_in(match)] = True
        joined = self.flows.join(other.flows, match, frames_before)
        number, flipped = joined.number.tolist(), joined.flipped.tolist()
        self.files.join(other.files, joined)
        self._reserve()
        self._state[joined.number[~here]] = other._state[: len(number)][~here]
        self._begun |= {number[flow]: begun for flow, begun in other._begun.items() if not here[flow]}
        self._randoms |= {number[flow]: seen for flow, seen in other._randoms.items() if not here[flow]}
        for over in other.finished:
            if not here[over.number]:
                over.spoken = over.spoken._replace(client=over.spoken.client ^ flipped[over.number])
                over.number, over.frames_before = number[over.number], frames_before
                self._keep(over)
        for stream in other._streams.values():
            if not here[stream.number]:
                stream.client ^= flipped[stream.number]
                stream.number, stream.frames_before = number[stream.number], frames_before
                self._streams[stream.number] = stream
                self._waiting += stream.waiting
        self.dns.adopt(other.dns, joined, frames_before)

    def _begun_in(self, match: FlowMatch) -> NDArray[np.int64]:
        """Return which flows of the files that follow go on with one on which a connection had begun."""
        known = np.flatnonzero(match.earlier >= 0)
        begun: NDArray[np.int64] = known[self.tried(match.earlier[known])]
        return begun

    def tried(self, flows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell in which flows a datagram was tried as the beginning of a handshake."""
        tried = np.zeros(len(self.flows), np.bool_)
        tried[list(self._begun)] = True
        return tried[flows]

    def unfinished(self, other: UdpObserver, match: FlowMatch, frame: int) -> bool:
        """Tell whether connections that had begun may matter behind a frame of the files that follow.

        Every datagram counts of one under way, else those that can begin another: ``other`` tried these.
        """
        begun = self._begun_in(match)
        state = self._state[match.earlier[begun]]
        return bool((state == READING).any()) or any(
            other.last_read.get(flow, 0) > frame for flow in begun[state != SPENT].tolist()
        )

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
        counts |= (state == FRESH) & beginnings.any
        counts |= (state == QUIC_OVER) & beginnings.quic_initial
        if not counts.any():
            return
        involved = np.zeros(len(self.flows), np.bool_)
        involved[stream[counts]] = True
        kept = np.flatnonzero(involved[stream])
        kept = kept[np.argsort(stream[kept], kind="stable")]
        stream, chosen = stream[kept], chosen[kept]
        wanted = {
            FRESH: beginnings.any[kept],
            READING: np.ones(len(kept), np.bool_),
            QUIC_OVER: beginnings.quic_initial[kept],
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
                    # Flows with a lower number have had their rows.
                    self._end_idle()
                    if self._state[number] != state_now:
                        position = at + 1
                        break

    def _end_idle(self) -> None:
        """End the connections that were silent longest where too many are open, or too much waits."""
        if len(self._streams) > BOUNDS.open_streams:
            idle = sorted(self._streams.values(), key=lambda stream: stream.last_frame)
            surplus = idle[: len(idle) - BOUNDS.open_streams * 3 // 4]
            reached("open_streams", len(surplus))
            for stream in surplus:
                self._end(stream)
        if self._waiting > BOUNDS.all_waiting_bytes:
            for stream in sorted(self._streams.values(), key=lambda stream: stream.last_frame):
                if self._waiting <= BOUNDS.all_waiting_bytes * 3 // 4:
                    break
                if stream.waiting:
                    reached("all_waiting_bytes")
                    self._end(stream)

    def _datagram(self, columns: TransportColumns, number: int, direction: int, row: int) -> None:
        payload = columns.payload(row)
        self.last_read[number] = int(columns.frame[row])
        stream = self._streams.get(number)
        if stream is None:
            stream = self._open(number, payload)
            if stream is None:
                return
        frame, time = int(columns.frame[row]) - stream.frames_before, int(columns.time[row])
        stream.last_frame, stream.last_time = frame, time
        if disputed := columns.disputed.get(int(columns.frame[row])):
            stream.ambiguous |= {tuple(each - stream.frames_before for each in disputed)}
        connection = stream.connection
        stream.silent += 1
        hint = direction == stream.client if stream.hello_seen else None
        if not self._events(stream, direction, connection.receive(hint, payload, frame, time)):
            self._close(stream)
            return
        if connection.finished:
            self._end(stream)
            return
        held = connection.held
        self._waiting += held - stream.waiting
        stream.waiting = held
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
            stream.tracker.receive((event,))
        return True

    def _open(self, number: int, payload: bytes) -> UdpStream | None:
        """Begin a connection where a datagram can be the first of one."""
        begun = self._begun[number] = self._begun.get(number, 0) + 1
        if begun > MAX_BEGINNINGS:
            self._state[number] = SPENT
            return None
        if not looks_like_quic(payload):
            return None
        from ocsp_pcap.quic.connection import QuicConnection

        stream = self._streams[number] = UdpStream(
            number, QuicConnection(self._shared.keys), HandshakeTracker()
        )
        self._state[number] = READING
        return stream

    def _end(self, stream: UdpStream) -> None:
        repeated = not self._events(stream, stream.client, stream.connection.close())
        self._close(stream)
        handshakes = stream.tracker.handshakes
        if not repeated and handshakes:
            known = self._randoms.setdefault(stream.number, set())
            known.update(each.client_hello.random for each in handshakes if each.client_hello)
            found = tuple([seen(handshake, self._shared.same) for handshake in handshakes])
            self._keep(
                FinishedStream(
                    stream.number,
                    Spoken(stream.client, False, None, found, (), None),
                    ambiguous=stream.ambiguous,
                    frames_before=stream.frames_before,
                )
            )

    def _keep(self, stream: FinishedStream) -> None:
        """Keep what a connection showed; of ClientHellos that nothing answers only so many."""
        if not stream.spoken.is_unanswered or self._shared.has_room():
            self.finished.add(stream)
            self.finished.pack()

    def _close(self, stream: UdpStream) -> None:
        del self._streams[stream.number]
        self._waiting -= stream.waiting
        self._state[stream.number] = QUIC_OVER


def _is_dns(columns: TransportColumns) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (columns.source_port == DNS_PORT) | (columns.destination_port == DNS_PORT)
    return found

"""One TCP connection: finds out which protocol is spoken on it, and hands its bytes to the parser for that.

A state machine of seven modes:

- SNIFF: nothing is known yet; bytes are held until they show a protocol.
- WATCH: the protocol is unknown. Only a segment matters that begins as TLS or HTTP does, or holds a TLS hello
  (STARTTLS in all its forms).
- SOCKS: the negotiation is held until it is whole. Behind it, as behind a PROXY header and inside the tunnel
  that a CONNECT opens, sniffing starts again.
- TLS, HTTP: a parser has the bytes.
- DNS, on its own port only: messages are cut out and kept.
- IGNORE: nothing further can matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import Literal

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.ocsp.exchange import Exchange, ExchangeReader
from ocsp_pcap.spoken.behind_prefixes import (
    Behind,
    behind_proxy_header,
    behind_socks,
    behind_unanswered_socks,
    refused_socks,
)
from ocsp_pcap.spoken.dns_stream import DnsStream, Keep, begins_dns
from ocsp_pcap.spoken.first_bytes import Beginning, from_hello, hello_within, sniff
from ocsp_pcap.spoken.handshakes import HandshakeTracker
from ocsp_pcap.spoken.held_bytes import HeldBytes, Piece
from ocsp_pcap.spoken.proxy_prefixes import NOT_THIS
from ocsp_pcap.spoken.seen import Found, Spoken, Tunnel, seen
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.tls.connection import TlsConnection
from ocsp_pcap.tls.events import ApplicationData, TlsEvent
from ocsp_pcap.tls.records import HANDSHAKE


class Mode(Enum):
    """What is spoken at present."""

    SNIFF = auto()
    WATCH = auto()
    SOCKS = auto()
    TLS = auto()
    HTTP = auto()
    DNS = auto()
    IGNORE = auto()


class Conversation:
    """Both directions of one connection; direction 0 is that of the host that sent its first packet."""

    __slots__ = (
        "_behind",
        "_depth",
        "_dns",
        "_http",
        "_keep_dns",
        "_mid_stream",
        "_mode",
        "_scheme",
        "_shared",
        "_waiting",
        "_watched",
        "client",
        "dozing",
        "exchanges",
        "inner",
        "socks_payload_frame",
        "swapped",
        "tls",
        "tracker",
        "tunnel",
    )

    def __init__(
        self,
        shared: Shared,
        depth: int = 0,
        scheme: Literal["http", "https"] = "http",
        keep_dns: Keep | None = None,
        *,
        mid_stream: bool = False,
        late: bool = False,
        tunnel: Tunnel | None = None,
    ) -> None:
        """Begin a connection.

        Args:
            shared: the state of the run.
            depth: tunnels around it.
            scheme: of the URLs requested on it.
            keep_dns: takes DNS messages; None: not on the port of DNS.
            mid_stream: it began before the capture did.
            late: an unknown protocol came first, whose bytes were not read.
            tunnel: the prefix that it travels behind.
        """
        self._shared = shared
        self._depth = depth
        self._behind = 0
        """Directions (bits) in which the first TLS record may stand behind other bytes in one segment."""
        self._mid_stream = mid_stream
        self._scheme = scheme
        self._http: ExchangeReader | None = None
        self._keep_dns = keep_dns
        self._dns: DnsStream | None = None
        self._mode = Mode.WATCH if late else Mode.SNIFF
        self._waiting: HeldBytes | None = None
        self._watched = BOUNDS.watched_segments if late else 0
        self.dozing = False
        """An unknown protocol went on for long: only what begins as TLS or HTTP does can matter."""
        self.client = 0
        """The direction in which the client of the present protocol sends."""
        self.tunnel = tunnel
        self.socks_payload_frame: int | None = None
        """The first frame that carried something through SOCKS."""
        self.tls: TlsConnection | None = None
        self.swapped = False
        """Once finished: the client of TLS was the other side than the first bytes said."""
        self.tracker: HandshakeTracker | None = None
        self.exchanges: list[Found] = []
        self.inner: Conversation | None = None
        """What decrypted application data contains."""

    @property
    def wanted(self) -> int:
        """Directions (bits) of which further bytes can matter."""
        mode = self._mode
        if mode is Mode.TLS:
            assert self.tls is not None
            from_client, from_server = self.tls.wants(True), self.tls.wants(False)
        elif mode is Mode.HTTP:
            assert self._http is not None
            from_client, from_server = self._http.wants(True), self._http.wants(False)
        elif mode is Mode.DNS:
            assert self._dns is not None
            from_client = from_server = not self._dns.finished
        else:
            from_client = from_server = mode is not Mode.IGNORE
        return from_client << self.client | from_server << 1 - self.client

    @property
    def held(self) -> int:
        """Bytes that wait for the rest of a message or prefix, those of decrypted data included."""
        held = self._waiting.size if self._waiting is not None else 0
        if self.tls is not None:
            held += self.tls.held
        if self._http is not None:
            held += self._http.held
        return held if self.inner is None else held + self.inner.held

    def wants(self, direction: int) -> bool:
        """Tell whether further bytes of a direction can matter."""
        return bool(self.wanted >> direction & 1)

    def receive(self, direction: int, data: bytes, frame: int, time: int, segment_start: bool) -> None:
        """Take the next bytes of one direction."""
        match self._mode:
            case Mode.TLS:
                assert self.tls is not None
                if self._behind >> direction & 1:
                    self._behind &= ~(1 << direction)
                    data = from_hello(data)
                self._events(
                    self.tls.receive(direction == self.client, data, frame, time, segment_start=segment_start)
                )
            case Mode.HTTP:
                assert self._http is not None
                if segment_start and data[0] == HANDSHAKE and self._ends_http(direction, data, frame, time):
                    self._hold(Piece(direction, data, frame, time, segment_start))
                    return
                self._found(self._http.receive(direction == self.client, data, frame, time, segment_start))
                self._enter_tunnel()
                if self._http is not None and self._http.switched:
                    self._leave_http(frame, time)
            case Mode.DNS:
                assert self._dns is not None
                self._dns.receive(direction, data, frame, time, segment_start)
            case Mode.IGNORE:
                pass
            case _:
                self._hold(Piece(direction, data, frame, time, segment_start))

    def gap(self, direction: int, length: int, frame: int, time: int) -> None:
        """Note bytes that the capture does not hold."""
        from_client = direction == self.client
        match self._mode:
            case Mode.TLS:
                assert self.tls is not None
                self._events(self.tls.gap(from_client, length, frame, time))
            case Mode.HTTP:
                assert self._http is not None
                self._found(self._http.gap(from_client, length, frame, time))
                self._enter_tunnel()
            case Mode.DNS:
                assert self._dns is not None
                self._dns.gap(direction)
            case Mode.SNIFF if self._waiting is None and not self._watched:
                # The gap stands before all bytes in the capture: these may still begin a protocol.
                pass
            case Mode.SNIFF | Mode.SOCKS:
                self._watch()

    def skip(self, direction: int) -> None:
        """Note that bytes which :meth:`wants` had declined were not handed over."""
        if self._mode is Mode.HTTP and self._http is not None:
            self._http.skip(direction == self.client)

    def close(self, direction: int, frame: int, time: int, *, reset: bool) -> None:
        """Note the end of one direction by FIN, or of both by RST."""
        from_client = direction == self.client
        if self._mode is Mode.TLS:
            assert self.tls is not None
            # What the other side had sent before it heard of a reset may still arrive.
            self._events(self.tls.finish(from_client))
        elif self._mode is Mode.HTTP:
            assert self._http is not None
            self._found(self._http.close(from_client, frame, time, reset))
        if self.inner is not None:
            self.inner.close(int(not from_client), frame, time, reset=reset)

    def finish(self, frame: int, time: int) -> None:
        """The capture ended, or nothing more of this connection can matter."""
        if self._mode is Mode.TLS:
            assert self.tls is not None
            for side in (True, False):
                self._events(self.tls.finish(side))
        elif self._mode is Mode.HTTP:
            assert self._http is not None
            self._found(self._http.finish(frame, time))
            if self._http.tunnel is not None:
                # What the client sent ahead travelled in a tunnel whose opening is not in the capture.
                self._enter_tunnel()
                self.finish(frame, time)
                return
        elif self._mode is Mode.SOCKS and self._waiting is not None:
            behind = behind_unanswered_socks(self._waiting, self.client)
            if behind is not None:
                self._start_over(*behind)
                self.finish(frame, time)
                return
            self._found(refused_socks(self._waiting, self.client))
        if self.inner is not None:
            self.inner.finish(frame, time)
        self._mode = Mode.IGNORE
        self._release()

    def result(self) -> Spoken:
        """Return what was spoken, once it is finished."""
        tracker, same = self.tracker, self._shared.same
        return Spoken(
            self.client,
            self.swapped,
            self.tunnel,
            None if tracker is None else tuple([seen(handshake, same) for handshake in tracker.handshakes]),
            tuple(self.exchanges),
            None if self.inner is None else self.inner.result(),
        )

    def _release(self) -> None:
        """Keep what was learned and drop the parsers: there may be very many connections."""
        if self.tls is not None:
            self.swapped = self.tls.swapped
        self.tls = self._http = self._dns = None
        self._waiting = None

    def _hold(self, piece: Piece) -> None:
        waiting = self._waiting
        if waiting is None:
            if self._mode is Mode.WATCH and not piece.segment_start:
                return
            waiting = self._waiting = HeldBytes()
        elif self._mode is Mode.WATCH and not piece.segment_start and not waiting.buffers[piece.direction]:
            return
        if self.socks_payload_frame is None and self.tunnel is not None and self.tunnel.kind == "socks":
            self.socks_payload_frame = piece.frame
        waiting.append(piece)
        if self._mode is Mode.SOCKS:
            self._socks(waiting)
        else:
            self._sniff(waiting, piece)
        held = self._waiting
        if held is None or held.size <= BOUNDS.undecided_bytes:
            return
        behind = behind_unanswered_socks(held, self.client) if self._mode is Mode.SOCKS else None
        if behind is not None:
            self._start_over(*behind)
        elif self._mode in (Mode.SNIFF, Mode.SOCKS):
            reached("undecided_bytes")
            self._watch()

    def _sniff(self, waiting: HeldBytes, last: Piece) -> None:
        direction = last.direction
        data = waiting.buffers[direction]
        if self._keep_dns is not None:
            found = begins_dns(data)
            if found:
                self._mode = Mode.DNS
                self._dns = DnsStream(self._keep_dns)
                self._replay()
            if found is not False:
                return
        kind = sniff(data)
        match kind:
            case Beginning.TLS_CLIENT | Beginning.TLS_SERVER:
                self.client = direction if kind is Beginning.TLS_CLIENT else 1 - direction
                self._begin_tls(waiting, direction)
            case Beginning.HTTP_CLIENT | Beginning.HTTP_SERVER:
                self.client = direction if kind is Beginning.HTTP_CLIENT else 1 - direction
                self._mode = Mode.HTTP
                self._http = ExchangeReader(self._shared.responses, self._scheme, mid_stream=self._mid_stream)
                self._replay()
            case Beginning.PROXY_PROTOCOL if self._mode is Mode.SNIFF:
                self._go_behind(behind_proxy_header(waiting, direction, self.tunnel))
            case Beginning.SOCKS4 | Beginning.SOCKS5 if self._mode is Mode.SNIFF:
                self._mode = Mode.SOCKS
                self.client = direction
                self._socks(waiting)
            case Beginning.UNDECIDED:
                pass
            case _ if (start := hello_within(last.data)) is not None:
                self._mode, self._waiting = Mode.WATCH, None
                self._watched += 1
                self._hold(last._replace(data=last.data[start:], segment_start=True))
            case _:
                began_before = len(last.data) < len(data)
                self._watch()
                if began_before and self._mode is Mode.WATCH:
                    # What was held looked like a beginning and was none; this segment may still be one.
                    self._hold(last)

    def _watch(self) -> None:
        """Give up the bytes at hand; the start of a later segment may still be one of TLS or HTTP."""
        self._mode = Mode.WATCH
        self._waiting = None
        self._watched += 1
        if self._watched > BOUNDS.watched_segments:
            self._mode = Mode.IGNORE
            self.dozing = True

    def _begin_tls(self, waiting: HeldBytes, direction: int) -> None:
        if self._watched and self.tunnel is None:
            self.tunnel = Tunnel("starttls")
        if waiting.buffers[1 - direction][:1] not in (b"", b"\x16"):
            # Those bytes are what the other side said before STARTTLS: they looked like a beginning.
            waiting.pieces = [piece for piece in waiting.pieces if piece.direction == direction]
        self._mode = Mode.TLS
        self._behind = 3 if self._watched else 0
        self.tls = TlsConnection(self._shared.keys, self._shared.rsa_keys)
        self.tracker = HandshakeTracker()
        self._replay()

    def _replay(self) -> None:
        waiting, self._waiting = self._waiting, None
        for piece in waiting.pieces if waiting is not None else ():
            self._feed(piece)

    def _feed(self, piece: Piece) -> None:
        if piece.data:
            self.receive(piece.direction, piece.data, piece.frame, piece.time, piece.segment_start)
        if piece.missing:
            self.gap(piece.direction, piece.missing, piece.frame, piece.time)

    def _start_over(self, tunnel: Tunnel, pieces: list[Piece]) -> None:
        """Go on behind a prefix: what follows may be any protocol."""
        self.tunnel = tunnel
        self._depth += 1
        self._waiting = None
        self._mode = Mode.SNIFF
        if self._depth > BOUNDS.tunnels:
            reached("tunnels")
            self._mode = Mode.IGNORE
        for piece in pieces:
            self._feed(piece)

    def _go_behind(self, found: Behind | int) -> None:
        if isinstance(found, Behind):
            self._start_over(*found)
        elif found == NOT_THIS:
            self._watch()

    def _socks(self, waiting: HeldBytes) -> None:
        found = behind_socks(waiting, self.client)
        if found == NOT_THIS:
            self._found(refused_socks(waiting, self.client))
        self._go_behind(found)

    def _found(self, exchanges: Iterable[Exchange]) -> None:
        for exchange in exchanges:
            if len(self.exchanges) < BOUNDS.exchanges:
                self.exchanges.append(Found(exchange, self.client, self._scheme == "https"))
            else:
                reached("exchanges")

    def _ends_http(self, direction: int, data: bytes, frame: int, time: int) -> bool:
        """Leave HTTP where TLS begins in place of the next message: with the client, where it is seen."""
        assert self._http is not None
        from_client = direction == self.client
        kind = Beginning.TLS_CLIENT if from_client else Beginning.TLS_SERVER
        hello = sniff(data) is kind and self._http.may_end(from_client)
        if hello:
            self._leave_http(frame, time)
        return hello

    def _leave_http(self, frame: int, time: int) -> None:
        assert self._http is not None
        self._found(self._http.finish(frame, time))
        self._http = None
        self._watch()

    def _enter_tunnel(self) -> None:
        reader = self._http
        if reader is None or reader.tunnel is None:
            return
        opened = reader.tunnel
        inside = [
            Piece(self.client if t.from_client else 1 - self.client, t.data, t.frame, t.time, True, t.missing)
            for t in reader.take_trailing()
        ]
        tunnel = Tunnel("connect", opened.host, opened.port, opened.connect_frame, opened.status, opened.via)
        self._start_over(tunnel, inside)

    def _events(self, events: list[TlsEvent]) -> None:
        tracker = self.tracker
        assert tracker is not None
        for event in events:
            tracker.receive((event,))
            if isinstance(event, ApplicationData) and event.data:
                self._decrypted(event)

    def _decrypted(self, event: ApplicationData) -> None:
        if self.inner is None:
            if self._depth >= BOUNDS.tunnels:
                reached("tunnels")
                return
            self.inner = Conversation(self._shared, self._depth + 1, "https")
        direction = 0 if event.from_client else 1
        if self.inner.wants(direction):
            self.inner.receive(direction, event.data, event.frame, event.time, True)
        else:
            self.inner.skip(direction)

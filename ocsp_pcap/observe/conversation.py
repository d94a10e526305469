"""One TCP connection: tells what is spoken on it and hands the bytes to the parser of that.

A state machine of eight modes. SNIFF: nothing is known yet; the first bytes are held. WATCH: an
unknown protocol, of which only a beginning of TLS or HTTP at the start of a segment matters
(STARTTLS in all its forms). SOCKS and PROXY prefixes are stripped, then sniffing starts again, and
so it does inside the tunnel that a CONNECT opens. TLS, HTTP: a parser has the bytes. OPENVPN: so do
the TLS sessions of its control channel. DNS, on its own port only: messages are cut out and kept.
IGNORE: nothing further can matter.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, Literal, NamedTuple

from ocsp_pcap.observe.carried import OpenVpnStream
from ocsp_pcap.observe.handshakes import HandshakeTracker
from ocsp_pcap.observe.names import DnsStream, Keep, begins_dns
from ocsp_pcap.observe.prefixes import (
    NEED_MORE,
    NOT_THIS,
    proxy_protocol_length,
    socks4_request,
    socks5_greeting_length,
    socks5_reply_length,
    socks5_request,
)
from ocsp_pcap.observe.sniff import Kind, sniff
from ocsp_pcap.observe.tools import Tools
from ocsp_pcap.ocsp.exchange import Exchange, ExchangeReader
from ocsp_pcap.tls.connection import TlsConnection
from ocsp_pcap.tls.events import ApplicationData, TlsEvent

MAX_WATCHED: Final = 64
"""Segments of an unknown protocol that are looked at before the connection is given up."""
MAX_HELD: Final = 4096
"""Bytes held while the protocol is undecided."""
MAX_EXCHANGES: Final = 65_536
"""Exchanges of one connection."""
MAX_DEPTH: Final = 8
"""Tunnels in tunnels."""


class Mode(Enum):
    """What is spoken at present."""

    SNIFF = auto()
    WATCH = auto()
    SOCKS = auto()
    TLS = auto()
    HTTP = auto()
    OPENVPN = auto()
    DNS = auto()
    IGNORE = auto()


class Piece(NamedTuple):
    """Bytes that wait until it is known what they belong to; ``missing`` bytes follow them."""

    direction: int
    data: bytes
    frame: int
    time: int
    segment_start: bool
    missing: int = 0


class Tunnel(NamedTuple):
    """What a handshake travels behind."""

    kind: str
    """connect, socks, proxy-protocol, starttls or openvpn; over UDP also rdp-udp."""
    host: str | None = None
    port: int | None = None
    frame: int | None = None
    status: int | None = None
    via: bool = False
    """The request bore Via or X-Forwarded-For."""


class Found(NamedTuple):
    """An OCSP exchange or CRL download, and the direction in which its client sent."""

    exchange: Exchange
    client: int
    encrypted: bool
    """It travelled inside TLS and was decrypted."""


class Conversation:
    """Both directions of one connection; direction 0 is that of the host that sent its first packet."""

    __slots__ = (
        "_buffers",
        "_depth",
        "_dns",
        "_held",
        "_held_size",
        "_http",
        "_keep_dns",
        "_mode",
        "_openvpn",
        "_scheme",
        "_tools",
        "_watched",
        "client",
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
        tools: Tools,
        depth: int = 0,
        scheme: Literal["http", "https"] = "http",
        keep_dns: Keep | None = None,
    ) -> None:
        self._tools = tools
        self._depth = depth
        self._scheme = scheme
        self._http: ExchangeReader | None = None
        self._openvpn: OpenVpnStream | None = None
        self._keep_dns = keep_dns
        self._dns: DnsStream | None = None
        self._mode = Mode.SNIFF
        self._held: list[Piece] = []
        self._held_size = 0
        self._buffers = [b"", b""]
        self._watched = 0
        self.client = 0
        """The direction in which the client of the present protocol sends."""
        self.tunnel: Tunnel | None = None
        self.socks_payload_frame: int | None = None
        """The first frame that carried something through SOCKS."""
        self.tls: TlsConnection | None = None
        self.swapped = False
        """Once finished: the client of TLS was the other side than the first bytes said."""
        self.tracker: HandshakeTracker | None = None
        self.exchanges: list[Found] = []
        self.inner: Conversation | None = None
        """What decrypted application data contains."""

    def wants(self, direction: int) -> bool:
        """Tell whether further bytes of a direction can matter."""
        from_client = direction == self.client
        match self._mode:
            case Mode.TLS:
                assert self.tls is not None
                return self.tls.wants(from_client)
            case Mode.HTTP:
                assert self._http is not None
                return self._http.wants(from_client)
            case Mode.OPENVPN:
                assert self._openvpn is not None
                return not self._openvpn.finished
            case Mode.DNS:
                assert self._dns is not None
                return not self._dns.finished
            case Mode.IGNORE:
                return False
        return True

    def receive(self, direction: int, data: bytes, frame: int, time: int, segment_start: bool) -> None:
        """Take the next bytes of one direction."""
        match self._mode:
            case Mode.TLS:
                assert self.tls is not None
                self._events(
                    self.tls.receive(direction == self.client, data, frame, time, segment_start=segment_start)
                )
            case Mode.HTTP:
                assert self._http is not None
                self._found(self._http.receive(direction == self.client, data, frame, time, segment_start))
                self._enter_tunnel()
            case Mode.OPENVPN:
                assert self._openvpn is not None
                self._openvpn.receive(direction, data, frame, time, segment_start)
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
            case Mode.OPENVPN:
                assert self._openvpn is not None
                self._openvpn.gap(direction, length)
            case Mode.DNS:
                assert self._dns is not None
                self._dns.gap(direction)
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
        elif self._mode is Mode.OPENVPN:
            assert self._openvpn is not None
            assert self.tracker is not None
            self.tracker.handshakes += self._openvpn.finish()
            self.client = self._openvpn.client
        if self.inner is not None:
            self.inner.finish(frame, time)
        self._mode = Mode.IGNORE
        self._release()

    def _release(self) -> None:
        """Keep what was learned and drop the parsers: there may be very many connections."""
        if self.tls is not None:
            self.swapped = self.tls.swapped
        self.tls = self._http = self._openvpn = None
        self._drop_held()

    def _hold(self, piece: Piece) -> None:
        if self._mode is Mode.WATCH and not piece.segment_start and not self._buffers[piece.direction]:
            return
        if self.socks_payload_frame is None and self.tunnel is not None and self.tunnel.kind == "socks":
            self.socks_payload_frame = piece.frame
        self._held.append(piece)
        self._held_size += len(piece.data)
        self._buffers[piece.direction] += piece.data
        if self._mode is Mode.SOCKS:
            self._socks()
        else:
            self._sniff(piece.direction)
        if self._mode in (Mode.SNIFF, Mode.SOCKS) and self._held_size > MAX_HELD:
            self._watch()

    def _sniff(self, direction: int) -> None:
        if self._keep_dns is not None:
            found = begins_dns(self._buffers[direction])
            if found:
                self._mode = Mode.DNS
                self._dns = DnsStream(self._keep_dns)
                self._replay()
            if found is not False:
                return
        kind = sniff(self._buffers[direction])
        match kind:
            case Kind.TLS_CLIENT | Kind.TLS_SERVER:
                self.client = direction if kind is Kind.TLS_CLIENT else 1 - direction
                self._begin_tls(direction)
            case Kind.HTTP_CLIENT | Kind.HTTP_SERVER:
                self.client = direction if kind is Kind.HTTP_CLIENT else 1 - direction
                self._mode = Mode.HTTP
                self._http = ExchangeReader(self._tools.responses, self._scheme)
                self._replay()
            case Kind.PROXY_PROTOCOL if self._mode is Mode.SNIFF:
                self._proxy_protocol(direction)
            case Kind.SOCKS4 | Kind.SOCKS5 if self._mode is Mode.SNIFF:
                self._mode = Mode.SOCKS
                self.client = direction
                self._socks()
            case Kind.OPENVPN_CLIENT | Kind.OPENVPN_SERVER:
                self.client = direction if kind is Kind.OPENVPN_CLIENT else 1 - direction
                self._begin_openvpn()
            case Kind.ENCRYPTED:
                self._drop_held()
                self._mode = Mode.IGNORE
            case Kind.UNDECIDED:
                pass
            case _:
                last = self._held[-1]
                began_before = len(last.data) < len(self._buffers[direction])
                self._watch()
                if began_before and self._mode is Mode.WATCH:
                    # What was held looked like a beginning and was none; this segment may still be one.
                    self._hold(last)

    def _watch(self) -> None:
        """Give up the bytes at hand; the start of a later segment may still be one of TLS or HTTP."""
        self._mode = Mode.WATCH
        self._drop_held()
        self._watched += 1
        if self._watched > MAX_WATCHED:
            self._mode = Mode.IGNORE

    def _begin_tls(self, direction: int) -> None:
        if self._watched and self.tunnel is None:
            self.tunnel = Tunnel("starttls")
        if self._buffers[1 - direction][:1] not in (b"", b"\x16"):
            # The end of what the other side said before STARTTLS, cut where it looked like a beginning.
            self._held = [piece for piece in self._held if piece.direction == direction]
        self._mode = Mode.TLS
        self.tls = TlsConnection(self._tools.keys, self._tools.rsa_keys)
        self.tracker = HandshakeTracker()
        self._replay()

    def _begin_openvpn(self) -> None:
        self.tunnel = self.tunnel._replace(kind="openvpn") if self.tunnel is not None else Tunnel("openvpn")
        self._mode = Mode.OPENVPN
        self._openvpn = OpenVpnStream(self.client, self._tools)
        self.tracker = HandshakeTracker()
        self._replay()

    def _replay(self) -> None:
        pieces = self._held
        self._drop_held()
        for piece in pieces:
            self._feed(piece)

    def _drop_held(self) -> None:
        self._held = []
        self._held_size = 0
        self._buffers = [b"", b""]

    def _feed(self, piece: Piece) -> None:
        if piece.data:
            self.receive(piece.direction, piece.data, piece.frame, piece.time, piece.segment_start)
        if piece.missing:
            self.gap(piece.direction, piece.missing, piece.frame, piece.time)

    def _strip(self, lengths: dict[int, int]) -> list[Piece]:
        """Take bytes off the front of each direction of what is held; return the rest."""
        rest: list[Piece] = []
        for piece in self._held:
            cut = min(lengths.get(piece.direction, 0), len(piece.data))
            lengths[piece.direction] = lengths.get(piece.direction, 0) - cut
            if cut < len(piece.data):
                rest.append(
                    Piece(piece.direction, piece.data[cut:], piece.frame, piece.time, piece.segment_start)
                )
        return rest

    def _start_over(self, tunnel: Tunnel, pieces: list[Piece]) -> None:
        """What follows a prefix may be anything again."""
        self.tunnel = tunnel
        self._depth += 1
        self._drop_held()
        self._mode = Mode.SNIFF if self._depth <= MAX_DEPTH else Mode.IGNORE
        for piece in pieces:
            self._feed(piece)

    def _proxy_protocol(self, direction: int) -> None:
        length = proxy_protocol_length(self._buffers[direction])
        if length == NOT_THIS:
            self._watch()
        elif length != NEED_MORE:
            self._start_over(self.tunnel or Tunnel("proxy-protocol"), self._strip({direction: length}))

    def _socks(self) -> None:
        sent, answered = self._buffers[self.client], self._buffers[1 - self.client]
        found = self._socks4(sent, answered) if sent[:1] == b"\x04" else self._socks5(sent, answered)
        if found is None:
            self._watch()
        elif isinstance(found, tuple):
            tunnel, from_client, from_server = found
            rest = self._strip({self.client: from_client, 1 - self.client: from_server})
            self._start_over(tunnel, rest)

    def _socks4(self, sent: bytes, answered: bytes) -> tuple[Tunnel, int, int] | bool | None:
        """Return the tunnel and the lengths of both sides' prefixes, True to go on, None: no SOCKS."""
        request = socks4_request(sent)
        if isinstance(request, int):
            return True if request == NEED_MORE else None
        if len(answered) < 8:
            return True
        if answered[:2] != b"\x00\x5a":
            return None
        return Tunnel("socks", request.host, request.port, self._held[0].frame), request.length, 8

    def _socks5(self, sent: bytes, answered: bytes) -> tuple[Tunnel, int, int] | bool | None:
        greeting = socks5_greeting_length(sent)
        if greeting < 0:
            return True if greeting == NEED_MORE else None
        if len(answered) < 2:
            return True
        if answered[0] != 5 or answered[1] == 0xFF:
            return None
        from_server = 2
        if answered[1] == 2:
            # Username/password (RFC 1929): version, two counted strings; the answer is two bytes.
            if len(sent) < greeting + 2 or len(sent) < greeting + 3 + sent[greeting + 1]:
                return True
            greeting += 2 + sent[greeting + 1]
            greeting += 1 + sent[greeting]
            from_server = 4
        request = socks5_request(sent[greeting:])
        if isinstance(request, int):
            return True if request == NEED_MORE else None
        reply = socks5_reply_length(answered[from_server:])
        if reply < 0:
            return True if reply == NEED_MORE else None
        tunnel = Tunnel("socks", request.host, request.port, self._held[-1].frame)
        return tunnel, greeting + request.length, from_server + reply

    def _found(self, exchanges: list[Exchange]) -> None:
        for exchange in exchanges:
            if len(self.exchanges) < MAX_EXCHANGES:
                self.exchanges.append(Found(exchange, self.client, self._scheme == "https"))

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
        assert self.tracker is not None
        for event in events:
            self.tracker.receive(event)
            if isinstance(event, ApplicationData) and event.data:
                self._decrypted(event)

    def _decrypted(self, event: ApplicationData) -> None:
        if self.inner is None:
            if self._depth >= MAX_DEPTH:
                return
            self.inner = Conversation(self._tools, self._depth + 1, "https")
        direction = 0 if event.from_client else 1
        if self.inner.wants(direction):
            self.inner.receive(direction, event.data, event.frame, event.time, True)
        else:
            self.inner.skip(direction)

"""A TLS connection of which nothing is missing, gone through in one pass.

:class:`~ocsp_pcap.tls.connection.TlsConnection` is ready for anything: bytes that come one at a time, holes,
keys, a beginning in mid-stream. Nearly all connections are plainer than that: their segments are all there,
each message lies in one record, and no keys open it. :class:`Walker` reads such a connection where it lies,
record header by record header, and works out only what no connection before it had: what the order of its
records tells (:mod:`ocsp_pcap.tls.shapes`), and what its messages say (:mod:`ocsp_pcap.tls.contents`).
Application data is stepped over and never copied. What is not that plain it declines, and nothing has
happened then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Any, Final, TypeAlias

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.tls.contents import CONTENT_TYPES, Content, Contents
from ocsp_pcap.tls.events import Certificate, CertificateStatus, ClientHello, ServerHello, TlsEvent
from ocsp_pcap.tls.handshake import SERVER_HELLO
from ocsp_pcap.tls.messages import RANDOM
from ocsp_pcap.tls.records import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, MAX_FRAGMENT
from ocsp_pcap.tls.shapes import (
    CHANGE,
    DATA,
    MESSAGES,
    OTHER_ALERT,
    OTHER_DATA,
    PROTECTED,
    NotPlainError,
    Shape,
    Shapes,
    alert_symbol,
)

Memory: TypeAlias = memoryview | bytes
Stretch: TypeAlias = tuple[int, int, int, Memory, int, int]
"""Payload of one segment: 1 from the client, 0 from the server; frame, time, what holds it, where it begins
in there, its length. At least four bytes follow there, whatever they are."""

_HEADERS: Final = Struct(">BHHI").unpack_from
"""Reads the header of a record, and that of a message."""
_MESSAGE: Final = Struct(">I").unpack_from
_BEHIND: Final = bytes(4)
_BOTH: Final = 3
_HELLOS: Final = (ClientHello, ServerHello)
"""Behind frame and time they have random and session id."""
_WITH_CONTENT: Final = (*_HELLOS, Certificate, CertificateStatus)


class _Side:
    """What of a direction waits."""

    begun = b""
    """The beginning of a record, and how many bytes are needed to go on."""
    need = 5
    passing = 0
    """Bytes of application data still to be stepped over, and the symbol of that record."""
    passed = 0


class Walked:
    """A connection as far as it was gone through, which is no farther than anything can be told by."""

    __slots__ = (
        "_known",
        "_longest",
        "contents",
        "forgotten",
        "places",
        "randoms",
        "sessions",
        "shape",
        "usual",
    )

    def __init__(self, first: Shape, known: Contents) -> None:
        self._known = known
        self._longest = BOUNDS.handshake_message
        self.shape = first
        """The state at its end."""
        self.places = [0]
        """0, then frame and time of each record and message that counts."""
        self.contents: list[Content] = []
        """Of the messages that have one."""
        self.randoms: list[bytes] = []
        """Of the hellos."""
        self.sessions: list[bytes] = []
        """The session ids in them."""
        self.usual = True
        """Times never go back, and all contents are remembered."""
        self.forgotten = 0
        """How many times shapes or contents were forgotten before its end."""

    @property
    def last_frames(self) -> tuple[int, int]:
        """The last frames of server and client that were looked at; what they sent later can tell nothing."""
        server, client = self.shape.ends
        return self.places[2 * server - 1], self.places[2 * client - 1]

    def events(self) -> list[TlsEvent]:
        """Return the events."""
        return self._events(self.places, self.randoms)

    def pattern(self, randoms: Sequence[bytes]) -> list[TlsEvent]:
        """Return the events as those of another that differs in places and randoms alone would be.

        Frames and times are replaced by their numbers in :attr:`places`, whose order is the same.
        """
        return self._events(range(len(self.places)), randoms)

    def _events(self, places: Sequence[int], randoms: Sequence[bytes]) -> list[TlsEvent]:
        found: list[Any] = []
        contents, hellos = iter(self.contents), iter(zip(randoms, self.sessions, strict=True))
        for number, event in self.shape.told():
            place = places[2 * number - 1], places[2 * number]
            made: Any = next(contents).event if type(event) in _WITH_CONTENT else event
            own = (*place, *next(hellos)) if type(event) in _HELLOS else place
            found.append(made._make((*own, *made[len(own) :])))
        return found

    def take(
        self,
        shape: Shape,
        sender: int,
        side: _Side,
        memory: Memory,
        position: int,
        end: int,
        place: tuple[int, int],
    ) -> Shape:
        """Take the records that are whole, and step over application data; return the state behind them."""
        places = self.places
        while end - position >= 5:
            kind, version, length, header = _HEADERS(memory, position)
            if not 0x0300 <= version <= 0x0304 or length > MAX_FRAGMENT:
                raise NotPlainError
            begin = position + 5
            position = begin + length
            if position > end:
                if kind == APPLICATION_DATA:
                    side.passing = position - end
                    side.passed = DATA.get(length, OTHER_DATA) | sender
                    return shape
                position = begin - 5
                side.need = 5 + length
                break
            if kind == HANDSHAKE:
                if not shape.protected >> sender & 1:
                    shape = self._messages(shape, sender, memory, begin, position, header, place)
                    continue
                symbol = PROTECTED
            elif kind == APPLICATION_DATA:
                symbol = DATA.get(length, OTHER_DATA)
            elif kind == CHANGE_CIPHER_SPEC:
                symbol = CHANGE
            elif kind == ALERT:
                symbol = alert_symbol(memory[begin], memory[begin + 1]) if length == 2 else OTHER_ALERT
            else:
                raise NotPlainError
            shape = shape[symbol | sender]
            places += place
            if shape.done >> sender & 1:
                return shape
        else:
            side.need = 5
        if position < end:
            side.begun = bytes(memory[position:end])
        return shape

    def _messages(
        self,
        shape: Shape,
        sender: int,
        memory: Memory,
        position: int,
        end: int,
        header: int,
        place: tuple[int, int],
    ) -> Shape:
        """Take the messages of a record in plain text, which has to hold them whole.

        ``header`` is that of the first one, as a number.
        """
        while True:
            kind, length = header >> 24, header & 0xFFFFFF
            begin = position + 4
            position = begin + length
            if position > end or length > self._longest:
                raise NotPlainError
            if kind in CONTENT_TYPES:
                body = bytes(memory[begin:position])
                if kind <= SERVER_HELLO:
                    content = self._known.hello(kind, body)
                    self.randoms.append(body[RANDOM])
                    self.sessions.append(body[content.session])
                else:
                    content = self._known.body(kind, body, sender)
                self.contents.append(content)
                if not content.kept:
                    self.usual = False
                shape = shape[content.symbol | sender]
            else:
                shape = shape[MESSAGES[kind] | sender]
            self.places += place
            if position == end:
                return shape
            (header,) = _MESSAGE(memory, position)


class Walker:
    """Goes through connections, and remembers what they have in common."""

    def __init__(self) -> None:
        self._shapes = Shapes()
        self._contents = Contents()

    def walk(self, segments: Iterable[Stretch]) -> Walked | None:
        """Go through a connection that a ClientHello begins; None: more may yet follow that counts.

        Args:
            segments: both directions from their first byte on, in the order of the capture, with no byte
                missing or twice. Those after which no event can follow are not looked at.

        Raises NotPlainError.
        """
        shape = self._shapes.first
        walked = Walked(shape, self._contents)
        sides = _Side(), _Side()
        latest = 0
        for sender, frame, time, memory, position, length in segments:
            if shape.done >> sender & 1:
                continue
            if time < latest:
                walked.usual = False
            latest, place, side = time, (frame, time), sides[sender]
            end = position + length
            if side.passing:
                position += side.passing
                if position > end:
                    side.passing = position - end
                    continue
                side.passing = 0
                shape = shape[side.passed]
                walked.places += place
            elif side.begun:
                memory = b"".join((side.begun, memory[position:end], _BEHIND))
                position, end = 0, len(memory) - len(_BEHIND)
                if end < side.need:
                    side.begun = memory[:end]
                    continue
                side.begun = b""
            if not shape.done >> sender & 1:
                shape = walked.take(shape, sender, side, memory, position, end, place)
            if shape.done == _BOTH:
                walked.shape = shape
                walked.forgotten = self._shapes.forgotten + self._contents.forgotten
                return walked
        return None

"""What messages in plain text say, read once for all that say the same.

Two hellos of one program for the same site differ in their random, in their session id, in keys and tickets,
and in nothing else: in places that were found when the first of them was read. Of the others what stands
between these places is compared, which proves that they would be read the same way. Certificates and staples
are compared whole.
"""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import Any, Final

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.tls.events import ClientHello, ServerHello, TlsEvent
from ocsp_pcap.tls.handshake import (
    CERTIFICATE,
    CERTIFICATE_STATUS,
    CLIENT_HELLO,
    SERVER_HELLO,
    plausible_message,
    read_message,
)
from ocsp_pcap.tls.messages import HELLO_RETRY_REQUEST, RANDOM, SESSION_ID, places_of_keys
from ocsp_pcap.tls.shapes import MESSAGES, NotPlainError, hello_symbol

CONTENT_TYPES: Final = frozenset((CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, CERTIFICATE_STATUS))
"""Messages of which it counts what they say."""
MOST_HELLOS: Final = 1024
LONGEST_HELLO: Final = 2048
"""Bytes of a hello that is remembered; with a post-quantum key share there are some 1800."""
MOST_LAYOUTS: Final = 4
"""Places of keys that are tried for hellos of one length. Browsers permute their extensions."""
CHANCES: Final = 16
"""Hellos of one length that may be sought in vain; then only every eighth is sought. Those of browsers that
permute their extensions hardly ever come twice."""
PAUSE: Final = 7
MOST_BODIES: Final = 512
LONGEST_BODY: Final = 8192
"""Bytes of certificates or staples that are remembered."""


class Content:
    """What a message says. Each is equal to itself alone."""

    __slots__ = ("event", "kept", "session", "symbol")

    def __init__(self, kind: int, body: bytes, from_client: bool, *, kept: bool) -> None:
        """Raises NotPlainError where the message cannot be read as a whole."""
        events: list[TlsEvent] = []
        if not plausible_message(bytes((kind, *len(body).to_bytes(3)))):
            raise NotPlainError
        if read_message(kind, body, 0, 0, events, from_client) is not None:
            raise NotPlainError
        self.kept = kept
        """It is remembered, so that others may have the same."""
        self.event: Any
        """The event of a message that says this; of hellos random and session id are another's."""
        (self.event,) = events
        if isinstance(self.event, ClientHello | ServerHello):
            self.session = slice(SESSION_ID, SESSION_ID + len(self.event.session_id))
            """Where in a hello the session id stands."""
            self.symbol = hello_symbol(self.event)
        else:
            self.symbol = MESSAGES[kind]


class _Layout:
    """Hellos of one length that have what is their own in the same places."""

    __slots__ = ("known", "own", "rest")

    def __init__(self, size: int, own: list[tuple[int, int]]) -> None:
        self.own = own
        """Where it begins and ends, in order."""
        edges = [0, *chain.from_iterable(own), size]
        self.rest = itemgetter(*map(slice, edges[::2], edges[1::2]))
        """Returns the bytes between."""
        self.known: dict[bytes, Content] = {}


class _Alike:
    """Hellos of one length."""

    __slots__ = ("chances", "layouts")

    def __init__(self) -> None:
        self.layouts: list[_Layout] = []
        self.chances = CHANCES
        """How many may yet be sought in vain; less than 0: how many are not to be sought."""


class Contents:
    """The contents of messages, or of the latest of them."""

    def __init__(self) -> None:
        self._alike: dict[tuple[int, int, bool], _Alike] = {}
        self._hellos = 0
        self._bodies: dict[tuple[int, int, bytes], Content] = {}
        self.forgotten = 0
        """How many times hellos or bodies were forgotten."""

    def hello(self, kind: int, body: bytes) -> Content:
        """Return the content of a ClientHello or ServerHello. Raises NotPlainError."""
        # What this random says is no random.
        retry = body[RANDOM] == HELLO_RETRY_REQUEST
        key = kind, len(body), retry
        alike = self._alike.get(key)
        if alike is None:
            alike = self._begin(key)
        if alike.chances < 0:
            alike.chances += 1
            return Content(kind, body, kind == CLIENT_HELLO, kept=False)
        for layout in alike.layouts:
            content = layout.known.get(b"".join(layout.rest(body)))
            if content is not None:
                if alike.chances < CHANCES:
                    alike.chances += 1
                return content
        alike.chances = alike.chances - 1 if alike.chances else -PAUSE
        content = Content(kind, body, kind == CLIENT_HELLO, kept=len(body) <= LONGEST_HELLO)
        if isinstance(content.event, ClientHello) and content.event.psk_ages:
            # No other has the same tickets at the same age.
            content.kept = False
        if content.kept:
            own = [(RANDOM.start, RANDOM.stop), (content.session.start, content.session.stop)]
            content.kept = self._keep(content, key, sorted(own + places_of_keys(kind, body)), body)
        return content

    def _begin(self, key: tuple[int, int, bool]) -> _Alike:
        if len(self._alike) == MOST_HELLOS:
            self._forget_hellos()
        alike = self._alike[key] = _Alike()
        return alike

    def _keep(
        self, content: Content, key: tuple[int, int, bool], own: list[tuple[int, int]], body: bytes
    ) -> bool:
        if self._hellos == MOST_HELLOS:
            self._forget_hellos()
            self._begin(key)
        layouts = self._alike[key].layouts
        layout = next((each for each in layouts if each.own == own), None)
        if layout is None:
            if len(layouts) == MOST_LAYOUTS:
                return False
            layout = _Layout(len(body), own)
            layouts.append(layout)
        self._hellos += 1
        layout.known[b"".join(layout.rest(body))] = content
        return True

    def _forget_hellos(self) -> None:
        self._alike.clear()
        self._hellos = 0
        self.forgotten += 1

    def body(self, kind: int, body: bytes, sender: int) -> Content:
        """Return the content of a Certificate or CertificateStatus. Raises NotPlainError.

        ``sender``: 1 for the client, 0 for the server.
        """
        key = kind << 1 | sender, BOUNDS.certificates, body
        content = self._bodies.get(key)
        if content is None:
            content = Content(kind, body, sender == 1, kept=len(body) <= LONGEST_BODY)
            if content.kept:
                if len(self._bodies) == MOST_BODIES:
                    self._bodies.clear()
                    self.forgotten += 1
                self._bodies[key] = content
        return content

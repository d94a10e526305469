"""What is kept of a connection, made of what was kept of one before it that went the same way.

Which handshakes there were, and what they say, follows from the order of records and from what messages say.
Where both are the same as before (:mod:`ocsp_pcap.tls.walk` tells), nothing is new but frames, times and
randoms: a template says which of them stands where.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final, TypeAlias

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.spoken.handshakes import HandshakeTracker
from ocsp_pcap.spoken.seen import Same, SeenHandshake, seen
from ocsp_pcap.tls.events import Alert, TlsEvent
from ocsp_pcap.tls.walk import Walked

MOST_TEMPLATES: Final = 4096

Handshakes: TypeAlias = tuple[SeenHandshake, ...]


class Templates:
    """The templates of a run, or the latest of them."""

    def __init__(self, same: Same) -> None:
        """``same`` gives one copy for all that is equal."""
        self._same = same
        self._known: dict[tuple[Any, ...], tuple[_Template, ...]] = {}
        self._forgotten = 0

    def handshakes(self, walked: Walked) -> Handshakes:
        """Return what is kept of the handshakes of a connection."""
        if walked.forgotten != self._forgotten:
            # Nobody comes to what was forgotten any more; it would only be held here.
            self._known.clear()
            self._forgotten = walked.forgotten
        if not walked.usual:
            return self._seen(walked.events())
        sessions = walked.sessions
        # Of session ids counts which are equal.
        same_session: object = (
            sessions[0] == sessions[1] if len(sessions) == 2 else tuple(map(sessions.index, sessions))
        )
        key = walked.shape, same_session, BOUNDS.alerts, *walked.contents
        templates = self._known.get(key)
        if templates is None:
            # Most of those that come once do not come again.
            if len(self._known) == MOST_TEMPLATES:
                self._known.clear()
            self._known[key] = ()
            return self._seen(walked.events())
        if not templates:
            count = len(walked.places)
            pattern = walked.pattern([b"%d" % (count + number) for number in range(len(walked.randoms))])
            if sum(isinstance(event, Alert) for event in pattern) > BOUNDS.alerts:
                # That this bound is reached is to be counted each time.
                return self._seen(walked.events())
            own = count + len(walked.randoms)
            templates = tuple([_Template(handshake, own) for handshake in self._seen(pattern)])
            self._known[key] = templates
        places: list[Any] = walked.places + walked.randoms
        return tuple([template.filled(places) for template in templates])

    def _seen(self, events: list[TlsEvent]) -> Handshakes:
        tracker = HandshakeTracker()
        tracker.receive(events)
        return tuple([seen(handshake, self._same) for handshake in tracker.handshakes])


class _Template:
    """A handshake that has, instead of frames, times and randoms, the numbers of those to be put there."""

    __slots__ = ("_alerts", "_fields", "_first_data", "_last_data", "_traits")

    def __init__(self, handshake: SeenHandshake, own: int) -> None:
        """``own``: how many places and randoms there are."""
        self._traits = handshake.traits
        self._alerts = handshake.alerts
        self._first_data, self._last_data = handshake.client_data, handshake.client_data_last
        numbers = dict.fromkeys(SeenHandshake._fields, own) | {
            name: number for name, number in handshake._asdict().items() if number is not None
        }
        for name in ("client_random", "server_random"):
            numbers[name] = int(numbers[name])
        for number, name in enumerate(("alerts", "client_data", "client_data_last", "traits"), own + 1):
            numbers[name] = number
        self._fields = itemgetter(*numbers.values())

    def filled(self, places: list[Any]) -> SeenHandshake:
        """Return it with the places and randoms of a connection."""
        alerts, first, last = self._alerts, self._first_data, self._last_data
        if alerts:
            alerts = tuple([(places[alert[0]], *alert[1:]) for alert in alerts])
        if first is not None:
            first = places[first[0]], places[first[1]]
        if last is not None:
            last = places[last[0]], places[last[1]]
        return SeenHandshake._make(self._fields((*places, None, alerts, first, last, self._traits)))

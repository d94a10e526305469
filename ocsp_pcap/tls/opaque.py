"""TLS 1.3 records that cannot be opened: what their sizes and order tell.

Handshake flights, tickets and application data look alike, so what counts as application data is a
judgement:

- what a client that offers early data sends before ServerHello is application data (0-RTT);
- a record of exactly the size of an alert, before application data, is an alert;
- a client's record of exactly the size of a Finished message, among its first few, is its Finished;
  the record after it, or after the server went on sending, or the fifth in any case, is application
  data;
- a server's records count as application data once the client's do and the client had finished
  before them (tickets come earlier), or when there are more than a first flight and tickets have.
"""

from __future__ import annotations

from typing import Final

from ocsp_pcap.tls.direction import Direction
from ocsp_pcap.tls.events import Alert, ApplicationData, EncryptedHandshake, Finished, ServerHello, TlsEvent

_CLIENT_FLIGHT: Final = 4
"""Most records of a client's second flight: EndOfEarlyData, certificate messages, Finished."""
_SERVER_FLIGHT: Final = 24
"""More records than a server's first flight and its tickets have in practice."""
_AES_CCM_8: Final = 0x1305
_SHA384_SUITES: Final = frozenset((0x1302,))


def _finished_sizes(suite: int, overhead: int) -> tuple[int, ...]:
    """Return the sizes of a record that holds nothing but Finished, for a suite (0: not known)."""
    if not suite:
        return (4 + 32 + overhead, 4 + 48 + overhead)
    return (4 + (48 if suite in _SHA384_SUITES else 32) + overhead,)


TELLING_SIZES: Final = frozenset(
    size for overhead in (9, 17) for size in (overhead + 2, *_finished_sizes(0, overhead))
)
"""Sizes of records that :func:`judge` tells from all others."""


def judge(
    direction: Direction,
    client: Direction,
    hello: ServerHello | None,
    early_data: bool,
    size: int,
    frame: int,
    time: int,
) -> list[TlsEvent]:
    """Return the events of one protected record; set ``direction.done`` where no later one can matter.

    Args:
        direction: the record's direction.
        client: the client's direction.
        hello: ServerHello, where it was seen.
        early_data: the client offered early data.
        size: length of the record's fragment in bytes.
        frame: frame number.
        time: nanoseconds since the epoch.
    """
    from_client = direction.from_client
    events: list[TlsEvent] = []
    if from_client and early_data and (hello is None or hello.hello_retry_request):
        if not direction.application_data:
            direction.application_data = True
            events.append(ApplicationData(frame, time, True, b""))
        return events
    suite = hello.cipher_suite if hello is not None else 0
    overhead = 9 if suite == _AES_CCM_8 else 17
    if size == overhead + 2:
        direction.done = True
        return [Alert(frame, time, from_client, None, None)]
    direction.protected_records = count = direction.protected_records + 1
    if direction.finished if from_client else client.finished and client.application_data:
        over = True
    else:
        over = count > (_CLIENT_FLIGHT if from_client else _SERVER_FLIGHT)
    if over:
        if not direction.application_data or (from_client and early_data):
            direction.application_data = True
            events.append(ApplicationData(frame, time, from_client, b""))
        direction.done = True
        return events
    if count == 1:
        events.append(EncryptedHandshake(frame, time, from_client))
    if not from_client:
        if client.protected_records:
            client.finished = True
    elif size in _finished_sizes(suite, overhead):
        direction.finished = True
        events.append(Finished(frame, time, True, True))
    return events

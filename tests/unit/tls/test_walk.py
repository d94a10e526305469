"""The walk against the connection that is ready for anything: the same events, or nothing."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.tls.connection import TlsConnection
from ocsp_pcap.tls.events import ApplicationData, TlsEvent
from ocsp_pcap.tls.shapes import NotPlainError
from ocsp_pcap.tls.walk import Stretch, Walker
from tests.unit.tls.wire import Options, client_hello, message, record, server_hello, tls_record

Segments = Sequence[tuple[bool, bytes]]
WALKER = Walker()
"""Goes through all connections of these tests: what it remembers of one must not be told of another."""
DATA = ((True, b"q" * 700), (False, b"a" * 40_000), (True, b"q" * 70), (False, b"a"))
KINDS = {
    "1.2": Options(exchange=DATA),
    "1.2 with RSA key exchange": Options(ciphers="AES128-SHA", exchange=DATA),
    "1.2 with a client certificate": Options(client_certificate=True, alpn=("h2",), exchange=DATA),
    "1.0": Options(version=ssl.TLSVersion.TLSv1, exchange=DATA),
    "1.3": Options(version=ssl.TLSVersion.TLSv1_3, exchange=DATA),
    "1.3 with a client certificate": Options(
        version=ssl.TLSVersion.TLSv1_3, client_certificate=True, exchange=DATA
    ),
    "1.3 with a second hello": Options(
        version=ssl.TLSVersion.TLSv1_3, server_curve="secp384r1", exchange=DATA
    ),
}


def told_by_connection(segments: Segments) -> list[TlsEvent] | None:
    """Return the events up to where nothing more can be told; None: that is never."""
    connection = TlsConnection()
    found: list[TlsEvent] = []
    for frame, (from_client, data) in enumerate(segments, 1):
        if connection.wants(from_client):
            found += connection.receive(from_client, data, frame, frame * 1000, segment_start=True)
        if not connection.wants(True) and not connection.wants(False):
            return found
    return None


def told_by_walk(segments: Segments) -> list[TlsEvent] | None:
    places: list[Stretch] = [
        (int(from_client), frame, frame * 1000, b"headers" + data + b"headers", 7, len(data))
        for frame, (from_client, data) in enumerate(segments, 1)
    ]
    walked = WALKER.walk(places)
    return None if walked is None else walked.events()


@pytest.mark.parametrize("size", [100, 536, 1448, 20_000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_connection_gives_the_same_events(kind: str, size: int) -> None:
    recordings = record(KINDS[kind], connections=2)
    for recording in recordings:
        segments = recording.segments(size)
        expected = told_by_connection(segments)
        assert expected is not None
        assert sum(isinstance(event, ApplicationData) for event in expected) >= 2
        assert told_by_walk(segments) == expected


@pytest.mark.parametrize("kind", ["1.2", "1.3"])
def test_what_is_cut_short_is_not_told(kind: str) -> None:
    segments = record(KINDS[kind])[0].segments(300)
    for end in range(len(segments)):
        assert told_by_walk(segments[:end]) == told_by_connection(segments[:end])


RECORDED = [
    record(options)[0].segments(size) for options in (KINDS["1.2"], KINDS["1.3"]) for size in (400, 2000)
]


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_damage_is_told_alike_or_declined(data: st.DataObject) -> None:
    segments = list(data.draw(st.sampled_from(RECORDED)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, min(len(segments) - 1, 12)))
        from_client, old = segments[at]
        place = data.draw(st.integers(0, len(old)))
        new = data.draw(st.binary(max_size=6) | st.sampled_from([b"\x16\x03\x03", b"\x15\x03\x03\x00\x02"]))
        cut = data.draw(st.sampled_from([len(new), 0, 1]))
        segments[at] = from_client, old[:place] + new + old[place + cut :] or b"x"
    try:
        found = told_by_walk(segments)
    except NotPlainError:
        return
    # None is no answer: what follows would settle it, or the connection is read the other way after all.
    assert found is None or found == told_by_connection(segments)


HELLO = tls_record(22, message(1, client_hello()))
ANSWER = tls_record(22, message(2, server_hello()))


@pytest.mark.parametrize(
    "segments",
    [
        [(True, ANSWER)],
        [(False, HELLO)],
        [(True, HELLO), (False, tls_record(22, message(16, b"from the wrong side")))],
        [(True, HELLO), (False, tls_record(22, message(2, server_hello())[:20]))],
        [(True, HELLO), (False, tls_record(22, message(99, b"")))],
        [(True, HELLO), (False, tls_record(24, bytes(30)))],
        [(True, HELLO), (False, b"HTTP/1.1 400 Bad Request\r\n\r\n")],
        [(True, HELLO), (True, tls_record(20, b"\x01")), (True, tls_record(22, message(1, client_hello())))],
        [(True, HELLO), (False, ANSWER), (False, tls_record(22, message(11, b"\0\0\x09\0\0\x01")))],
        [(True, HELLO), (False, ANSWER), (False, tls_record(22, message(25, bytes(20))))],
    ],
)
def test_what_is_not_plain_is_declined(segments: Segments) -> None:
    with pytest.raises(NotPlainError):
        told_by_walk(segments)

"""TCP streams that are over, packed and as they were."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from ocsp_pcap.observe.finished import FinishedStream, FinishedStreams
from ocsp_pcap.spoken.handshakes import HandshakeTracker
from ocsp_pcap.spoken.seen import Spoken, Tunnel, seen
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.tls.events import Alert, ApplicationData, Certificate, ClientHello, Finished, ServerHello

_TUNNEL = Tunnel("connect", "a.test", 443, 3, 200, True)
_TRACKER = HandshakeTracker()
_TRACKER.receive(
    [
        ClientHello(
            5, -10, bytes(range(32)), b"", 0x0303, (), (), "a.test", ("h2",), True, None, 0, False, False
        ),
        ServerHello(6, 1 << 62, bytes(32), b"", 0x0303, 0xC02F, None, False, True, False),
        Certificate(7, 30, False, (b"leaf", b"issuer"), ((0, b"staple"),), False),
        Finished(8, 40, True, True),
        ApplicationData(9, 50, True, b""),
        Alert(1 << 40, 60, False, 2, None),
    ]
)
_HANDSHAKE = seen(_TRACKER.handshakes[0], Shared().same)
PLAIN = FinishedStream(7, Spoken(1, True, _TUNNEL, (_HANDSHAKE,), (), None), True, frames_before=100)


@pytest.mark.parametrize(
    ("stream", "packed"),
    [
        (PLAIN, True),
        (replace(PLAIN, spoken=PLAIN.spoken._replace(tunnel=None)), True),
        (replace(PLAIN, spoken=PLAIN.spoken._replace(handshakes=(_HANDSHAKE, _HANDSHAKE))), False),
        (replace(PLAIN, spoken=PLAIN.spoken._replace(handshakes=())), False),
        (replace(PLAIN, spoken=PLAIN.spoken._replace(handshakes=None)), False),
        (replace(PLAIN, spoken=PLAIN.spoken._replace(inner=PLAIN.spoken)), False),
        (replace(PLAIN, ambiguous=frozenset({(1, 2)})), False),
    ],
    ids=["tunnel", "direct", "two handshakes", "no message", "no TLS", "decrypted", "ambiguous"],
)
def test_what_is_packed_comes_out_as_it_was(stream: FinishedStream, packed: bool) -> None:
    streams = FinishedStreams()
    streams.add(stream)
    assert list(map(astuple, streams)) == [astuple(stream)]
    streams.pack()
    assert list(map(astuple, streams)) == [astuple(stream)]
    assert len(streams) == 1
    assert streams.numbers.tolist() == [7] * packed
    assert streams.times.tolist() == [-10] * packed
    assert streams.others == [stream] * (not packed)


def test_traits_of_what_is_packed_are_not_copied() -> None:
    streams = FinishedStreams()
    streams.add(PLAIN, replace(PLAIN, number=8))
    streams.pack()
    assert all(traits is _HANDSHAKE.traits for traits in streams.traits)


def test_what_is_noted_before_a_stream_is_packed_counts() -> None:
    streams = FinishedStreams()
    streams.add(stream := replace(PLAIN))
    stream.ambiguous = frozenset({(5, 6)})
    streams.pack()
    assert streams.others == [stream]


def test_what_is_taken_over() -> None:
    """ClientHellos that nothing answered are bounded in number, as is seen where they are kept."""
    unanswered = _HANDSHAKE._replace(traits=_HANDSHAKE.traits._replace(cipher=None))
    spoken = PLAIN.spoken._replace(handshakes=(unanswered,))
    others, streams = FinishedStreams(), FinishedStreams()
    others.add(PLAIN, replace(PLAIN, number=8), replace(PLAIN, number=9, spoken=spoken))
    others.add(replace(PLAIN, number=10, ambiguous=frozenset({(1, 2)})))
    others.pack()
    left = list(streams.adopt(others, {8: 80, 9: 90, 10: 100}, 1000))
    assert [(stream.number, stream.frames_before) for stream in left] == [(100, 1000), (90, 1000)]
    assert left[1].spoken == spoken
    assert list(map(astuple, streams)) == [astuple(replace(PLAIN, number=80, frames_before=1000))]

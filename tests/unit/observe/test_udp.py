"""UDP flows: which datagrams are looked at, and which handshakes come of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS, take_reached
from ocsp_pcap.observe.udp import MAX_BEGINNINGS, SPENT, UdpObserver
from ocsp_pcap.observe.udp_openings import Beginnings
from ocsp_pcap.quic.versions import looks_like_quic
from ocsp_pcap.spoken.shared import Shared

from .wire import Message, udp_columns

Datagram = tuple[int, int, bytes]
STUN = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
MEDIA = b"\x80\x60" + bytes(170)


class Counting(UdpObserver):
    """Counts the datagrams that Python looks at."""

    looked_at = 0

    def _datagram(self, *arguments: object) -> None:
        self.looked_at += 1
        super()._datagram(*arguments)  # type: ignore[arg-type]


def observe(datagrams: Sequence[Datagram], batch: int = 1000, *, elsewhere: bool = False) -> Counting:
    observer = Counting(Shared())
    for start in range(0, len(datagrams), batch):
        part = datagrams[start : start + batch]
        observer.receive(udp_columns(part, start + 1, elsewhere=elsewhere))
    observer.finish()
    return observer


def on_flow(number: int, messages: Sequence[Message]) -> list[Datagram]:
    return [(number, direction, data) for direction, data in messages]


def test_a_late_repetition_is_no_other_handshake() -> None:
    peers = pytest.importorskip("tests.unit.quic.peers", reason="aioquic is not installed")
    talk = [(0 if way else 1, data) for way, data in peers.exchange(names=1).datagrams]
    media = [(0, number % 2, MEDIA) for number in range(50)]
    observer = observe([*on_flow(0, talk), *media, *on_flow(0, talk[:1])] * 3, 5)
    assert [len(stream.spoken.handshakes or ()) for stream in observer.finished] == [1]


@pytest.mark.parametrize("batch", [1, 1000])
def test_quic_connections_one_after_the_other(batch: int) -> None:
    peers = pytest.importorskip("tests.unit.quic.peers", reason="aioquic is not installed")
    first = [(0 if way else 1, data) for way, data in peers.exchange(names=1).datagrams]
    second = [(0 if way else 1, data) for way, data in peers.exchange(names=2).datagrams]
    bulk = [(0, 1, b"\x40" + bytes(1199))] * 500
    observer = observe([*on_flow(0, first), *bulk, *on_flow(0, second), *bulk], batch)
    names = [seen.traits.sni for stream in observer.finished for seen in stream.spoken.handshakes or ()]
    assert names == ["quic.example"] * 2
    assert observer.looked_at < len(first) + len(second) + 20


@pytest.mark.reaches("open_streams")
def test_of_too_many_connections_the_idle_ones_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    peers = pytest.importorskip("tests.unit.quic.peers", reason="aioquic is not installed")
    first = [(0, data) for way, data in peers.exchange(names=1).datagrams if way][:1]
    monkeypatch.setattr(BOUNDS, "open_streams", 8)
    observer = Counting(Shared())
    for number in range(20):
        observer.receive(udp_columns(on_flow(number, first), number + 1))
        assert len(observer._streams) <= 8
    observer.finish()
    assert len(observer.finished) == 20, "what they showed is not lost"
    assert take_reached()["open_streams"] > 8


def test_waiting_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    peers = pytest.importorskip("tests.unit.quic.peers", reason="aioquic is not installed")
    talk = [(0 if way else 1, data) for way, data in peers.exchange(names=1).datagrams]
    from_server = [(1, data) for direction, data in talk if direction]
    observer = Counting(Shared())
    observer.receive(udp_columns(on_flow(0, from_server[:1]), 1))
    waiting = observer._waiting
    assert waiting > 0, "no key opens what a server sends before its client"
    monkeypatch.setattr(BOUNDS, "all_waiting_bytes", waiting + 1)
    observer.receive(udp_columns(on_flow(1, from_server[:1]), 2))
    assert observer._waiting <= waiting
    assert 0 not in observer._streams
    assert take_reached()["all_waiting_bytes"] >= 1


def test_flows_of_noise_are_given_up() -> None:
    almost = b"\x0d" + bytes(8) + b"Q" + bytes(20)
    observer = observe([(0, 0, almost)] * (MAX_BEGINNINGS + 50), 10)
    assert observer.looked_at <= MAX_BEGINNINGS + 1
    assert observer._state[0] == SPENT
    assert not len(observer.finished)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.binary(max_size=150)), max_size=60),
    st.integers(1, 60),
    st.booleans(),
)
def test_noise_raises_nothing(datagrams: list[Datagram], batch: int, elsewhere: bool) -> None:
    observe(
        [*on_flow(0, [(0, b"\xc3\x00\x00\x00\x01\x08" + bytes(1300))]), *datagrams],
        batch,
        elsewhere=elsewhere,
    )


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=120), min_size=1, max_size=30))
def test_what_a_parser_would_take_always_counts_as_a_beginning(payloads: list[bytes]) -> None:
    columns = udp_columns([(0, 0, payload) for payload in payloads])
    beginnings = Beginnings(columns, columns.frame - 1)
    for payload, flag in zip(payloads, beginnings.any.tolist(), strict=True):
        assert flag or not looks_like_quic(payload)

"""UDP flows: which datagrams are looked at, and which handshakes come of them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.observe.udp import CAPWAP_CONTROL, MAX_BEGINNINGS, MAX_LINGERING, SPENT, UdpObserver, UdpStream
from ocsp_pcap.observe.udp_openings import Beginnings
from ocsp_pcap.spoken.shared import Shared
from tests.unit.carriers.packets import PLAIN_RESETS, OpenVpnPeers, rdp3_data, rdp_syn
from tests.unit.quic.test_dtls import Endpoints
from tests.unit.tls.wire import identity, record

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


def certificates(streams: Sequence[UdpStream]) -> list[tuple[bytes, ...]]:
    return [handshake.certificates for stream in streams for handshake in stream.tracker.handshakes]


def openvpn(sessions: int = 1) -> list[Message]:
    peers = OpenVpnPeers(20)
    peers.hard_reset()
    peers.tls(record()[0].flights)
    for number in range(1, sessions):
        peers.data(0)
        peers.soft_reset(number)
        peers.tls(record()[0].flights, key_id=number)
    return peers.packets


def rdp() -> list[Message]:
    packets = [rdp_syn(0, 1, 0x0101), rdp_syn(1, 2, 0x0101)]
    sent = [0, 0]
    for from_client, data in record()[0].flights:
        way = 0 if from_client else 1
        for start in range(0, len(data), 1000):
            sent[way] += 1
            packets.append(rdp3_data(way, sent[way], data[start : start + 1000]))
    return packets


@pytest.fixture(scope="module")
def dtls(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[list[Message]]]:
    """A certificate and two handshakes of openssl with it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    endpoints = Endpoints(tmp_path_factory.mktemp("dtls"))
    talks = [endpoints.talk("dtls1_2") for _ in range(2)]
    return endpoints.certificate, [
        [(0 if from_client else 1, data) for from_client, data in talk] for talk in talks
    ]


@pytest.mark.parametrize("batch", [1, 3, 1000])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_openvpn_and_rdp_side_by_side(batch: int, elsewhere: bool) -> None:
    flows = [on_flow(0, openvpn(3)), on_flow(1, rdp())]
    mixed = [flow.pop(0) for _ in range(200) for flow in flows if flow]
    observer = observe(mixed, batch, elsewhere=elsewhere)
    found = {stream.number: stream for stream in observer.finished}
    assert {number: stream.tunnel and stream.tunnel.kind for number, stream in found.items()} == {
        0: "openvpn",
        1: "rdp-udp",
    }
    assert certificates([found[0]]) == [(identity().der,)] * 3
    assert certificates([found[1]]) == [(identity().der,)]
    assert [stream.client for stream in observer.finished] == [0, 0]


def test_openvpn_without_its_beginning() -> None:
    assert certificates(observe(on_flow(0, openvpn()[2:])).finished) == [(identity().der,)]


def test_data_packets_of_openvpn_are_not_looked_at() -> None:
    bulk = [(0, 1, b"\x30" + bytes(1000))] * 500
    packets = on_flow(0, openvpn())
    assert observe([*packets, *bulk], 100).looked_at <= len(packets)


def test_dtls_after_other_protocols(dtls: tuple[bytes, list[list[Message]]]) -> None:
    certificate, talks = dtls
    before = [(0, number % 2, (STUN, MEDIA)[number % 3 == 0]) for number in range(300)]
    observer = observe([*before, *on_flow(0, talks[0])], 64)
    assert certificates(observer.finished) == [(certificate,)]
    assert observer.looked_at <= len(talks[0])
    assert all(handshake.complete for handshake in observer.finished[0].tracker.handshakes)


def test_dtls_behind_the_capwap_preamble(dtls: tuple[bytes, list[list[Message]]]) -> None:
    certificate, talks = dtls
    control = [(0, way, b"\x01\x00\x00\x00" + data) for way, data in talks[0]]
    observer = UdpObserver(Shared())
    # Discovery travels in plain text, with another preamble type.
    observer.receive(udp_columns([(0, 0, b"\x00" + bytes(40)), *control], port=CAPWAP_CONTROL))
    observer.finish()
    assert certificates(observer.finished) == [(certificate,)]


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_media_after_dtls_is_not_looked_at(dtls: tuple[bytes, list[list[Message]]], batch: int) -> None:
    _, talks = dtls
    media = [(0, number % 2, MEDIA) for number in range(500)]
    observer = observe([*on_flow(0, talks[0]), *media], batch)
    assert observer.looked_at <= len(talks[0]) + MAX_LINGERING + 1


@pytest.mark.parametrize("turned", [False, True])
def test_another_dtls_handshake_on_the_flow(dtls: tuple[bytes, list[list[Message]]], turned: bool) -> None:
    certificate, talks = dtls
    media = [(0, number % 2, MEDIA) for number in range(50)]
    second = [(way ^ turned, data) for way, data in talks[1]]
    observer = observe([*on_flow(0, talks[0]), *media, *on_flow(0, second)])
    assert certificates(observer.finished) == [(certificate,)] * 2
    assert [stream.client for stream in observer.finished] == [0, int(turned)]


def test_a_late_repetition_is_no_other_handshake(dtls: tuple[bytes, list[list[Message]]]) -> None:
    certificate, talks = dtls
    media = [(0, number % 2, MEDIA) for number in range(50)]
    observer = observe([*on_flow(0, talks[0]), *media, *on_flow(0, talks[0][:1])] * 3, 5)
    assert certificates(observer.finished) == [(certificate,)]


@pytest.mark.parametrize("batch", [1, 1000])
def test_quic_connections_one_after_the_other(batch: int) -> None:
    peers = pytest.importorskip("quic.peers", reason="aioquic, a QUIC implementation, is not installed")
    first = [(0 if way else 1, data) for way, data in peers.exchange(names=1).datagrams]
    second = [(0 if way else 1, data) for way, data in peers.exchange(names=2).datagrams]
    bulk = [(0, 1, b"\x40" + bytes(1199))] * 500
    observer = observe([*on_flow(0, first), *bulk, *on_flow(0, second), *bulk], batch)
    hellos = [h.client_hello for stream in observer.finished for h in stream.tracker.handshakes]
    assert [hello and hello.server_name for hello in hellos] == ["quic.example"] * 2
    assert observer.looked_at < len(first) + len(second) + 20


def test_flows_of_noise_are_given_up() -> None:
    almost = PLAIN_RESETS[0][:-1] + b"\x01"
    observer = observe([(0, 0, almost)] * (MAX_BEGINNINGS + 50), 10)
    assert observer.looked_at <= MAX_BEGINNINGS + 1
    assert observer._state[0] == SPENT
    assert not observer.finished


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.binary(max_size=150)), max_size=60),
    st.integers(1, 60),
    st.booleans(),
)
def test_noise_raises_nothing(datagrams: list[Datagram], batch: int, elsewhere: bool) -> None:
    observe([*on_flow(0, list(enumerate(PLAIN_RESETS))), *datagrams], batch, elsewhere=elsewhere)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=120), min_size=1, max_size=30))
def test_what_a_parser_would_take_always_counts_as_a_beginning(payloads: list[bytes]) -> None:
    hello = next(data for way, data in openvpn() if way == 0 and data[0] == 0x20)
    taken = [*PLAIN_RESETS, hello, rdp_syn(0, 1)[1], rdp_syn(1, 1)[1], rdp_syn(0, 7, 2, lossy=True)[1]]
    columns = udp_columns([(0, 0, payload) for payload in [*taken, *payloads]])
    beginnings = Beginnings(columns, columns.frame - 1)
    assert beginnings.any[: len(taken)].all()
    observer = UdpObserver(Shared())
    for payload, flag in zip(payloads, beginnings.any[len(taken) :].tolist(), strict=True):
        assert flag or observer._connection(payload) is None

"""RDP over UDP: packets in, TLS bytes or DTLS datagrams out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.carriers.order import Carried
from ocsp_pcap.carriers.rdp_udp import MAXIMUM_SESSIONS, RdpUdp, looks_like_rdp_udp
from tests.unit.tls.wire import record

from .packets import Packet, rdp3_data, rdp_data, rdp_syn

FLIGHTS = record()[0].flights
SENT = tuple(
    b"".join(data for from_client, data in FLIGHTS if from_client is (direction == 0)) for direction in (0, 1)
)


def feed(packets: list[Packet]) -> tuple[RdpUdp, list[Carried]]:
    carrier = RdpUdp()
    found = []
    for frame, (direction, packet) in enumerate(packets, 1):
        found += carrier.datagram(direction, packet, frame, frame)
    return carrier, found + carrier.finish()


def bytes_of(found: list[Carried], session: int = 0) -> tuple[bytes, ...]:
    return tuple(
        b"".join(piece.data for piece in found if (piece.session, piece.direction) == (session, direction))
        for direction in (0, 1)
    )


def conversation(version: int, flags: int = 0x114, size: int = 300) -> list[Packet]:
    initial = (0xFFFFFFFE, 1000)
    packets = [rdp_syn(0, initial[0], version), rdp_syn(1, initial[1], version)]
    sent = [0, 0]
    for from_client, data in FLIGHTS:
        way = 0 if from_client else 1
        for start in range(0, len(data), size):
            sent[way] += 1
            part = data[start : start + size]
            packets.append(
                rdp3_data(way, sent[way], part, flags)
                if version == 0x0101
                else rdp_data(way, initial[way] + sent[way], part, acknowledged=sent[way] % 5)
            )
    return packets


@pytest.mark.parametrize("version", [1, 2, 0x0101])
def test_a_stream_of_tls(version: int) -> None:
    carrier, found = feed(conversation(version))
    assert bytes_of(found) == SENT
    assert carrier.client == 0


@pytest.mark.parametrize("flags", [0x004, 0x005, 0x00C, 0x014, 0x044, 0x104, 0x155, 0x15C])
def test_every_optional_part_of_version_3_is_passed_over(flags: int) -> None:
    assert bytes_of(feed(conversation(0x0101, flags))[1]) == SENT


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([1, 0x0101]), st.randoms(use_true_random=False))
def test_reordered_and_repeated_packets(version: int, random: object) -> None:
    assert hasattr(random, "randrange")
    packets = conversation(version, size=60)
    moved = sorted(
        (position + random.randrange(12), packet)
        for position, packet in enumerate(packets[2:])
        for _ in range(1 + random.randrange(2))
    )
    assert bytes_of(feed([*packets[:2], *(packet for _, packet in moved)])[1]) == SENT


def test_the_answer_alone_tells_the_client() -> None:
    carrier, found = feed(conversation(1)[1:])
    assert carrier.client == 0
    assert bytes_of(found) == SENT


def test_dtls_datagrams_pass_in_the_order_in_which_they_come() -> None:
    datagram = b"\x16\xfe\xff" + bytes(8) + b"\x00\x02ab"
    packets = [rdp_syn(0, 5, 2, lossy=True), rdp_data(0, 9, datagram), rdp_data(0, 7, datagram)]
    _, found = feed(packets)
    assert found == [Carried(0, 0, datagram, 2, 2), Carried(0, 0, datagram, 3, 3)]


def test_another_syn_begins_another_session() -> None:
    again = [rdp_syn(0, 77), rdp_data(0, 78, b"again")]
    _, found = feed([*conversation(1), *again])
    assert bytes_of(found) == SENT
    assert bytes_of(found, 1) == (b"again", b"")


def test_sessions_are_bounded() -> None:
    carrier, _ = feed([rdp_syn(0, number) for number in range(MAXIMUM_SESSIONS + 1)])
    assert carrier.finished


def test_what_a_syn_is() -> None:
    for direction in (0, 1):
        packet = rdp_syn(direction, 3)[1]
        assert looks_like_rdp_udp(packet)
        assert not looks_like_rdp_udp(packet[:15])
        assert not looks_like_rdp_udp(b"\x00\x00\x00\x02" + b"\xff" * 12)
        assert not looks_like_rdp_udp(packet[:12] + b"\x05\xdc\x05\xdc")
    assert not looks_like_rdp_udp(rdp_data(0, 1, bytes(60))[1])


@given(st.sampled_from([1, 0x0101]), st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=60))))
def test_hostile_packets_raise_nothing(version: int, packets: list[Packet]) -> None:
    feed([rdp_syn(0, 1, version), rdp_syn(1, 1, version), *packets])
    feed(packets)


@given(st.data())
def test_packets_cut_short_raise_nothing(data: st.DataObject) -> None:
    version = data.draw(st.sampled_from([1, 0x0101]))
    flags = data.draw(st.sampled_from([0x005, 0x00C, 0x155, 0x15C]))
    feed([(way, packet[: data.draw(st.integers(0, 40))]) for way, packet in conversation(version, flags)])

"""OpenVPN's control channel: packets in, the bytes of TLS sessions out."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.carriers.openvpn import MAXIMUM_REFUSED, OpenVpn
from ocsp_pcap.carriers.order import Carried
from tests.unit.tls.wire import identity, record

from .packets import (
    AUTHENTICATED_RESETS,
    ENCRYPTED_RESETS,
    ENCRYPTED_SOFT_RESET,
    PLAIN_RESETS,
    OpenVpnPeers,
    Packet,
)

FLIGHTS = record()[0].flights
SENT = tuple(
    b"".join(data for from_client, data in FLIGHTS if from_client is (direction == 0)) for direction in (0, 1)
)


def over_udp(packets: Sequence[Packet]) -> tuple[OpenVpn, list[Carried]]:
    carrier = OpenVpn()
    found = []
    for frame, (direction, packet) in enumerate(packets, 1):
        found += carrier.datagram(direction, packet, frame, frame)
    return carrier, found + carrier.finish()


def bytes_of(found: list[Carried], session: int = 0) -> tuple[bytes, bytes]:
    both = [
        b"".join(piece.data for piece in found if (piece.session, piece.direction) == (session, direction))
        for direction in (0, 1)
    ]
    return both[0], both[1]


def conversation(hmac: int | None = None, size: int = 100, sessions: int = 1) -> OpenVpnPeers:
    peers = OpenVpnPeers(hmac)
    peers.hard_reset()
    peers.tls(FLIGHTS, size)
    for number in range(1, sessions):
        peers.data(number % 2)
        peers.soft_reset((number - 1) % 7 + 1)
        peers.tls(FLIGHTS, size, (number - 1) % 7 + 1)
    peers.data(0)
    return peers


@pytest.mark.parametrize("hmac", [None, 16, 20, 28, 32, 48, 64])
@pytest.mark.parametrize("has_resets", [True, False])
def test_both_directions_come_out(hmac: int | None, has_resets: bool) -> None:
    packets = conversation(hmac, 400).packets
    carrier, found = over_udp(packets if has_resets else packets[2:])
    assert bytes_of(found) == SENT
    assert carrier.overhead == (0 if hmac is None else hmac + 8)
    assert carrier.client == 0
    assert not carrier.finished


def test_the_client_may_send_the_second_packet_of_the_capture() -> None:
    turned = [(1 - direction, packet) for direction, packet in conversation().packets]
    carrier, found = over_udp(turned)
    assert carrier.client == 1
    assert bytes_of(found) == SENT[::-1]


def test_every_session_is_told_apart_even_where_key_ids_repeat() -> None:
    _, found = over_udp(conversation(sessions=10).packets)
    assert {piece.session for piece in found} == set(range(10))
    assert all(bytes_of(found, session) == SENT for session in range(10))


def test_another_connection_on_the_same_flow_is_another_session() -> None:
    again = OpenVpnPeers(ids=(b"CLIENTid", b"SERVERid"))
    again.hard_reset()
    again.tls(FLIGHTS)
    _, found = over_udp(conversation().packets + again.packets)
    assert bytes_of(found, 0) == bytes_of(found, 1) == SENT


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_reordered_and_repeated_datagrams(random: object) -> None:
    assert hasattr(random, "randrange")
    packets = conversation(20).packets
    head, rest = packets[:2], packets[2:]
    moved = sorted(
        (position + random.randrange(12), packet)
        for position, packet in enumerate(rest)
        for _ in range(1 + random.randrange(2))
    )
    _, found = over_udp([*head, *(packet for _, packet in moved)])
    assert bytes_of(found) == SENT


def test_a_lost_datagram_is_told() -> None:
    packets = conversation().packets
    lost = next(
        index for index, (way, packet) in enumerate(packets) if index > 8 and way == 1 and packet[0] == 0x20
    )
    _, found = over_udp(packets[:lost] + packets[lost + 1 :])
    assert [piece.missing for piece in found if piece.missing] == [100]
    assert bytes_of(found)[0] == SENT[0]
    assert len(bytes_of(found)[1]) == len(SENT[1]) - 100


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([None, 32]), st.lists(st.integers(1, 700), min_size=1, max_size=20))
def test_any_split_of_a_tcp_stream(hmac: int | None, sizes: list[int]) -> None:
    carrier = OpenVpn()
    found = []
    for frame, (direction, data) in enumerate(conversation(hmac, sessions=2).framed(), 1):
        start = 0
        while start < len(data):
            size = sizes[(frame + start) % len(sizes)]
            found += carrier.receive(direction, data[start : start + size], frame, frame, start == 0)
            start += size
    assert bytes_of(found, 0) == bytes_of(found, 1) == SENT


def test_a_gap_in_tcp_is_passed_over() -> None:
    packets = conversation().framed()
    lost = next(
        index for index, (way, data) in enumerate(packets) if index > 8 and way == 1 and data[2] == 0x20
    )
    carrier = OpenVpn()
    found = []
    for frame, (direction, data) in enumerate(packets, 1):
        if frame == lost + 1:
            carrier.gap(direction, len(data))
        else:
            found += carrier.receive(direction, data, frame, frame, True)
    found += carrier.finish()
    assert [piece.missing for piece in found if piece.missing] == [100]
    assert bytes_of(found)[0] == SENT[0]


def test_a_gap_inside_a_data_packet_does_no_harm() -> None:
    peers = OpenVpnPeers()
    peers.hard_reset()
    peers.tls(FLIGHTS[:2])
    head = peers.framed()
    carrier = OpenVpn()
    for direction, data in head:
        carrier.receive(direction, data, 1, 1, True)
    carrier.receive(0, b"\x01\x00\x30" + bytes(55), 2, 2, True)
    carrier.gap(0, 100)
    peers.packets.clear()
    peers.tls(FLIGHTS[2:3])
    found = carrier.receive(0, bytes(100) + peers.framed()[0][1], 3, 3, True)
    assert found[0].data == FLIGHTS[2][1][:100]


def test_tls_crypt_is_given_up() -> None:
    carrier, found = over_udp(list(enumerate(ENCRYPTED_RESETS)))
    assert carrier.encrypted
    assert carrier.finished
    assert not found


def test_an_encrypted_renegotiation_is_passed_over() -> None:
    client, server = PLAIN_RESETS
    # A record of the session that follows, under the protection of tls-crypt.
    hidden = b"\x21" + server[1:9] + b"\x00\x00\x00\x03" + bytes(range(200))
    packets = [(0, client), (1, server), (1, ENCRYPTED_SOFT_RESET), *[(1, hidden)] * (MAXIMUM_REFUSED + 1)]
    carrier, found = over_udp(packets)
    assert not found
    assert not carrier.finished


def test_noise_ends_it() -> None:
    noise = (0, b"\x20" + bytes(9))
    carrier, _ = over_udp([*enumerate(AUTHENTICATED_RESETS), *[noise] * MAXIMUM_REFUSED])
    assert carrier.finished


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=90)), max_size=40), st.booleans())
def test_hostile_packets_raise_nothing(packets: list[Packet], begun: bool) -> None:
    head = list(enumerate(PLAIN_RESETS)) if begun else []
    over_udp([*head, *packets])
    carrier = OpenVpn()
    for direction, data in [*head, *packets]:
        carrier.receive(direction, len(data).to_bytes(2) + data if begun else data, 1, 1, True)
        assert len(carrier._framings[direction].held) <= 2 + 0xFFFF
    carrier.finish()


@pytest.mark.skipif(shutil.which("openvpn") is None, reason="needs the openvpn program")
@pytest.mark.parametrize("protection", [(), ("--tls-auth",), ("--tls-crypt",)])
def test_the_openvpn_program(tmp_path: Path, protection: tuple[str, ...]) -> None:
    (tmp_path / "id.pem").write_text(identity().pem)
    subprocess.run(["openvpn", "--genkey", "secret", str(tmp_path / "secret")], check=True)
    common = ["openvpn", "--dev", "null", "--ifconfig-noexec", "--tls-version-max", "1.2"]
    for option in ("--ca", "--cert", "--key"):
        common += [option, str(tmp_path / "id.pem")]
    if protection:
        common += [*protection, str(tmp_path / "secret")]
    near, far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with near, far:
        near.bind(("127.0.0.1", 0))
        far.bind(("127.0.0.1", 0))
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        packets: list[Packet] = []
        client_address: list[tuple[str, int]] = []

        def relay(direction: int) -> None:
            while True:
                try:
                    data, sender = (near, far)[direction].recvfrom(65536)
                    if not direction:
                        client_address[:] = [sender]
                    packets.append((direction, data))
                    (near if direction else far).sendto(
                        data, client_address[0] if direction else ("127.0.0.1", port)
                    )
                except OSError:
                    return

        for direction in (0, 1):
            threading.Thread(target=relay, args=(direction,), daemon=True).start()
        server = [*common, "--tls-server", "--dh", "none", "--lport", str(port)]
        client = [*common, "--tls-client", "--nobind", "--remote", "127.0.0.1", str(near.getsockname()[1])]
        running = [subprocess.Popen(server, stdout=subprocess.DEVNULL)]
        try:
            time.sleep(0.5)
            running.append(subprocess.Popen(client, stdout=subprocess.DEVNULL))
            deadline = time.monotonic() + 15
            seen = -1
            while time.monotonic() < deadline and (len(packets) < 10 or seen < len(packets)):
                seen = len(packets)
                time.sleep(0.5)
        finally:
            for process in running:
                process.kill()
                process.wait()
    carrier, found = over_udp(list(packets))
    if protection == ("--tls-crypt",):
        assert carrier.encrypted
        return
    assert carrier.overhead == (28 if protection else 0)
    assert identity().der in bytes_of(found)[1]

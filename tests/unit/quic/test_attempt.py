from __future__ import annotations

import pytest

from ocsp_pcap.quic.attempt import MAXIMUM_SERVER_IDS, MINIMUM_SHORT, Attempt
from ocsp_pcap.quic.packets import Packet, PacketType, split_datagram
from ocsp_pcap.quic.protection import InitialKeys
from ocsp_pcap.quic.versions import VERSION_1, VERSION_2, version_of
from ocsp_pcap.tls.events import ApplicationData, EncryptedHandshake
from ocsp_pcap.tls.keys import KeyLog

from .vectors import CLIENT_INITIAL_V1, ORIGINAL_ID, SERVER_INITIAL_V1

CLIENT_ID, SERVER_ID = b"clientid", b"serverid"


def attempt(client_id: bytes = CLIENT_ID, keys: KeyLog | None = None) -> Attempt:
    version = version_of(VERSION_1)
    assert version is not None
    initial = {VERSION_1: InitialKeys.derive(version, version.salts[0], ORIGINAL_ID)}
    return Attempt(1, client_id, ORIGINAL_ID, initial, keys)


def handshake(source: bytes, destination: bytes) -> Packet:
    data = b"\xe0" + bytes(60)
    return Packet(PacketType.HANDSHAKE, version_of(VERSION_1), destination, source, data, 20)


def short(destination: bytes, length: int = 60, first: int = 0x41) -> Packet:
    rest = (destination + bytes(length))[: length - 1]
    return Packet(PacketType.SHORT, None, rest[:20], b"", bytes((first,)) + rest, 0)


@pytest.mark.parametrize("hint", [True, False, None])
def test_connection_ids_tell_the_sender_better_than_the_caller(hint: bool | None) -> None:
    one = attempt()
    assert one.sender(handshake(CLIENT_ID, SERVER_ID), hint) is True
    assert one.sender(handshake(SERVER_ID, CLIENT_ID), hint) is False
    assert one.sender(handshake(SERVER_ID, b"other"), hint) is hint
    assert attempt(b"").sender(handshake(b"", b""), hint) is hint
    assert one.sender(short(CLIENT_ID), hint) is False
    assert one.sender(short(b"unknown!"), hint) is hint


@pytest.mark.parametrize("packet", [short(b"", MINIMUM_SHORT - 1), short(b"", first=0x01)])
def test_what_may_be_padding_is_not_taken_on_the_callers_word(packet: Packet) -> None:
    assert attempt(b"").sender(packet, True) is None


def test_handshake_packets_without_keys_are_told_once_a_direction() -> None:
    one = attempt()
    assert one.receive_handshake(handshake(SERVER_ID, CLIENT_ID), None, 3, 30) == [
        EncryptedHandshake(3, 30, False)
    ]
    assert one.receive_handshake(handshake(SERVER_ID, CLIENT_ID), None, 4, 40) == []
    assert one.receive_handshake(handshake(CLIENT_ID, SERVER_ID), None, 5, 50) == [
        EncryptedHandshake(5, 50, True)
    ]
    assert attempt(b"").receive_handshake(handshake(b"", b""), None, 6, 60) is None


def test_a_clients_1_rtt_packet_ends_the_handshake() -> None:
    one = attempt()
    one.receive_handshake(handshake(SERVER_ID, CLIENT_ID), None, 3, 30)
    assert one.answered
    assert not one.done
    assert one.receive_short(short(SERVER_ID), None, 4, 40) == [ApplicationData(4, 40, True, b"")]
    assert one.receive_short(short(SERVER_ID), None, 5, 50) == []
    assert one.done


def test_packets_are_known_by_their_connection_ids() -> None:
    one = attempt()
    one.receive_handshake(handshake(SERVER_ID, CLIENT_ID), None, 3, 30)
    assert one.owns(handshake(CLIENT_ID, b"x"))
    assert one.owns(handshake(b"x", SERVER_ID))
    assert one.owns(handshake(b"x", ORIGINAL_ID))
    assert not one.owns(handshake(b"x", b"y"))
    assert not attempt(b"").owns(handshake(b"", b""))


def test_the_servers_connection_ids_are_bounded() -> None:
    one = attempt()
    for index in range(MAXIMUM_SERVER_IDS + 3):
        one.receive_handshake(handshake(bytes((index,)), CLIENT_ID), None, 3, 30)
    assert len(one._server_ids) == MAXIMUM_SERVER_IDS


def test_initial_packets_tell_their_sender() -> None:
    one = attempt(b"")
    for data, from_client in ((CLIENT_INITIAL_V1, True), (SERVER_INITIAL_V1, False)):
        (packet,) = split_datagram(data)
        for hint in (True, False, None):
            opened = one.open_initial(packet, hint)
            assert opened is not None
            assert opened[0] is from_client


def test_versions_without_salt_open_nothing() -> None:
    packet = Packet(PacketType.INITIAL, version_of(0x51303530), b"", b"", CLIENT_INITIAL_V1, 18)
    assert attempt().open_initial(packet, None) is None
    blind = Attempt(0, b"", b"", {}, None)
    assert blind.open_initial(next(split_datagram(CLIENT_INITIAL_V1)), None) is None


def test_another_version_is_tried_with_its_own_salt() -> None:
    one = attempt()
    packet = Packet(PacketType.INITIAL, version_of(VERSION_2), b"", b"", CLIENT_INITIAL_V1, 18)
    assert one.open_initial(packet, True) is None
    assert set(one._initial) == {VERSION_1, VERSION_2}


def test_handshake_packets_wait_for_the_client_random_only_where_there_are_keys() -> None:
    assert not attempt().awaits_client_hello()
    assert attempt(keys=KeyLog()).awaits_client_hello()

from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.tls.connection import TlsConnection
from ocsp_pcap.tls.events import Certificate, ClientHello, ServerHello
from ocsp_pcap.tls.sslv2 import message_size, read_hello

from .wire import kinds, message, server_hello, tls_record

CHALLENGE = bytes(range(1, 17))
BODY = b"\x01\x03\x01" + bytes.fromhex("0009 0000 0010") + bytes.fromhex("00002f 00000a 010080") + CHALLENGE
CLIENT = bytes((0x80, len(BODY))) + BODY
SERVER_BODY = (
    b"\x04\x00\x01\x00\x02" + bytes.fromhex("0004 0003 0010") + b"leaf" + bytes.fromhex("010080") + b"c" * 16
)
SERVER = bytes((0x80, len(SERVER_BODY))) + SERVER_BODY


def test_client_hello() -> None:
    (hello,) = read_hello(CLIENT, 4, 40)
    assert isinstance(hello, ClientHello)
    assert hello.legacy_version == 0x0301
    assert hello.random == bytes(16) + CHALLENGE
    assert hello.cipher_suites == (0x002F, 0x000A)
    assert hello.server_name is None


def test_server_hello_with_a_certificate() -> None:
    hello, certificate = read_hello(SERVER, 4, 40)
    assert isinstance(hello, ServerHello)
    assert hello.version == 0x0002
    assert isinstance(certificate, Certificate)
    assert certificate.certificates == (b"leaf",)


def test_the_size_shows_in_five_bytes() -> None:
    assert message_size(CLIENT) == len(CLIENT)
    assert message_size(SERVER) == len(SERVER)
    assert message_size(b"\x16\x03\x01\x00\x50") is None
    assert message_size(b"\x80\x2e\x01\x09\x09") is None


def test_a_connection_that_begins_in_ssl_2_form_and_goes_on_in_tls() -> None:
    connection = TlsConnection()
    found = connection.receive(True, CLIENT, 1, 1, segment_start=True)
    found += connection.receive(False, tls_record(22, message(2, server_hello())), 2, 2, segment_start=True)
    found += connection.receive(True, tls_record(20, b"\x01"), 3, 3, segment_start=True)
    assert kinds(found) == ["ClientHello", "ServerHello", "ChangeCipherSpec<"]


@given(st.sampled_from([CLIENT, SERVER]), st.integers(0, 60), st.integers(0, 255))
def test_damage_never_raises(hello: bytes, position: int, value: int) -> None:
    damaged = bytearray(hello)
    damaged[position % len(damaged)] = value
    message_size(damaged)
    read_hello(bytes(damaged), 1, 1)
    read_hello(bytes(damaged)[: 3 + position % len(damaged)], 1, 1)
    TlsConnection().receive(True, bytes(damaged), 1, 1, segment_start=True)

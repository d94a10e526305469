import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.tls.events import Certificate, ClientHello
from ocsp_pcap.tls.messages import (
    HELLO_RETRY_REQUEST,
    escaped,
    has_tls13_form,
    is_tls13,
    read_certificate,
    read_certificate_status,
    read_client_hello,
    read_compressed_certificate,
    read_encrypted_extensions,
    read_server_hello,
    server_extensions,
)

from .wire import (
    certificate_message,
    certificate_message_13,
    client_hello,
    extension,
    server_hello,
    vector,
)

STAPLE = b"an OCSP response"
STATUS = extension(5, b"\x01" + vector(3, STAPLE))


def read(body: bytes) -> ClientHello:
    hello, fault = read_client_hello(body, 7, 9)
    assert fault is None
    assert hello is not None
    return hello


def server_name(name: bytes, kind: int = 0) -> bytes:
    return extension(0, vector(2, bytes((kind,)) + vector(2, name)))


def test_client_hello_with_everything() -> None:
    hello = read(
        client_hello(
            extension(0x2A2A, b""),
            server_name(b"host.example"),
            extension(5, bytes.fromhex("0100000000")),
            extension(16, vector(2, vector(1, b"h2") + vector(1, b"http/1.1"))),
            extension(35, b"ticket"),
            extension(42, b""),
            extension(43, vector(1, bytes.fromhex("3a3a03040303"))),
            extension(0xFE0D, b"\0"),
            extension(
                41, vector(2, vector(2, b"one") + bytes(4) + vector(2, b"two") + bytes(4)) + vector(2, b"")
            ),
            session_id=b"id",
        )
    )
    assert (hello.frame, hello.time) == (7, 9)
    assert hello.random == bytes(range(32))
    assert hello.session_id == b"id"
    assert hello.legacy_version == 0x0303
    assert hello.supported_versions == (0x0304, 0x0303)
    assert hello.cipher_suites == (0x1301, 0x1302, 0xC02F, 0x002F)
    assert hello.server_name == "host.example"
    assert hello.alpn == ("h2", "http/1.1")
    assert hello.status_request
    assert hello.session_ticket == 6
    assert hello.psk_identities == 2
    assert hello.early_data
    assert hello.encrypted_client_hello
    assert hello.complete


def test_client_hello_with_nothing() -> None:
    hello = read(client_hello()[:-2])
    assert hello.server_name is None
    assert hello.alpn == ()
    assert hello.supported_versions == ()
    assert not hello.status_request
    assert hello.session_ticket is None
    assert not hello.encrypted_client_hello


def test_status_request_v2_esni_and_an_empty_ticket() -> None:
    hello = read(client_hello(extension(17, b"\0"), extension(0xFFCE, b""), extension(35, b"")))
    assert hello.status_request
    assert hello.encrypted_client_hello
    assert hello.session_ticket == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"host.example", "host.example"),
        (b"\x1b[2Jevil", "\\x1b[2Jevil"),
        ("bücher.example".encode(), "b\\xc3\\xbccher.example"),
        (b"", ""),
        (b"<script>", "<script>"),
    ],
)
def test_server_names_are_escaped(name: bytes, text: str) -> None:
    assert read(client_hello(server_name(name))).server_name == text
    assert escaped(name) == text


def test_a_server_name_of_another_type_is_none() -> None:
    assert read(client_hello(server_name(b"host", kind=1))).server_name is None
    assert read(client_hello(extension(0, b""))).server_name is None


def test_of_repeated_extensions_the_first_counts() -> None:
    assert read(client_hello(server_name(b"first"), server_name(b"second"))).server_name == "first"


@pytest.mark.parametrize("missing", [1, 5, 30])
def test_a_client_hello_cut_short_gives_what_stands_before_the_cut(missing: int) -> None:
    body = client_hello(server_name(b"host.example"), extension(99, bytes(50)))
    hello, fault = read_client_hello(body[:-missing], 1, 1)
    assert fault is not None
    assert hello is not None
    assert hello.server_name == "host.example"
    assert not hello.complete


def test_server_hello() -> None:
    hello, fault = read_server_hello(
        server_hello(extension(5, b""), extension(16, vector(2, vector(1, b"h2")))), 3, 4
    )
    assert fault is None
    assert hello is not None
    assert (hello.version, hello.cipher_suite, hello.alpn) == (0x0303, 0xC02F, "h2")
    assert hello.status_request
    assert not hello.psk_selected
    assert not hello.hello_retry_request


def test_server_hello_of_tls_1_3() -> None:
    body = server_hello(extension(43, b"\x03\x04"), extension(41, b"\0\0"), suite=0x1301)
    hello, _ = read_server_hello(body, 3, 4)
    assert hello is not None
    assert hello.version == 0x0304
    assert hello.psk_selected
    retry, _ = read_server_hello(server_hello(extension(43, b"\x03\x04"), random=HELLO_RETRY_REQUEST), 3, 4)
    assert retry is not None
    assert retry.hello_retry_request


def test_server_hello_of_a_draft_without_session_id() -> None:
    body = b"\x7f\x12" + b"r" * 32 + b"\x13\x01" + vector(2, extension(41, b"\0\0"))
    hello, fault = read_server_hello(body, 3, 4)
    assert fault is None
    assert hello is not None
    assert (hello.version, hello.cipher_suite, hello.psk_selected) == (0x7F12, 0x1301, True)
    assert is_tls13(hello.version)


def test_server_hello_without_extensions() -> None:
    hello, fault = read_server_hello(server_hello(version=0x0300)[:-2], 3, 4)
    assert fault is None
    assert hello is not None
    assert hello.version == 0x0300
    assert server_extensions(server_hello(extension(22, b""), extension(23, b""))) == {22, 23}
    assert server_extensions(server_hello()[:-2]) == set()


def certificate(body: bytes, *, tls13: bool = False) -> tuple[Certificate, str | None]:
    return read_certificate(body, 1, 1, False, False, tls13)


def test_certificates() -> None:
    event, fault = certificate(certificate_message(b"leaf", b"issuer"))
    assert fault is None
    assert event.certificates == (b"leaf", b"issuer")
    assert event.complete


def test_certificates_of_tls_1_3_with_staples() -> None:
    event, fault = certificate(
        certificate_message_13(
            (b"leaf", extension(18, b"sct") + STATUS), (b"issuer", b""), (b"root", STATUS)
        ),
        tls13=True,
    )
    assert fault is None
    assert event.certificates == (b"leaf", b"issuer", b"root")
    assert event.staples == ((0, STAPLE), (2, STAPLE))


def test_an_empty_list_is_no_fault() -> None:
    assert certificate(certificate_message()) == (Certificate(1, 1, False, (), (), False), None)


@pytest.mark.parametrize("tls13", [False, True])
def test_a_fault_inside_leaves_the_certificates_before_it(tls13: bool) -> None:
    whole = (
        certificate_message_13((b"leaf", STATUS), (b"issuer", b""))
        if tls13
        else certificate_message(b"leaf", b"issuer")
    )
    at = whole.index(b"issuer")
    for damaged in (
        whole[: at - 1] + b"\xff" + whole[at:],
        whole[: at - 1] + b"\x00" + whole[at:],
        whole[: at + 2],
    ):
        event, fault = certificate(damaged, tls13=tls13)
        assert fault is not None
        assert event.certificates[0] == b"leaf"
        assert not event.complete


def test_the_number_of_certificates_is_bounded() -> None:
    event, fault = certificate(certificate_message(*[b"c"] * (BOUNDS.certificates + 1)))
    assert fault is not None
    assert len(event.certificates) == BOUNDS.certificates


def test_the_form_of_a_certificate_message_shows() -> None:
    assert has_tls13_form(certificate_message(b"leaf", b"issuer")) is False
    assert has_tls13_form(certificate_message()) is False
    assert has_tls13_form(certificate_message_13((b"leaf", b""))) is True
    assert has_tls13_form(b"\x04ctxt" + certificate_message_13((b"leaf", b""))[1:]) is True
    assert has_tls13_form(b"\0\0\x09abc") is None
    assert has_tls13_form(b"") is None


@pytest.mark.parametrize("damage", [None, "length", "content", "short"])
def test_compressed_certificate(damage: str | None) -> None:
    content = certificate_message_13((b"leaf", STATUS))
    body = b"\0\x01" + len(content).to_bytes(3, "big") + vector(3, zlib.compress(content))
    if damage == "length":
        body = body[:7] + b"\x01" + body[8:]
    elif damage == "content":
        body = body[:12] + b"\xff\xff" + body[14:]
    elif damage == "short":
        body = body[:6]
    event, fault = read_compressed_certificate(body, 1, 1, False, True)
    if damage is None:
        assert fault is None
        assert event is not None
        assert (event.certificates, event.staples, event.encrypted) == ((b"leaf",), ((0, STAPLE),), True)
    else:
        assert event is None
        assert fault is not None
        assert "CompressedCertificate" in fault


def test_certificate_status() -> None:
    event, fault = read_certificate_status(b"\x01" + vector(3, STAPLE), 1, 1, False)
    assert fault is None
    assert event is not None
    assert event.responses == (STAPLE,)


def test_certificate_status_for_several_certificates() -> None:
    body = b"\x02" + vector(3, vector(3, STAPLE) + vector(3, b"") + vector(3, b"third"))
    event, fault = read_certificate_status(body, 1, 1, False)
    assert fault is None
    assert event is not None
    assert event.responses == (STAPLE, None, b"third")
    event, fault = read_certificate_status(body[:-2], 1, 1, False)
    assert fault is not None
    assert event is not None
    assert event.responses == (STAPLE, None)


@pytest.mark.parametrize("body", [b"", b"\x01\0\0\xff", b"\x07\0\0\0"])
def test_unreadable_certificate_status(body: bytes) -> None:
    event, fault = read_certificate_status(body, 1, 1, False)
    assert event is None
    assert fault is not None


def test_encrypted_extensions() -> None:
    body = vector(2, extension(16, vector(2, vector(1, b"h2"))) + extension(42, b""))
    event, fault = read_encrypted_extensions(body, 1, 1)
    assert fault is None
    assert (event.alpn, event.early_data) == ("h2", True)


@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 255))
def test_damage_never_raises(data: bytes, position: int, value: int) -> None:
    hello = bytearray(
        client_hello(server_name(b"host.example"), extension(16, b"\0\x03\x02h2"), extension(41, b"\0"))
    )
    hello[position % len(hello)] = value
    entries = bytearray(certificate_message_13((b"leaf", STATUS), (b"issuer", STATUS)))
    entries[position % len(entries)] = value
    for body in (data, bytes(hello), bytes(hello)[: position % len(hello)], bytes(entries)):
        read_client_hello(body, 1, 1)
        read_server_hello(body, 1, 1)
        read_encrypted_extensions(body, 1, 1)
        server_extensions(body)
        has_tls13_form(body)
        read_certificate(body, 1, 1, False, False, False)
        read_certificate(body, 1, 1, False, False, True)
        read_compressed_certificate(body, 1, 1, False, False)
        read_certificate_status(body, 1, 1, False)

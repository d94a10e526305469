"""Which events belong to one handshake, and what they prove."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.spoken.handshakes import Handshake, HandshakeTracker
from ocsp_pcap.tls.events import (
    Alert,
    ApplicationData,
    Certificate,
    CertificateStatus,
    ChangeCipherSpec,
    ClientHello,
    ClientKeyExchange,
    Damage,
    Decrypted,
    EncryptedExtensions,
    EncryptedHandshake,
    Finished,
    ServerHello,
    ServerHelloDone,
    TlsEvent,
)

TLS_1_2, TLS_1_3, DRAFT, FACEBOOK = 0x0303, 0x0304, 0x7F1C, 0xFB1A


def client_hello(frame: int = 1, **other: Any) -> ClientHello:
    values: dict[str, Any] = {
        "random": bytes(32),
        "session_id": b"",
        "legacy_version": TLS_1_2,
        "supported_versions": (),
        "cipher_suites": (),
        "server_name": "a.test",
        "alpn": ("h2", "http/1.1"),
        "status_request": True,
        "session_ticket": None,
        "psk_identities": 0,
        "early_data": False,
        "encrypted_client_hello": False,
    }
    return ClientHello(frame, frame, **values | other)


def server_hello(frame: int = 2, version: int = TLS_1_2, **other: Any) -> ServerHello:
    values: dict[str, Any] = {
        "random": bytes(32),
        "session_id": b"",
        "cipher_suite": 0x1301,
        "alpn": None,
        "psk_selected": False,
        "status_request": False,
        "hello_retry_request": False,
    }
    return ServerHello(frame, frame, version=version, **values | other)


def certificate(frame: int = 3, *ders: bytes, from_client: bool = False, **other: Any) -> Certificate:
    return Certificate(frame, frame, from_client, ders or (b"leaf",), other.pop("staples", ()), True, **other)


def finished(frame: int, from_client: bool) -> Finished:
    return Finished(frame, frame, from_client, False)


def tracked(*events: TlsEvent) -> list[Handshake]:
    tracker = HandshakeTracker()
    tracker.receive(events)
    return tracker.handshakes


def only(*events: TlsEvent) -> Handshake:
    (handshake,) = tracked(*events)
    return handshake


def test_a_full_handshake_of_tls_1_2() -> None:
    found = only(
        client_hello(),
        server_hello(alpn="h2"),
        certificate(3),
        CertificateStatus(4, 4, (b"staple", None), False),
        ServerHelloDone(5, 5),
        ClientKeyExchange(6, 6),
        ChangeCipherSpec(6, 6, True),
        finished(6, True),
        ChangeCipherSpec(7, 7, False),
        finished(7, False),
        ApplicationData(8, 8, True, b""),
        ApplicationData(9, 9, False, b""),
    )
    assert (found.certificates, found.certificate_frame) == ((b"leaf",), 3)
    assert (found.staples, found.staple_frame) == ((b"staple",), 4)
    assert (found.complete, found.finished_frame, found.resumption) == (True, 7, None)
    assert (found.alpn, found.application_data_frame, found.last_time) == ("h2", 8, 9)
    assert not found.certificate_encrypted


@pytest.mark.parametrize("version", [TLS_1_3, DRAFT, FACEBOOK])
def test_tls_1_3_hides_the_certificate(version: int) -> None:
    found = only(
        client_hello(),
        server_hello(version=version),
        EncryptedHandshake(3, 3, False),
        EncryptedHandshake(4, 4, True),
    )
    assert found.certificate_encrypted
    assert (found.complete, found.finished_frame) == (True, 4)


def test_tls_1_3_with_keys() -> None:
    found = only(
        client_hello(),
        server_hello(version=TLS_1_3),
        Decrypted(3, 3),
        EncryptedExtensions(3, 3, "h2", False),
        certificate(4, staples=((0, b"staple"),)),
        finished(5, False),
        certificate(6, b"client", from_client=True),
        finished(6, True),
    )
    assert (found.alpn, found.staples, found.staple_frame) == ("h2", (b"staple",), 4)
    assert found.client_certificates == (b"client",)
    assert found.decrypted
    assert not found.certificate_encrypted


def test_extensions_without_a_protocol_leave_the_one_known() -> None:
    found = only(client_hello(), server_hello(alpn="h2"), EncryptedExtensions(3, 3, None, True))
    assert found.alpn == "h2"


def test_keys_of_the_client_alone_do_not_show_the_certificate() -> None:
    events = (client_hello(), server_hello(version=TLS_1_3), Decrypted(3, 3), finished(4, True))
    assert only(*events).certificate_encrypted
    assert not only(*events, finished(5, False)).certificate_encrypted


def test_a_retry_is_one_handshake() -> None:
    found = only(
        client_hello(1),
        server_hello(2, TLS_1_3, hello_retry_request=True),
        client_hello(3, server_name="a.test"),
        server_hello(4, TLS_1_3),
    )
    assert (found.client_hello_frame, found.version) == (1, TLS_1_3)


def test_before_the_answer_to_a_retry_no_version_is_known() -> None:
    found = only(client_hello(1), server_hello(2, TLS_1_3, hello_retry_request=True))
    assert (found.version, found.resumption, found.certificate_encrypted) == (None, None, False)


def test_renegotiation_is_another_handshake() -> None:
    first, second = tracked(
        client_hello(1), server_hello(2), certificate(3), client_hello(10), server_hello(11), certificate(12)
    )
    assert (first.certificate_frame, second.certificate_frame) == (3, 12)
    assert (first.last_time, second.time) == (3, 10)


@pytest.mark.parametrize(
    ("offer", "answer", "expected"),
    [
        ({"session_ticket": 100}, {}, "ticket"),
        ({"session_id": b"s"}, {"session_id": b"s"}, "session-id"),
        ({"session_id": b"s"}, {"session_id": b"t"}, None),
        ({}, {}, None),
    ],
)
def test_resumption_before_tls_1_3(offer: Any, answer: Any, expected: str | None) -> None:
    events = (client_hello(**offer), server_hello(**answer), ChangeCipherSpec(3, 3, False))
    assert only(*events).resumption == expected
    assert only(*events, Damage(4, 4, False, "lost", 100)).resumption is None
    assert only(*events, ServerHelloDone(4, 4)).resumption is None
    assert only(*events[:2]).resumption is None


def test_an_echoed_session_id_resumes_nothing_in_a_draft_of_tls_1_3() -> None:
    """RFC 8446 4.1.3: the server echoes it whatever it does; a pre-shared key resumes."""
    hello = client_hello(session_id=bytes(32), supported_versions=(FACEBOOK,), psk_identities=1)
    for selected, expected in ((True, "psk"), (False, None)):
        answer = server_hello(version=FACEBOOK, session_id=bytes(32), psk_selected=selected)
        changed = ChangeCipherSpec(2, 2, False)
        (handshake,) = tracked(hello, answer, changed)
        assert handshake.resumption == expected
        assert handshake.certificate_encrypted == (expected is None)


def test_resumption_in_tls_1_3() -> None:
    found = only(client_hello(psk_identities=1), server_hello(version=TLS_1_3, psk_selected=True))
    assert found.resumption == "psk"
    assert not found.certificate_encrypted


@pytest.mark.reaches("alerts")
def test_alerts_and_damage_are_bounded() -> None:
    events = [Alert(n, n, True, 2, 40) for n in range(20)]
    found = only(*events, *(Damage(n, n, True, "lost", 10) for n in range(20)))
    assert len(found.alerts) == BOUNDS.alerts
    assert found.missing_bytes == 200


def test_what_begins_in_mid_stream_is_a_handshake_too() -> None:
    found = only(certificate(5))
    assert (found.client_hello, found.version, found.certificates) == (None, None, (b"leaf",))


def data(frame: int, *, from_client: bool = True) -> ApplicationData:
    return ApplicationData(frame, frame, from_client, b"")


@pytest.mark.parametrize(
    ("events", "first", "last"),
    [
        ([client_hello(), server_hello(), Finished(3, 3, True, True), data(4), data(9)], 4, 9),
        (
            [client_hello(), server_hello(), Finished(3, 3, True, True), data(4, from_client=False)],
            None,
            None,
        ),
        ([client_hello(early_data=True), data(2)], None, None),
        ([client_hello(), server_hello(version=TLS_1_3), EncryptedHandshake(3, 3, True), data(5)], 5, 5),
        ([client_hello(), server_hello(version=TLS_1_3), Decrypted(3, 3), data(5)], None, None),
        ([client_hello(), data(2), server_hello(3, TLS_1_3), Finished(4, 4, True, True), data(5)], 5, 5),
        ([client_hello(), server_hello(version=TLS_1_3, hello_retry_request=True), data(5)], None, None),
        ([server_hello(), data(5)], 5, 5),
        ([data(5)], 5, 5),
    ],
)
def test_data_of_the_client_after_its_finished(
    events: list[TlsEvent], first: int | None, last: int | None
) -> None:
    handshake = only(*events)
    assert handshake.client_data == (None if first is None else (first, first))
    assert handshake.client_data_last == (None if last is None else (last, last))


@pytest.mark.parametrize(
    ("events", "time"),
    [
        (
            [client_hello(), server_hello(), data(4), data(5, from_client=False), data(6, from_client=False)],
            5,
        ),
        ([client_hello(), server_hello(), data(4)], None),
        ([client_hello(), server_hello(version=TLS_1_3), data(5, from_client=False)], None),
        (
            [client_hello(), server_hello(version=TLS_1_3), Decrypted(3, 3), data(4, from_client=False)],
            None,
        ),
        (
            [
                *(client_hello(), server_hello(version=TLS_1_3), Decrypted(3, 3), Finished(4, 4, True, True)),
                data(5, from_client=False),
            ],
            5,
        ),
        ([data(5, from_client=False)], None),
    ],
)
def test_data_of_the_server_after_the_finished_of_the_client(
    events: list[TlsEvent], time: int | None
) -> None:
    assert only(*events).server_data_time == time


@pytest.mark.parametrize(
    ("offer", "hello", "version", "encrypted", "resumption"),
    [
        (client_hello(psk_identities=1), server_hello(version=TLS_1_3, complete=False), TLS_1_3, False, None),
        (client_hello(), server_hello(version=TLS_1_3, complete=False), TLS_1_3, True, None),
        (client_hello(complete=False), server_hello(version=TLS_1_3, complete=False), TLS_1_3, False, None),
        (
            client_hello(psk_identities=1),
            server_hello(version=TLS_1_3, psk_selected=True, complete=False),
            TLS_1_3,
            False,
            "psk",
        ),
        (client_hello(supported_versions=(TLS_1_3,)), server_hello(complete=False), None, False, None),
        (client_hello(supported_versions=(TLS_1_2,)), server_hello(complete=False), TLS_1_2, False, None),
    ],
)
def test_server_hello_cut(
    offer: ClientHello, hello: ServerHello, version: int | None, encrypted: bool, resumption: str | None
) -> None:
    handshake = only(offer, hello)
    assert handshake.server_hello_cut
    assert (handshake.version, handshake.certificate_encrypted) == (version, encrypted)
    assert handshake.resumption == resumption


@pytest.mark.parametrize("negotiated", [True, False])
def test_psk_with_certificate(negotiated: bool) -> None:
    offer = client_hello(psk_identities=2, psk_ages=(77, 0), cert_with_extern_psk=True)
    chosen = server_hello(version=TLS_1_3, psk_selected=True, psk_identity=1, cert_with_extern_psk=negotiated)
    handshake = only(offer, chosen)
    assert handshake.psk_with_certificate
    assert handshake.external_psk
    assert handshake.certificate_encrypted == negotiated
    assert handshake.resumption == (None if negotiated else "psk")
    assert not only(offer, chosen._replace(psk_identity=0)).external_psk
    assert not only(offer, chosen._replace(psk_identity=9)).external_psk

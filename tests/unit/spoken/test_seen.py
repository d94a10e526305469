"""The record that is kept of a handshake that is over."""

from __future__ import annotations

from ocsp_pcap.spoken.handshakes import Handshake, HandshakeTracker
from ocsp_pcap.spoken.seen import seen
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.tls.events import Certificate, CertificateStatus, ClientHello, Finished, ServerHello, TlsEvent


def hello(name: str) -> ClientHello:
    return ClientHello(
        1, 10, bytes(32), b"", 0x0303, (), (0xC02F,), name, ("h2", "http/1.1"), True, None, 0, False, False
    )


def handshake(*events: TlsEvent) -> Handshake:
    tracker = HandshakeTracker()
    tracker.receive(events)
    return tracker.handshakes[0]


def whole(name: str) -> Handshake:
    """Made of objects of its own, equal to those of another call."""
    return handshake(
        hello("".join(name)),
        ServerHello(2, 20, bytes(31) + b"\1", b"", 0x0303, 0xC02F, None, False, True, False),
        Certificate(3, 30, False, (bytes([1, 2]), bytes([3, 4])), (), False),
        CertificateStatus(4, 40, (bytes([5, 6]),), False),
        Finished(5, 50, True, True),
        Finished(6, 60, False, True),
    )


def test_it_says_what_the_messages_said() -> None:
    found = seen(whole("a.test"), Shared().same)
    traits = found.traits
    assert (traits.sni, traits.alpn, traits.version) == ("a.test", ("h2", "http/1.1"), "TLS 1.2")
    assert traits.cipher == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert (found.client_random, found.server_random) == (bytes(32), bytes(31) + b"\1")
    assert (traits.certificates, traits.staples) == ((b"\x01\x02", b"\x03\x04"), (b"\x05\x06",))
    assert (found.client_hello_frame, found.server_hello_frame, found.certificate_frame) == (1, 2, 3)
    assert (found.staple_frame, found.client_finished, found.finished_frame) == (4, 5, 6)
    assert (found.time, found.last_time, traits.complete) == (10, 60, True)
    assert traits.has_client_hello
    assert not traits.client_hello_cut


def test_without_a_message_nothing_is_said_of_it() -> None:
    found = seen(handshake(Certificate(3, 30, False, (b"leaf",), (), False)), Shared().same)
    traits = found.traits
    assert (traits.sni, traits.alpn, traits.version, found.client_random) == (None, (), None, None)
    assert (found.client_hello_frame, found.server_hello_frame) == (None, None)
    assert not traits.has_client_hello


def test_what_is_equal_is_kept_once() -> None:
    shared = Shared()
    one, again, other = (seen(whole(name), shared.same).traits for name in ("a.test", "a.test", "b.test"))
    assert again is one
    assert other.sni == "b.test"
    for name in ("alpn", "certificates", "staples"):
        assert getattr(one, name) is getattr(other, name)
    fewer = seen(handshake(Certificate(3, 30, False, (bytes([1, 2]),), (), False)), shared.same).traits
    assert fewer.certificates[0] is one.certificates[0]

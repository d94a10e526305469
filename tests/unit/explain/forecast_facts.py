"""Handshakes, certificates and answers made by hand, for forecasts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from ocsp_pcap.facts import (
    CaptureFact,
    CertIdFact,
    CertificateFact,
    ExchangeFrames,
    Facts,
    HandshakeFact,
    HandshakeFrames,
    OcspExchangeFact,
    ResponseFact,
    SingleFact,
)

SECOND: Final = 10**9
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR
START: Final = 1_767_323_045 * SECOND
CAPTURE: Final = "egress.pcap"
PROXY: Final = "10.77.2.30"
RESPONDER: Final = "http://ocsp.issuer.test/"
NAME_HASH: Final = "0f" * 20
KEY_HASH: Final = "2f" * 20


def certificate(serial: str, **changes: Any) -> CertificateFact:
    """A leaf that names one responder."""
    fact = CertificateFact(
        sha256=(serial * 64)[:64],
        subject=f"CN=host-{serial}.test",
        issuer="CN=Issuer",
        serial=serial,
        not_before=START - 30 * DAY,
        not_after=START + 60 * DAY,
        sans=(f"host-{serial}.test",),
        ocsp_urls=(RESPONDER,),
        crl_urls=(),
        must_staple=False,
        is_ca=False,
        self_signed=False,
        parse_error=None,
        issuer_name_hashes=(("sha1", NAME_HASH),),
        issuer_key_hashes=(("sha1", KEY_HASH),),
    )
    return replace(fact, **changes)


def handshake(number: int, after: int, *chain: CertificateFact, **changes: Any) -> HandshakeFact:
    """A complete handshake, ``after`` nanoseconds from the start."""
    fact = HandshakeFact(
        capture=CAPTURE,
        stream=number,
        transport="tcp",
        time=START + after,
        frames=HandshakeFrames(
            10 * number + 1, 10 * number + 2, 10 * number + 3 if chain else None, None, 10 * number + 5
        ),
        client=PROXY,
        server="203.0.113.10",
        sni=chain[0].sans[0] if chain and chain[0].sans else f"host-of-{number}.test",
        connect_host=None,
        alpn=(),
        version="TLS 1.2",
        cipher=None,
        resumed=False,
        status_request=True,
        client_random=f"{number:064x}",
        server_random=f"{number + 7:064x}",
        certificates=tuple(each.sha256 for each in chain),
        staples=(),
        client_certificates=(),
        certificate_encrypted=False,
        decrypted=False,
        complete=True,
        alerts=(),
        client_port=40_000 + number,
        server_port=443,
        end_time=START + after + SECOND // 20,
        application_data=True,
    )
    return replace(fact, **changes)


def response(serial: str, lasting: int | None, after: int = 0, **changes: Any) -> ResponseFact:
    """An answer of the issuer, good from an hour before until ``lasting`` after its coming."""
    single = SingleFact(
        serial=serial,
        issuer_name_hash=NAME_HASH,
        issuer_key_hash=KEY_HASH,
        status="good",
        this_update=START + after - HOUR,
        next_update=None if lasting is None else START + after + lasting,
        revocation_time=None,
        revocation_reason=None,
    )
    fact = ResponseFact(
        response_status="successful",
        responder_id="CN=Issuer",
        produced_at=single.this_update,
        hash_algorithm="sha1",
        signature="valid",
        signer="CN=Issuer",
        singles=(single,),
        parse_error=None,
        sha256=f"{serial}{after:x}",
    )
    return replace(fact, **changes)


def exchange(
    serial: str, after: int, lasting: int | None, client: str = PROXY, **changes: Any
) -> OcspExchangeFact:
    """A query and its answer."""
    fact = OcspExchangeFact(
        capture=CAPTURE,
        stream=900,
        time=START + after,
        frames=ExchangeFrames(500, 501),
        client=client,
        server="203.0.113.80",
        method="POST",
        url=RESPONDER,
        via_proxy=False,
        requests=(CertIdFact("sha1", NAME_HASH, KEY_HASH, serial),),
        nonce=None,
        http_status=200,
        response=response(serial, lasting, after),
        client_port=45_000,
        server_port=80,
        response_time=START + after,
    )
    return replace(fact, **changes)


def facts(
    certificates: tuple[CertificateFact, ...],
    handshakes: tuple[HandshakeFact, ...],
    exchanges: tuple[OcspExchangeFact, ...] = (),
    **more: Any,
) -> Facts:
    """Facts of one capture without a flaw."""
    capture = CaptureFact(
        path=CAPTURE,
        packets=10_000,
        first_time=START,
        last_time=START + DAY,
        link_types=("ethernet",),
        snaplen=262_144,
        truncated_packets=0,
        dropped=0,
        undecoded_packets=0,
        tcp_gaps=0,
        one_sided_streams=0,
        damage=None,
        ports_seen=(53, 80, 443),
    )
    return Facts(
        captures=(capture,),
        certificates={each.sha256: each for each in certificates},
        handshakes=handshakes,
        ocsp_exchanges=exchanges,
        **more,
    )

"""An explanation of two captures of a proxy chain, made by hand, as the reports' tests show it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ocsp_pcap.explain.causes import CAUSES, next_steps
from ocsp_pcap.explain.model import (
    Alternative,
    Confidence,
    Evidence,
    Explanation,
    Finding,
    Sighting,
    Status,
    Validator,
    Verdict,
)
from ocsp_pcap.facts import (
    AlertFact,
    CaptureFact,
    CertIdFact,
    CertificateFact,
    CrlFetchFact,
    DnsLookupFact,
    ExchangeFrames,
    Facts,
    HandshakeFact,
    HandshakeFrames,
    OcspExchangeFact,
    ResponseFact,
    SingleFact,
    TcpAttemptFact,
)

SECOND = 1_000_000_000
START = 1_767_323_045_123_456_789  # 2026-01-02T03:04:05.123456789Z
DAY = 86_400 * SECOND
CHILD_PCAP = "captures/child.pcapng"
PARENT_PCAP = "captures/parent.pcapng"
CHILD = Validator("10.77.1.20", "child")
PARENT = Validator("10.77.2.30", "parent")


def capture(path: str, **changes: object) -> CaptureFact:
    """A capture without a flaw, but for the changes."""
    fact = CaptureFact(
        path=path,
        packets=48_213,
        first_time=START,
        last_time=START + 306 * SECOND,
        link_types=("ethernet",),
        snaplen=262144,
        truncated_packets=0,
        dropped=0,
        undecoded_packets=0,
        tcp_gaps=0,
        one_sided_streams=0,
        damage=None,
        ports_seen=(53, 80, 443, 3128),
        size=31_457_280,
        tcp_streams=412,
    )
    return replace(fact, **changes)  # type: ignore[arg-type]


def certificate(host: str, serial: str, **changes: object) -> CertificateFact:
    """A leaf certificate of a public authority, but for the changes."""
    fact = CertificateFact(
        sha256=(serial * 64)[:64],
        subject=f"CN={host}",
        issuer="CN=Example Trust G2,O=Example Trust,C=US",
        serial=serial,
        not_before=START - 30 * DAY,
        not_after=START + 60 * DAY,
        sans=(host,),
        ocsp_urls=("http://ocsp.example-trust.test/",),
        crl_urls=("http://crl.example-trust.test/g2.crl",),
        must_staple=False,
        is_ca=False,
        self_signed=False,
        parse_error=None,
        issuer_name_hashes=(("sha1", "0f" * 20), ("sha256", "1f" * 32)),
        issuer_key_hashes=(("sha1", "2f" * 20),),
        authority_key_id="3f" * 20,
        subject_key_id="4f" * 20,
    )
    return replace(fact, **changes)  # type: ignore[arg-type]


def single(serial: str) -> SingleFact:
    """A status for a certificate."""
    return SingleFact(serial, "0f" * 20, "2f" * 20, "good", START - DAY, START + 6 * DAY, None, None)


def response(serial: str) -> ResponseFact:
    """A good answer."""
    return ResponseFact(
        response_status="successful",
        responder_id="CN=Example Trust OCSP",
        produced_at=START - DAY,
        hash_algorithm="sha1",
        signature="valid",
        signer="CN=Example Trust OCSP",
        singles=(single(serial),),
        parse_error=None,
        sha256="ab" * 32,
        nonce="00112233",
    )


def exchange(serial: str = "85aa01", **changes: object) -> OcspExchangeFact:
    """A question with its answer."""
    fact = OcspExchangeFact(
        capture=PARENT_PCAP,
        stream=9,
        time=START + SECOND,
        frames=ExchangeFrames(212, 219),
        client=PARENT.address,
        server="203.0.113.80",
        method="POST",
        url="http://ocsp.example-trust.test/",
        via_proxy=False,
        requests=(CertIdFact("sha1", "0f" * 20, "2f" * 20, serial),),
        nonce=None,
        http_status=200,
        response=response(serial),
        client_port=40112,
        server_port=80,
        response_time=START + SECOND + 20_000_000,
        content_type="application/ocsp-response",
    )
    return replace(fact, **changes)  # type: ignore[arg-type]


def handshake(sha256: str, stream: int = 5, **changes: object) -> HandshakeFact:
    """A complete TLS 1.2 handshake with a staple."""
    fact = HandshakeFact(
        capture=PARENT_PCAP,
        stream=stream,
        transport="tcp",
        time=START,
        frames=HandshakeFrames(4, 6, 7, 7, 11),
        client=PARENT.address,
        server="203.0.113.10",
        sni="stapled.site.test",
        connect_host=None,
        alpn=("h2", "http/1.1"),
        version="TLS 1.2",
        cipher="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        resumed=False,
        status_request=True,
        client_random="aa" * 32,
        server_random="bb" * 32,
        certificates=(sha256,),
        staples=(response("85aa02"),),
        client_certificates=(),
        certificate_encrypted=False,
        decrypted=False,
        complete=True,
        alerts=(AlertFact(40, "client", "warning", "close_notify"),),
        client_port=51000,
        server_port=443,
        resumption=None,
        end_time=START + 30_000_000,
    )
    return replace(fact, **changes)  # type: ignore[arg-type]


def verdict(
    validator: Validator,
    host: str,
    fact: CertificateFact | None,
    cause: str,
    summary: str,
    frames: tuple[int, ...],
    *,
    confidence: Confidence = "confirmed",
    status: Status | None = None,
    alternatives: tuple[Alternative, ...] = (),
    sightings: int = 1,
) -> Verdict:
    """A verdict with evidence in the given frames."""
    path = CHILD_PCAP if validator is CHILD else PARENT_PCAP
    stream = frames[0] // 10
    notes = ("ClientHello", "Certificate", "OCSP request", "OCSP response", "answer of the name server")
    evidence = tuple(
        Evidence(path, frame, stream, f"{note} for {host}")
        for frame, note in zip(frames, notes, strict=False)
    )
    presence = CAUSES[cause].presence
    assert presence is not None
    return Verdict(
        validator=validator,
        host=host,
        certificate=fact,
        chain_role="intermediate" if fact is not None and fact.is_ca else "leaf",
        presence=presence,
        cause=cause,
        status=status,
        confidence=confidence,
        summary=summary,
        alternatives=alternatives,
        evidence=evidence,
        next_steps=next_steps(
            cause,
            host=host,
            validator=validator.address,
            responder="ocsp.example-trust.test",
            frame=frames[-1],
        ),
        sightings=tuple(
            Sighting(
                path,
                stream + i,
                frames[0] + 40 * i,
                START + i * 7 * SECOND,
                presence,
                cause,
                confidence,
                evidence,
            )
            for i in range(sightings)
        ),
    )


def demo_verdicts() -> tuple[Verdict, ...]:
    """Verdicts of both proxies, in no particular order."""
    ca = certificate("Example Trust G2", "77", is_ca=True, subject="CN=Example Trust G2,O=Example Trust,C=US")
    return (
        verdict(
            PARENT,
            "plain.site.test",
            certificate("plain.site.test", "85aa01"),
            "queried",
            "10.77.2.30 asked ocsp.example-trust.test and got a good, fresh and correctly signed answer.",
            (104, 107, 212, 219),
            status="good",
            sightings=3,
        ),
        verdict(
            PARENT,
            "stapled.site.test",
            certificate("stapled.site.test", "85aa02"),
            "stapled",
            "The origin stapled a good response, valid until 2026-01-08 03:04:05 UTC, so no query is due.",
            (304, 307),
            status="good",
        ),
        verdict(
            PARENT,
            "letsencrypt.site.test",
            certificate("letsencrypt.site.test", "4bc", ocsp_urls=(), issuer="CN=R12,O=Let's Encrypt,C=US"),
            "no-ocsp-url",
            "The certificate names no OCSP responder, so there is nothing to ask.",
            (404, 407),
        ),
        verdict(
            PARENT,
            "very-long-name.of-a-shop.eu-central-1.compute.cloud.example.test",
            certificate("very-long-name.of-a-shop.eu-central-1.compute.cloud.example.test", "99aa"),
            "responder-unreachable",
            "10.77.2.30 sent 4 SYN to 203.0.113.99 (ocsp.example-trust.test) and got no answer.",
            (504, 507, 519, 523, 540),
            sightings=2,
        ),
        verdict(
            PARENT,
            "modern.site.test",
            None,
            "certificate-encrypted",
            "TLS 1.3 hides the certificate, and no key log opens this session.",
            (604,),
            confidence="likely",
        ),
        verdict(
            PARENT,
            "quiet.site.test",
            certificate("quiet.site.test", "6d01"),
            "unexplained",
            "The certificate names a responder, was received in full, and nothing says why it was not asked.",
            (704, 707),
            confidence="possible",
            alternatives=(
                Alternative("cached", "the capture may have begun after an earlier answer"),
                Alternative("ocsp-disabled", "no query for any certificate of this host group is seen"),
            ),
        ),
        verdict(PARENT, "plain.site.test", ca, "no-ocsp-url", "An intermediate without OCSP URL.", (107,)),
        verdict(
            CHILD,
            "plain.site.test",
            certificate(
                "plain.site.test", "1", issuer="CN=Parent Interception CA", ocsp_urls=(), crl_urls=()
            ),
            "reissued-certificate",
            "The parent proxy's CA signed this certificate; the origin's own is visible on the parent only.",
            (44, 47),
        ),
    )


def many_verdicts(number: int) -> tuple[Verdict, ...]:
    """As many verdicts of the kinds above, each with a certificate, a host and frames of its own."""
    kinds = demo_verdicts()
    rows = []
    for place in range(number):
        kind = kinds[place % len(kinds)]
        host, digest = f"h{place:05}.test", hashlib.sha256(str(place).encode()).hexdigest()
        fact = kind.certificate and replace(
            kind.certificate,
            sha256=digest,
            serial=digest[:32].lstrip("0"),
            subject=f"CN={host}",
            not_after=(kind.certificate.not_after or 0) + place * 1_000 * SECOND,
        )
        evidence = tuple(
            replace(
                item,
                frame=(item.frame or 0) + 8 * place,
                stream=place,
                note=item.note.replace(kind.host or "", host),
            )
            for item in kind.evidence
        )
        rows.append(replace(kind, host=host, certificate=fact, chain_role="leaf", evidence=evidence))
    return tuple(rows)


HEADLINE = (
    "3 OCSP requests from parent 10.77.2.30: 1 answered good, 2 failed (without an answer). None from child "
    "10.77.1.20, and none can come: only reissued certificates arrive there."
)


def demo_explanation() -> Explanation:
    """The whole explanation."""
    return Explanation(
        captures=(
            capture(CHILD_PCAP, packets=9_120, last_time=START + 291 * SECOND),
            capture(PARENT_PCAP, dropped=12, tcp_gaps=3, truncated_packets=2, snaplen=1500),
        ),
        verdicts=demo_verdicts(),
        findings=(
            Finding(
                "ocsp-at-egress",
                "info",
                "OCSP is done by the parent, where origin certificates are visible.",
                (Evidence(PARENT_PCAP, 212, 9, "OCSP request"),),
                (),
            ),
            Finding(
                "ocsp-on-wrong-proxy",
                "problem",
                "The site file enables OCSP on the child, which sees only certificates of the parent's CA.",
                (
                    Evidence("site.toml", None, None, "proxies.child.ocsp = true"),
                    Evidence(CHILD_PCAP, 47, 4, "certificate signed by CN=Parent Interception CA"),
                ),
                next_steps("ocsp-on-wrong-proxy", validator=CHILD.address),
            ),
        ),
        unmatched_exchanges=(exchange("5e77"),),
        notes=("Roles come from --child and --parent.",),
        headline=HEADLINE,
    )


def demo_facts() -> Facts:
    """One fact or more of every kind."""
    fact = certificate("stapled.site.test", "85aa02")
    return Facts(
        captures=(capture(PARENT_PCAP, notes=("a key log opened nothing",)),),
        certificates={fact.sha256: fact},
        handshakes=(handshake(fact.sha256), handshake(fact.sha256, 6, sni=None, staples=(), end_time=None)),
        ocsp_exchanges=(exchange(), exchange(response=None, http_status=None, response_time=None)),
        crl_fetches=(
            CrlFetchFact(
                PARENT_PCAP, 12, START, ExchangeFrames(300, 310), PARENT.address, "203.0.113.81", False,
                "http://crl.example-trust.test/g2.crl", 200, "CN=Example Trust G2", START - DAY, START + DAY,
            ),
        ),
        dns_lookups=(
            DnsLookupFact(
                PARENT_PCAP, 3, START, ExchangeFrames(200, 201), PARENT.address, "10.77.2.1",
                "ocsp.example-trust.test", "A", "NOERROR", ("203.0.113.80",),
            ),
        ),
        tcp_attempts=(
            TcpAttemptFact(
                PARENT_PCAP, 9, START, ExchangeFrames(210, None), PARENT.address, "203.0.113.80",
                "unanswered", attempts=4,
            ),
        ),
    )  # fmt: skip


def changed(*path: Any, value: Any) -> Callable[[Any], None]:
    """Return what sets a value inside a JSON document."""

    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change

"""Facts with sensible defaults, so that a test tells only what its story is about.

``facts(shop, handshake("shop.test", shop), exchange(shop, time=1))``: a validator visits shop.test, gets its
certificate, and asks the responder one second later. Times are seconds after :data:`BEGIN`.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha1, sha256
from itertools import count
from typing import Any

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Finding, Verdict
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.site import AuthorityCertificate, Proxy, Site
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import (
    AlertFact,
    CaptureFact,
    CertIdFact,
    CertificateFact,
    CrlFetchFact,
    DnsLookupFact,
    ExchangeFrames,
    Fact,
    Facts,
    HandshakeFact,
    HandshakeFrames,
    OcspExchangeFact,
    ResponseFact,
    SingleFact,
    TcpAttemptFact,
)

SECOND = 10**9
DAY = 86400
BEGIN = 1_780_000_000 * SECOND
CLIENT, CHILD, PARENT_INSIDE, PARENT = "10.1.0.9", "10.1.0.20", "10.1.0.30", "10.2.0.30"
ORIGIN, RESPONDER, RESOLVER = "203.0.113.10", "198.51.100.1", "198.51.100.53"
RESPONDER_HOST = "ocsp.ca.test"
URL = f"http://{RESPONDER_HOST}/"
PUBLIC_CA, PROXY_CA = "CN=Public CA", "CN=Proxy CA"

CLIENT_DATA = ("client_data_time", "client_data_frame", "client_data_last_time", "client_data_last_frame")

_numbers: Iterator[int] = count(1)


def at(seconds: float) -> int:
    """Nanoseconds since the Unix epoch."""
    return BEGIN + int(seconds * SECOND)


def _digest(text: str) -> str:
    return sha1(text.encode()).hexdigest()


def certificate(
    host: str = "shop.test",
    issuer: str = PUBLIC_CA,
    *,
    serial: str | None = None,
    ocsp: tuple[str, ...] = (URL,),
    crl: tuple[str, ...] = (),
    days: float = 90,
    not_before: float = -30 * DAY,
    issuer_known: bool = True,
    key_identifier: bool = True,
    **other: Any,
) -> CertificateFact:
    """A certificate; its CertID hashes follow from the issuer's name."""
    identity = f"{host} {issuer} {serial}"
    values: dict[str, Any] = {
        "sha256": sha256(identity.encode()).hexdigest(),
        "subject": f"CN={host}",
        "issuer": issuer,
        "serial": serial or _digest(identity)[:16].lstrip("0"),
        "not_before": at(not_before),
        "not_after": at(not_before + days * DAY),
        "sans": (host,),
        "ocsp_urls": ocsp,
        "crl_urls": crl,
        "must_staple": False,
        "is_ca": False,
        "self_signed": False,
        "parse_error": None,
        "issuer_name_hashes": (("sha1", _digest(issuer)),),
        "issuer_key_hashes": (("sha1", _digest("key of " + issuer)),) if issuer_known else (),
        "authority_key_id": _digest("key of " + issuer) if key_identifier else None,
        "issuer_sha256": sha256(issuer.encode()).hexdigest() if issuer_known else None,
        "public_key_sha256": sha256(b"key of " + identity.encode()).hexdigest(),
    }
    return CertificateFact(**values | other)


def reissued(host: str = "shop.test", issuer: str = PROXY_CA, **other: Any) -> CertificateFact:
    """What an interception proxy makes of a certificate: no responder, no CRL."""
    return certificate(host, issuer, **{"ocsp": (), "issuer_known": False} | other)


def authority(subject: str = PUBLIC_CA, **other: Any) -> CertificateFact:
    """The self-signed certificate of a CA."""
    values = {"sha256": sha256(subject.encode()).hexdigest(), "subject": subject, "is_ca": True, "ocsp": ()}
    return certificate(subject, subject, **values | {"self_signed": True, "sans": ()} | other)


def handshake(
    host: str | None,
    *certificates: CertificateFact,
    time: float = 0,
    client: str = PARENT,
    server: str = ORIGIN,
    capture: str = "a.pcap",
    staples: tuple[ResponseFact, ...] = (),
    random: str | None = "",
    proxied: bool = False,
    **other: Any,
) -> HandshakeFact:
    """A completed TLS 1.2 handshake; ``proxied``: behind a CONNECT to ``server``."""
    number = next(_numbers)
    frame = number * 20
    values: dict[str, Any] = {
        "capture": capture,
        "stream": number,
        "transport": "tcp",
        "time": at(time),
        "frames": HandshakeFrames(
            frame, frame + 1, frame + 2 if certificates else None, frame + 3 if staples else None, frame + 5
        ),
        "client": client,
        "server": server,
        "sni": host,
        "connect_host": host if proxied else None,
        "alpn": (),
        "version": "TLS 1.2",
        "cipher": "TLS_AES_128_GCM_SHA256",
        "resumed": False,
        "status_request": True,
        "client_random": f"{number:064x}" if random == "" else random,
        "server_random": f"{number + (1 << 64):064x}" if random == "" else random and random[::-1],
        "certificates": tuple(c.sha256 for c in certificates),
        "staples": staples,
        "client_certificates": (),
        "certificate_encrypted": False,
        "decrypted": False,
        "complete": True,
        "alerts": (),
        "client_port": 40000 + number,
        "server_port": 3128 if proxied else 443,
        "tunnel": "connect" if proxied else None,
        "connect_port": 443 if proxied else None,
        "connect_status": 200 if proxied else None,
        "end_time": at(time + 0.2),
        "application_data": True,
        "application_data_frame": frame + 6,
        "application_data_time": at(time + 0.3),
        "client_data_time": at(time + 0.3),
        "client_data_frame": frame + 6,
        "client_data_last_time": at(time + 0.3),
        "client_data_last_frame": frame + 6,
        "server_data_time": at(time + 0.35),
    }
    if other.get("application_data") is False:
        values |= dict.fromkeys((*CLIENT_DATA, "server_data_time"))
    if other.get("client_data_time", "") is None:
        values |= dict.fromkeys(CLIENT_DATA)
    return HandshakeFact(**values | other)


def broken(host: str | None = "shop.test", *certificates: CertificateFact, **other: Any) -> HandshakeFact:
    """A handshake that was never finished."""
    unfinished = {"complete": False, "application_data": False, "application_data_time": None}
    return handshake(host, *certificates, **unfinished | other)


def alert(description: str | None, sender: str = "client", level: str | None = "fatal") -> AlertFact:
    """A TLS alert."""
    return AlertFact(99, "client" if sender == "client" else "server", level, description)


def cert_id(subject: CertificateFact, hash_algorithm: str = "sha1", **other: str) -> CertIdFact:
    """The CertID of a certificate."""
    values = {
        "hash_algorithm": hash_algorithm,
        "issuer_name_hash": _digest(subject.issuer),
        "issuer_key_hash": _digest("key of " + subject.issuer),
        "serial": subject.serial,
    }
    return CertIdFact(**values | other)


def single(
    subject: CertificateFact,
    status: str = "good",
    *,
    this_update: float = -DAY,
    next_update: float | None = DAY,
    **other: Any,
) -> SingleFact:
    """What a response says about one certificate."""
    values: dict[str, Any] = {
        "serial": subject.serial,
        "issuer_name_hash": _digest(subject.issuer),
        "issuer_key_hash": _digest("key of " + subject.issuer),
        "status": status,
        "this_update": at(this_update),
        "next_update": None if next_update is None else at(next_update),
        "revocation_time": None,
        "revocation_reason": None,
    }
    return SingleFact(**values | other)


def response(*subjects: CertificateFact | SingleFact, **other: Any) -> ResponseFact:
    """A successful, well signed response about some certificates."""
    singles = tuple(s if isinstance(s, SingleFact) else single(s) for s in subjects)
    values: dict[str, Any] = {
        "response_status": "successful",
        "responder_id": "CN=Responder",
        "produced_at": at(-DAY),
        "hash_algorithm": "sha1",
        "signature": "valid",
        "signer": "CN=Responder",
        "singles": singles,
        "parse_error": None,
    }
    values |= other
    return ResponseFact(**values | {"sha256": sha256(repr(values).encode()).hexdigest()})


def error(status: str | None, **other: Any) -> ResponseFact:
    """A response without an answer."""
    return response(response_status=status, signature="unverifiable", **other)


def exchange(
    subject: CertificateFact | None,
    answer: ResponseFact | str | None = "good",
    *,
    time: float = 1,
    delay: float = 0.1,
    client: str = PARENT,
    server: str = RESPONDER,
    capture: str = "a.pcap",
    http_status: int | None = 200,
    **other: Any,
) -> OcspExchangeFact:
    """A query about a certificate and what came of it; the answer may be a status, a response, or None."""
    number = next(_numbers)
    frame = number * 20
    if isinstance(answer, str):
        assert subject is not None
        answer = response(single(subject, answer))
    values: dict[str, Any] = {
        "capture": capture,
        "stream": number,
        "time": at(time),
        "frames": ExchangeFrames(frame, frame + 2 if http_status else None),
        "client": client,
        "server": server,
        "method": "POST",
        "url": URL,
        "via_proxy": False,
        "requests": (cert_id(subject),) if subject is not None else (),
        "nonce": None,
        "http_status": http_status,
        "response": answer,
        "client_port": 50000 + number,
        "server_port": 80,
        "response_time": at(time + delay) if http_status else None,
    }
    return OcspExchangeFact(**values | other)


def silence(subject: CertificateFact, **other: Any) -> OcspExchangeFact:
    """A query without an answer."""
    return exchange(subject, None, http_status=None, **other)


def dns(
    *answers: str,
    name: str = RESPONDER_HOST,
    time: float = 0.5,
    client: str = PARENT,
    rcode: str | None = "NOERROR",
    kind: str = "A",
    capture: str = "a.pcap",
    server: str = RESOLVER,
) -> DnsLookupFact:
    """A lookup of the responder's name."""
    number = next(_numbers)
    frames = ExchangeFrames(number * 20, None if rcode is None else number * 20 + 1)
    return DnsLookupFact(
        capture, number, at(time), frames, client, server, name, kind, rcode, answers
    )  # fmt: skip


def attempt(
    outcome: str = "unanswered", *, time: float = 0.7, answered: bool | None = None, **other: Any
) -> TcpAttemptFact:
    """An attempt to connect to the responder."""
    number = next(_numbers)
    answered = outcome != "unanswered" if answered is None else answered
    values: dict[str, Any] = {
        "capture": "a.pcap",
        "stream": number,
        "time": at(time),
        "frames": ExchangeFrames(number * 20, number * 20 + 1 if answered else None),
        "client": PARENT,
        "server": RESPONDER,
        "outcome": outcome,
        "client_port": 60000 + number,
        "server_port": 80,
    }
    return TcpAttemptFact(**values | other)


def goes_on(seconds: float, frame: int = 77) -> dict[str, Any]:
    """Fields of a handshake whose client sends application data at one moment, and never else."""
    values = dict.fromkeys(
        ("client_data_time", "client_data_last_time", "application_data_time"), at(seconds)
    )
    names = ("client_data_frame", "client_data_last_frame", "application_data_frame")
    return {"application_data": True, **values, **dict.fromkeys(names, frame)}


def connection(query: OcspExchangeFact) -> TcpAttemptFact:
    """The opening of the connection that carries a query."""
    return attempt(
        "established",
        stream=query.stream,
        capture=query.capture,
        client=query.client,
        server=query.server,
        client_port=query.client_port,
        time=(query.time - BEGIN) / SECOND - 0.05,
    )


def crl_fetch(
    url: str | None = "http://crl.ca.test/ca.crl", *, time: float = 1, **other: Any
) -> CrlFetchFact:
    """A fetched CRL."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "capture": "a.pcap",
        "stream": number,
        "time": at(time),
        "frames": ExchangeFrames(number * 20, number * 20 + 2),
        "client": PARENT,
        "server": RESPONDER,
        "via_proxy": False,
        "url": url,
        "http_status": 200,
        "issuer": None,
        "this_update": None,
        "next_update": None,
    }
    return CrlFetchFact(**values | other)


def capture(path: str = "a.pcap", *, until: float = 3600, **other: Any) -> CaptureFact:
    """A capture without defects, of an hour, in which DNS, HTTP and HTTPS were seen."""
    values: dict[str, Any] = {
        "path": path,
        "packets": 10_000,
        "first_time": at(-60),
        "last_time": at(until),
        "link_types": ("EN10MB",),
        "snaplen": 262144,
        "truncated_packets": 0,
        "dropped": None,
        "undecoded_packets": 0,
        "tcp_gaps": 0,
        "one_sided_streams": 0,
        "damage": None,
        "ports_seen": (53, 80, 443, 3128),
        "tcp_streams": 100,
    }
    return CaptureFact(**values | other)


def facts(*items: Fact) -> Facts:
    """Put facts together; captures that are not told of get their defaults."""
    captures = {item.path: item for item in items if isinstance(item, CaptureFact)}
    others = [item for item in items if not isinstance(item, CaptureFact | CertificateFact)]
    for item in others:
        captures.setdefault(item.capture, capture(item.capture))
    return Facts(
        captures=tuple(captures.values()),
        certificates={item.sha256: item for item in items if isinstance(item, CertificateFact)},
        handshakes=tuple(item for item in others if isinstance(item, HandshakeFact)),
        ocsp_exchanges=tuple(item for item in others if isinstance(item, OcspExchangeFact)),
        crl_fetches=tuple(item for item in others if isinstance(item, CrlFetchFact)),
        dns_lookups=tuple(item for item in others if isinstance(item, DnsLookupFact)),
        tcp_attempts=tuple(item for item in others if isinstance(item, TcpAttemptFact)),
    )


def site(*, child: dict[str, Any] | None = None, parent: dict[str, Any] | None = None) -> Site:
    """A site file; both proxies have their usual addresses unless told otherwise."""
    proxies: list[Proxy] = []
    if child is not None:
        proxies.append(Proxy("child", **{"addresses": frozenset({CHILD})} | child))
    if parent is not None:
        proxies.append(Proxy("parent", **{"addresses": frozenset({PARENT, PARENT_INSIDE})} | parent))
    return Site("site.toml", tuple(proxies))


def site_authority(known: CertificateFact) -> AuthorityCertificate:
    """The interception CA, as the site file names it."""
    return AuthorityCertificate("parent-ca.pem", b"", known.sha256)


def verdicts(seen: Facts, **context: Any) -> dict[tuple[str, str | None], Verdict]:
    """(Address of the validator, host): the verdict about the leaf."""
    explanation = explain(seen, Context(**context))
    return {(v.validator.address, v.host): v for v in explanation.verdicts if v.chain_role == "leaf"}


def verdict(seen: Facts, address: str = PARENT, host: str = "shop.test", **context: Any) -> Verdict:
    """The verdict about one host."""
    return verdicts(seen, **context)[address, host]


def outcome(seen: Facts, address: str = PARENT, host: str = "shop.test", **context: Any) -> tuple[str, str]:
    """Cause and confidence of the verdict about one host."""
    found = verdict(seen, address, host, **context)
    return found.cause, found.confidence


def findings(seen: Facts, **proxies: Any) -> dict[str, Finding]:
    """Findings by code, with what a site file says of child and parent."""
    context = Context(site=site(**({"child": {}, "parent": {}} | proxies)))
    return {finding.code: finding for finding in explain(seen, context).findings}


def findings_of(seen: Facts, code: str, **context: Any) -> list[Finding]:
    """All findings of one code."""
    return [each for each in explain(seen, Context(**context)).findings if each.code == code]


def frames(found: Verdict) -> set[int | None]:
    """Frames that a verdict shows as evidence."""
    return {evidence.frame for evidence in found.evidence}


def alternatives(found: Verdict) -> set[str]:
    """Causes that a verdict leaves open."""
    return {alternative.cause for alternative in found.alternatives}


def question(seen: Facts, subject: CertificateFact | None, **context: Any) -> Question:
    """The question about the first visit that showed a certificate (None: that showed none)."""
    case = Case(seen, Context(**context))

    def asked(visit: Visit) -> bool:
        shown = visit.handshake.certificates
        return not shown if subject is None else subject.sha256 in shown

    visit = next(visit for visit in case.visits if asked(visit))
    position = visit.handshake.certificates.index(subject.sha256) if subject is not None else 0
    return Question(case, visit, subject, position)

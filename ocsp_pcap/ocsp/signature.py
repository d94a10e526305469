"""The signer of an OCSP response, and whether it was entitled to sign (RFC 6960 3.2 and 4.2.2.2).

"valid" needs the issuer's certificate in the capture: its name and key are those that the response's
CertID hashes, and it signed either the response or the responder's certificate. What a response
brings along proves nothing by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.facts import CertIdFact, SignatureState
from ocsp_pcap.ocsp.model import OcspResponse
from ocsp_pcap.pki.cert_id import key_hash, name_hash
from ocsp_pcap.pki.certificate import parse_certificate
from ocsp_pcap.pki.model import ParsedCertificate
from ocsp_pcap.pki.signature import algorithm_name, verify_signature
from ocsp_pcap.pki.store import issued_by

IssuedBy: TypeAlias = Callable[[ParsedCertificate, ParsedCertificate], bool | None]


class Verification(NamedTuple):
    """The outcome of verifying one response."""

    state: SignatureState
    signer: str | None
    """Subject, as RFC 4514 text, of the certificate whose key made the signature; None: not known."""
    note: str
    """Why, in words; empty where there is nothing to add."""
    signer_not_after: int | None = None
    """When (ns since the epoch) a delegated responder's certificate ends; None: the CA itself signed."""


def verify(
    response: OcspResponse,
    issuer_candidates: Sequence[ParsedCertificate],
    at: int | None = None,
    parse: Callable[[bytes], ParsedCertificate] = parse_certificate,
    issued: IssuedBy = issued_by,
) -> Verification:
    """Verify a response's signature. Never raises.

    ``issuer_candidates`` are certificates of the capture that may be the CA of the response's CertIDs;
    ``at`` is when (nanoseconds) a delegated responder's certificate must be valid, the response's own
    producedAt by default. ``parse`` and ``issued`` let a store answer from its memory.
    """
    if response.parse_error is not None:
        return Verification("unverifiable", None, f"the response cannot be read: {response.parse_error}")
    if not response.tbs_der:
        return Verification("unverifiable", None, f"a {response.response_status} response is not signed")
    embedded = [parse(der) for der in response.certificates[: BOUNDS.verified_embedded]]
    moment = response.produced_at if at is None else at
    authorities = dict.fromkeys(
        (single.hash_algorithm, single.issuer_name_hash, single.issuer_key_hash)
        for single in response.singles
    )
    if not authorities:
        return Verification("unverifiable", None, "the response speaks of no certificate")
    if len(authorities) > BOUNDS.verified_embedded:
        reached("verified_embedded")
    worst: Verification | None = None
    for algorithm, name, key in list(authorities)[: BOUNDS.verified_embedded]:
        issuers = [
            candidate
            for candidate in issuer_candidates
            if _is_issuer(candidate, CertIdFact(algorithm, name, key, ""))
        ]
        outcome = _verify_for(response, issuers, embedded, moment, issued)
        if worst is None or _GRAVITY[outcome.state] > _GRAVITY[worst.state]:
            worst = outcome
    assert worst is not None
    if worst.signer is None and len(response.certificates) > BOUNDS.verified_embedded:
        reached("verified_embedded")
    return worst


_GRAVITY: dict[SignatureState, int] = {"valid": 0, "unverifiable": 1, "invalid": 2}


def _is_issuer(candidate: ParsedCertificate, cert_id: CertIdFact) -> bool:
    return (
        name_hash(candidate.subject_der, cert_id.hash_algorithm) == cert_id.issuer_name_hash
        and key_hash(candidate, cert_id.hash_algorithm) == cert_id.issuer_key_hash
    )


def _verify_for(
    response: OcspResponse,
    issuers: Sequence[ParsedCertificate],
    embedded: Sequence[ParsedCertificate],
    moment: int | None,
    issued: IssuedBy,
) -> Verification:
    """Verify for the one CA of one CertID: ``issuers`` are certificates of exactly its name and key."""
    named = [certificate for certificate in (*issuers, *embedded) if _is_responder(response, certificate)]
    undecided = False
    for signer in named:
        made = _made_by(response, signer)
        if made:
            return _authorised(response, signer, issuers, moment, issued)
        undecided = undecided or made is None
    if undecided:
        return Verification("unverifiable", None, f"{_algorithm(response)} signatures cannot be checked")
    if named:
        note = f"the key of {named[0].subject} did not make this signature (RFC 6960 3.2, rule 2)"
        return Verification("invalid", None, note)
    for signer in (*issuers, *embedded):
        if _made_by(response, signer):
            note = f"signed by {signer.subject}, which the ResponderID does not name (RFC 6960 4.2.2.3)"
            return Verification("invalid", signer.subject, note)
    missing = "the certificate of the responder" if issuers else "the certificate of the issuing CA"
    return Verification("unverifiable", None, f"{missing} is not in the capture")


def _authorised(
    response: OcspResponse,
    signer: ParsedCertificate,
    issuers: Sequence[ParsedCertificate],
    moment: int | None,
    issued: IssuedBy,
) -> Verification:
    """Judge a signer whose key is known to have made the signature."""
    if any(_same_key(signer, issuer) and signer.subject_der == issuer.subject_der for issuer in issuers):
        return Verification("valid", signer.subject, "signed by the issuing CA itself")
    if any(_same_key(signer, issuer) for issuer in issuers) and not signer.ocsp_signing:
        # Whether a validator takes key or name for the CA is its own affair (RFC 6960 4.2.2.2).
        note = f"signed with the issuing CA's key, under the name {signer.subject}"
        return Verification("unverifiable", signer.subject, note)
    if not issuers:
        note = (
            "the signature is that of the certificate inside the response, "
            "but the issuing CA's certificate is not in the capture to vouch for it"
        )
        return Verification("unverifiable", signer.subject, note)
    verdicts = [issued(signer, issuer) for issuer in issuers]
    if not any(verdicts):
        if None in verdicts:
            note = "the signature of the responder's certificate cannot be checked"
            return Verification("unverifiable", signer.subject, note)
        note = "the CA that issued the certificate did not issue the responder's (RFC 6960 4.2.2.2)"
        return Verification("invalid", signer.subject, note)
    if not signer.ocsp_signing:
        note = "the responder's certificate lacks id-kp-OCSPSigning (RFC 6960 4.2.2.2)"
        return Verification("invalid", signer.subject, note)
    if moment is not None:
        if signer.not_before is not None and moment < signer.not_before:
            note = "the responder's certificate was not yet valid (RFC 6960 3.2, rule 4)"
            return Verification("invalid", signer.subject, note)
        if signer.not_after is not None and moment > signer.not_after:
            note = "the responder's certificate had expired (RFC 6960 3.2, rule 4)"
            return Verification("invalid", signer.subject, note)
    note = "signed by a responder that the issuing CA delegated"
    return Verification("valid", signer.subject, note, signer.not_after)


def _is_responder(response: OcspResponse, certificate: ParsedCertificate) -> bool:
    if response.responder_key_hash is not None:
        digest = hashlib.sha1(certificate.key_bits, usedforsecurity=False).hexdigest()
        return bool(certificate.key_bits) and digest == response.responder_key_hash
    return bool(certificate.subject_der) and certificate.subject_der == response.responder_name_der


def _same_key(one: ParsedCertificate, other: ParsedCertificate) -> bool:
    return bool(one.key_info_der) and one.key_info_der == other.key_info_der


def _made_by(response: OcspResponse, signer: ParsedCertificate) -> bool | None:
    return verify_signature(
        signer.key_info_der, response.signature_algorithm_der, response.signature, response.tbs_der
    )


def _algorithm(response: OcspResponse) -> str:
    try:
        return algorithm_name(response.signature_algorithm_der)
    except ValueError:
        return "such"

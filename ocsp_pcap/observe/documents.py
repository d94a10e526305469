"""Facts of certificates and OCSP responses, each made once a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256

from ocsp_pcap.facts import CertificateFact, ResponseFact
from ocsp_pcap.ocsp.model import OcspResponse
from ocsp_pcap.pki.cert_id import key_hash, name_hash
from ocsp_pcap.pki.model import ParsedCertificate
from ocsp_pcap.spoken.shared import Shared


class Documents:
    """Makes facts of what hosts sent each other signed."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._algorithms: dict[str, None] = {"sha1": None}
        self._responses: dict[str, ResponseFact] = {}

    def learn(self, algorithms: Iterable[str]) -> None:
        """Note hash algorithms of CertIDs: facts of certificates that are made later give these hashes."""
        self._algorithms.update(dict.fromkeys(algorithms))

    def response(self, response: OcspResponse) -> ResponseFact:
        """Return the fact of an OCSP response; its signature is verified now."""
        known = self._responses.get(response.sha256)
        if known is not None:
            return known
        verification = self._shared.responses.verify(response)
        singles = response.singles
        self.learn(single.hash_algorithm for single in singles)
        fact = ResponseFact(
            response_status=response.response_status,
            responder_id=response.responder_id,
            produced_at=response.produced_at,
            hash_algorithm=singles[0].hash_algorithm if singles else None,
            signature=verification.state,
            signer=verification.signer,
            singles=singles,
            parse_error=response.parse_error,
            sha256=response.sha256,
            signature_note=verification.note or None,
            signer_not_after=verification.signer_not_after,
            nonce=response.nonce,
        )
        self._responses[response.sha256] = fact
        return fact

    def certificate(self, certificate: ParsedCertificate) -> CertificateFact:
        """Return the fact of a certificate, with its issuer among those that are known by now."""
        issuer = self._shared.store.issuer(certificate)
        return CertificateFact(
            sha256=certificate.sha256,
            subject=certificate.subject,
            issuer=certificate.issuer,
            serial=certificate.serial,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            sans=certificate.sans,
            ocsp_urls=certificate.ocsp_urls,
            crl_urls=certificate.crl_urls,
            must_staple=certificate.must_staple,
            is_ca=certificate.is_ca,
            self_signed=certificate.self_signed,
            parse_error=certificate.parse_error,
            issuer_name_hashes=_hashes(
                self._algorithms, lambda algorithm: name_hash(certificate.issuer_der, algorithm)
            ),
            issuer_key_hashes=()
            if issuer is None
            else _hashes(self._algorithms, lambda algorithm: key_hash(issuer, algorithm)),
            authority_key_id=certificate.authority_key_id,
            subject_key_id=certificate.subject_key_id,
            issuer_sha256=issuer.sha256 if issuer is not None else None,
            no_check=certificate.no_check,
            ca_issuers_urls=certificate.ca_issuers_urls,
            scts=certificate.scts,
            public_key_sha256=sha256(certificate.key_info_der).hexdigest()
            if certificate.key_info_der
            else None,
        )


def _hashes(algorithms: Iterable[str], digest: Callable[[str], str | None]) -> tuple[tuple[str, str], ...]:
    found = ((algorithm, digest(algorithm)) for algorithm in algorithms)
    return tuple((algorithm, value) for algorithm, value in found if value is not None)

"""Which certificate a CertID means (RFC 6960 4.1.1), from facts alone."""

from __future__ import annotations

from enum import IntEnum

from ocsp_pcap.facts import CertIdFact, CertificateFact, SingleFact


class Match(IntEnum):
    """The proof that a CertID means a certificate, as far as it goes."""

    NONE = 0
    NAME_AND_SERIAL = 1
    """Issuer name hash and serial agree; the issuer's key is not in the captures."""
    KEY_IDENTIFIER = 2
    """As before, and the authority key identifier of the certificate equals the issuer key hash."""
    FULL = 3
    """Issuer name hash, issuer key hash and serial agree with an issuer certificate that was seen."""

    @property
    def proof(self) -> str:
        """Say in words what agreed."""
        return {
            Match.NONE: "does not match",
            Match.NAME_AND_SERIAL: (
                "issuer name hash and serial agree; the issuer certificate is not in the capture, so its "
                "key hash is not proven"
            ),
            Match.KEY_IDENTIFIER: (
                "issuer name hash, serial and authority key identifier agree; the issuer certificate "
                "itself is not in the capture"
            ),
            Match.FULL: "issuer name hash, issuer key hash and serial agree",
        }[self]


def match_cert_id(certificate: CertificateFact, cert_id: CertIdFact | SingleFact) -> Match:
    """Tell whether a CertID of a request or of a response means this certificate."""
    if not certificate.serial or cert_id.serial != certificate.serial:
        return Match.NONE
    names = dict(certificate.issuer_name_hashes)
    expected = names.get(cert_id.hash_algorithm)
    if expected is None or expected != cert_id.issuer_name_hash:
        return Match.NONE
    key = dict(certificate.issuer_key_hashes).get(cert_id.hash_algorithm)
    if key is not None:
        return Match.FULL if key == cert_id.issuer_key_hash else Match.NONE
    if certificate.authority_key_id == cert_id.issuer_key_hash:
        return Match.KEY_IDENTIFIER
    return Match.NAME_AND_SERIAL

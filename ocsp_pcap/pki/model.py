"""One X.509 certificate (RFC 5280), as far as the program needs it."""

# No postponed annotations: named tuples would compile each of theirs, at every start.
from typing import NamedTuple


class Extensions(NamedTuple):
    """The extensions that bear on revocation; absent ones are empty, False or None."""

    sans: tuple[str, ...] = ()
    """DNS names, then IP addresses, of the subjectAltName (RFC 5280 4.2.1.6)."""
    ocsp_urls: tuple[str, ...] = ()
    """id-ad-ocsp URIs of the authorityInfoAccess (RFC 5280 4.2.2.1)."""
    ca_issuers_urls: tuple[str, ...] = ()
    crl_urls: tuple[str, ...] = ()
    """URIs, of every scheme, of the CRL distribution points (RFC 5280 4.2.1.13)."""
    must_staple: bool = False
    """TLS feature status_request (5) or status_request_v2 (17), RFC 7633."""
    is_ca: bool = False
    subject_key_id: str | None = None
    authority_key_id: str | None = None
    no_check: bool = False
    """id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1)."""
    ocsp_signing: bool = False
    """id-kp-OCSPSigning in the extendedKeyUsage (RFC 6960 4.2.2.2)."""
    scts: int = 0
    """Signed certificate timestamps that the CA embedded (RFC 6962 3.3)."""


_NO_EXTENSIONS = Extensions()


class ParsedCertificate(NamedTuple):
    """One certificate. What could not be read is empty or None and ``parse_error`` says so.

    Times are nanoseconds since the epoch. Hashes, key identifiers and ``serial`` are lower-case
    hex; ``serial`` has no leading zeros, and a negative serial number is given by its
    two's-complement octets, as it stands in the certificate and in a CertID.
    """

    der: bytes
    sha256: str
    subject: str = ""
    """RFC 4514 text."""
    issuer: str = ""
    subject_der: bytes = b""
    """The Name exactly as encoded."""
    issuer_der: bytes = b""
    serial: str = ""
    serial_number: int | None = None
    not_before: int | None = None
    not_after: int | None = None
    key_bits: bytes = b""
    """Content of the subjectPublicKey BIT STRING."""
    key_info_der: bytes = b""
    """SubjectPublicKeyInfo."""
    own_signature: bool | None = False
    """Issuer and subject are the same, and the own key signed it; None: that cannot be checked."""
    extensions: Extensions = _NO_EXTENSIONS
    parse_error: str | None = None

    @property
    def self_signed(self) -> bool:
        """Issuer and subject are the same and nothing disproves that the own key signed it."""
        return self.own_signature is not False

    @property
    def sans(self) -> tuple[str, ...]:
        """DNS names, then IP addresses."""
        return self.extensions.sans

    @property
    def ocsp_urls(self) -> tuple[str, ...]:
        """OCSP responders named by the certificate."""
        return self.extensions.ocsp_urls

    @property
    def ca_issuers_urls(self) -> tuple[str, ...]:
        """Where the issuer's certificate can be fetched."""
        return self.extensions.ca_issuers_urls

    @property
    def crl_urls(self) -> tuple[str, ...]:
        """CRL distribution points."""
        return self.extensions.crl_urls

    @property
    def must_staple(self) -> bool:
        """The certificate demands a staple (RFC 7633)."""
        return self.extensions.must_staple

    @property
    def is_ca(self) -> bool:
        """cA of the basicConstraints."""
        return self.extensions.is_ca

    @property
    def subject_key_id(self) -> str | None:
        """subjectKeyIdentifier."""
        return self.extensions.subject_key_id

    @property
    def authority_key_id(self) -> str | None:
        """keyIdentifier of the authorityKeyIdentifier."""
        return self.extensions.authority_key_id

    @property
    def no_check(self) -> bool:
        """A responder certificate that is not itself to be checked (RFC 6960 4.2.2.2.1)."""
        return self.extensions.no_check

    @property
    def scts(self) -> int:
        """Number of signed certificate timestamps that the CA embedded."""
        return self.extensions.scts

    @property
    def ocsp_signing(self) -> bool:
        """The certificate may sign OCSP responses for its issuer."""
        return self.extensions.ocsp_signing

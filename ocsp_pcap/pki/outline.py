"""The parts of a certificate (RFC 5280 4.1) as they were encoded."""

from __future__ import annotations

from typing import NamedTuple

from ocsp_pcap.pki.der import (
    INTEGER,
    SEQUENCE,
    DerError,
    bit_string,
    content_of,
    encoding_of,
    expect,
    read_element,
)


class CertificateOutline(NamedTuple):
    """Byte slices of one certificate; every ``_der`` includes tag and length."""

    tbs_der: bytes
    serial: bytes
    """Value octets of the serial number."""
    issuer_der: bytes
    subject_der: bytes
    key_info_der: bytes
    """SubjectPublicKeyInfo."""
    key_bits: bytes
    """The subjectPublicKey bits: what issuerKeyHash hashes (RFC 6960 4.1.1)."""
    signature_algorithm_der: bytes
    signature: bytes


def outline_certificate(der: bytes) -> CertificateOutline:
    """Cut a certificate into its parts; bytes after it are ignored. Raises DerError."""
    outer = expect(der, 0, len(der), SEQUENCE)
    tbs = expect(der, outer.content, outer.end, SEQUENCE)
    element = read_element(der, tbs.content, tbs.end)
    if element.tag == 0xA0:
        element = read_element(der, element.end, tbs.end)
    if element.tag != INTEGER:
        raise DerError("no serial number")
    serial = content_of(der, element)
    algorithm = expect(der, element.end, tbs.end, SEQUENCE)
    issuer = expect(der, algorithm.end, tbs.end, SEQUENCE)
    validity = expect(der, issuer.end, tbs.end, SEQUENCE)
    subject = expect(der, validity.end, tbs.end, SEQUENCE)
    key_info = expect(der, subject.end, tbs.end, SEQUENCE)
    key_algorithm = expect(der, key_info.content, key_info.end, SEQUENCE)
    key = read_element(der, key_algorithm.end, key_info.end)
    signature_algorithm = expect(der, tbs.end, outer.end, SEQUENCE)
    signature = read_element(der, signature_algorithm.end, outer.end)
    return CertificateOutline(
        tbs_der=encoding_of(der, tbs),
        serial=serial,
        issuer_der=encoding_of(der, issuer),
        subject_der=encoding_of(der, subject),
        key_info_der=encoding_of(der, key_info),
        key_bits=bit_string(der, key),
        signature_algorithm_der=encoding_of(der, signature_algorithm),
        signature=bit_string(der, signature),
    )

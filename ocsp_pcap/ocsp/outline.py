"""The parts of an OCSPResponse (RFC 6960 4.2.1) as they were encoded."""

from __future__ import annotations

from typing import NamedTuple

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.ocsp.request import find_nonce
from ocsp_pcap.pki.der import (
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    DerError,
    Element,
    bit_string,
    children,
    content_of,
    dotted,
    encoding_of,
    expect,
    read_element,
)

_ENUMERATED = 0x0A
_TAG_0, _BY_NAME, _BY_KEY = 0xA0, 0xA1, 0xA2
_EXTENSIONS = 0xA1
_BASIC = "1.3.6.1.5.5.7.48.1.1"


class ResponseOutline(NamedTuple):
    """Byte slices of one response; every ``_der`` includes tag and length, empty where absent."""

    status: int
    problem: str | None = None
    """Why there is nothing below the status although there should be."""
    tbs_der: bytes = b""
    responder_by_key: bool = False
    responder_der: bytes = b""
    """What stands inside the ResponderID's tag: a Name or an OCTET STRING."""
    signature_algorithm_der: bytes = b""
    signature: bytes = b""
    certificates: tuple[bytes, ...] = ()
    nonce: str | None = None


def outline_response(der: bytes) -> ResponseOutline:
    """Cut a response into its parts; bytes after it are ignored.

    Raises DerError where not even the status can be read.
    """
    outer = expect(der, 0, len(der), SEQUENCE, cut_off=True)
    status_element = expect(der, outer.content, min(outer.end, len(der)), _ENUMERATED)
    if status_element.end - status_element.content != 1:
        raise DerError("responseStatus is not one octet")
    status = der[status_element.content]
    if outer.end > len(der):
        return ResponseOutline(status, f"{outer.end - len(der)} bytes of the response are missing")
    if status_element.end == outer.end:
        problem = "successful, yet without responseBytes" if status == 0 else None
        return ResponseOutline(status, problem)
    try:
        return _outline_basic(der, status, status_element.end, outer.end)
    except DerError as error:
        return ResponseOutline(status, f"responseBytes: {error}")


def _outline_basic(der: bytes, status: int, offset: int, limit: int) -> ResponseOutline:
    tagged = expect(der, offset, limit, _TAG_0)
    response_bytes = expect(der, tagged.content, tagged.end, SEQUENCE)
    kind = expect(der, response_bytes.content, response_bytes.end, OBJECT_IDENTIFIER)
    oid = dotted(content_of(der, kind))
    if oid != _BASIC:
        return ResponseOutline(status, f"response type {oid} is not id-pkix-ocsp-basic")
    octets = expect(der, kind.end, response_bytes.end, OCTET_STRING)
    basic = expect(der, octets.content, octets.end, SEQUENCE)
    tbs = expect(der, basic.content, basic.end, SEQUENCE)
    algorithm = expect(der, tbs.end, basic.end, SEQUENCE)
    signature = read_element(der, algorithm.end, basic.end)
    certificates: list[bytes] = []
    if signature.end < basic.end:
        tagged_certificates = expect(der, signature.end, basic.end, _TAG_0)
        sequence = expect(der, tagged_certificates.content, tagged_certificates.end, SEQUENCE)
        for certificate in children(der, sequence):
            if len(certificates) == BOUNDS.ocsp_certificates:
                reached("ocsp_certificates")
                break
            certificates.append(encoding_of(der, certificate))
    responder = read_element(der, tbs.content, tbs.end)
    if responder.tag == _TAG_0:
        responder = read_element(der, responder.end, tbs.end)
    if responder.tag not in (_BY_NAME, _BY_KEY):
        raise DerError(f"tag {responder.tag:#04x} where the ResponderID was expected")
    return ResponseOutline(
        status=status,
        tbs_der=encoding_of(der, tbs),
        responder_by_key=responder.tag == _BY_KEY,
        responder_der=content_of(der, responder),
        signature_algorithm_der=encoding_of(der, algorithm),
        signature=bit_string(der, signature),
        certificates=tuple(certificates),
        nonce=_nonce(der, tbs),
    )


def _nonce(der: bytes, tbs: Element) -> str | None:
    for element in children(der, tbs):
        if element.tag == _EXTENSIONS:
            try:
                return find_nonce(der, element)
            except DerError:
                # A responder named by its name has the same tag.
                continue
    return None

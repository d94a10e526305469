"""OCSP responses (RFC 6960 4.2), from HTTP or from a handshake: parsed once each, never raising."""

from __future__ import annotations

import hashlib
import re
import warnings
from typing import Literal

from cryptography.x509 import ocsp

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.facts import SingleFact
from ocsp_pcap.ocsp.model import STATUS_NAMES, OcspResponse
from ocsp_pcap.ocsp.outline import ResponseOutline, outline_response
from ocsp_pcap.pki.der import DerError, content_of, encoding_of, read_element, serial_of
from ocsp_pcap.pki.names import nanoseconds

_LOOKED_AT = 256
_HTML = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|script|!--|h1|p\b|div|center)", re.IGNORECASE
)
_PRINTABLE = bytes((0x09, 0x0A, 0x0D, *range(0x20, 0x7F)))


def parse_response(der: bytes) -> OcspResponse:
    """Parse a DER OCSPResponse. Never raises: see :attr:`OcspResponse.parse_error`."""
    response = OcspResponse(der=der, sha256=hashlib.sha256(der).hexdigest())
    try:
        outline = outline_response(der)
    except DerError as error:
        return response._replace(parse_error=f"not an OCSPResponse: {_what_else(der) or error}")
    response = response._replace(response_status=STATUS_NAMES.get(outline.status, str(outline.status)))
    if outline.problem is not None:
        return response._replace(parse_error=outline.problem)
    if not outline.tbs_der:
        return response
    response = response._replace(
        certificates=outline.certificates,
        signature_algorithm_der=outline.signature_algorithm_der,
        tbs_der=outline.tbs_der,
        signature=outline.signature,
        nonce=outline.nonce,
    )
    response = _with_responder(response, outline)
    try:
        return _by_cryptography(response)
    except Exception as error:
        # cryptography raises ValueError, TypeError, UnsupportedAlgorithm and exceptions of its own
        # Rust layer; whichever it was, the second parser decides.
        from ocsp_pcap.ocsp.lenient import read_leniently

        return read_leniently(response, str(error) or type(error).__name__)


def _what_else(body: bytes) -> str | None:
    """Say in words what stands where an OCSPResponse was expected; None: it may be a damaged one."""
    if not body:
        return "the body is empty"
    start = body[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf").strip()
    if start[:1] == b"<":
        return "a web page (HTML)" if _HTML.match(start) else "a document with markup, such as XML"
    return "plain text" if start and not start.translate(None, _PRINTABLE) else None


def _with_responder(response: OcspResponse, outline: ResponseOutline) -> OcspResponse:
    try:
        value = read_element(outline.responder_der, 0, len(outline.responder_der))
    except DerError as error:
        return response._replace(parse_error=str(error))
    if outline.responder_by_key:
        key_hash = content_of(outline.responder_der, value).hex()
        return response._replace(responder_id=key_hash, responder_key_hash=key_hash)
    return response._replace(responder_name_der=encoding_of(outline.responder_der, value))


def _by_cryptography(response: OcspResponse) -> OcspResponse:
    with warnings.catch_warnings():
        # It warns of serial numbers that RFC 5280 forbids and that it still reads.
        warnings.simplefilter("ignore")
        parsed = ocsp.load_der_ocsp_response(response.der)
        singles: list[SingleFact] = []
        for single in parsed.responses:
            if len(singles) == BOUNDS.ocsp_singles:
                reached("ocsp_singles")
                break
            singles.append(_single(single))
        name = parsed.responder_name
        return response._replace(
            responder_id=response.responder_id if name is None else name.rfc4514_string(),
            produced_at=nanoseconds(parsed.produced_at_utc),
            singles=tuple(singles),
        )


def _single(single: ocsp.OCSPSingleResponse) -> SingleFact:
    status = single.certificate_status
    revoked_at = single.revocation_time_utc
    reason = single.revocation_reason
    return SingleFact(
        hash_algorithm=single.hash_algorithm.name,
        issuer_name_hash=single.issuer_name_hash.hex(),
        issuer_key_hash=single.issuer_key_hash.hex(),
        serial=serial_of(single.serial_number),
        status=_STATUSES[status],
        this_update=nanoseconds(single.this_update_utc),
        next_update=None if single.next_update_utc is None else nanoseconds(single.next_update_utc),
        revocation_time=None if revoked_at is None else nanoseconds(revoked_at),
        revocation_reason=None if reason is None else str(reason.value),
    )


_STATUSES: dict[ocsp.OCSPCertStatus, Literal["good", "revoked", "unknown"]] = {
    ocsp.OCSPCertStatus.GOOD: "good",
    ocsp.OCSPCertStatus.REVOKED: "revoked",
    ocsp.OCSPCertStatus.UNKNOWN: "unknown",
}

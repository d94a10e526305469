"""OCSP requests (RFC 6960 4.1): the DER form of POST bodies and the path form of GET."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Literal, NamedTuple
from urllib.parse import unquote_to_bytes

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.facts import CertIdFact
from ocsp_pcap.pki.cert_id import hash_name
from ocsp_pcap.pki.der import (
    BOOLEAN,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    DerError,
    Element,
    children,
    content_of,
    dotted,
    expect,
    read_element,
    serial_text,
)

_NONCE = "1.3.6.1.5.5.7.48.1.2"
_VERSION, _REQUESTOR, _EXTENSIONS = 0xA0, 0xA1, 0xA2
# Base64 of a SEQUENCE tag is "M" and one of A to P; what stands before it is the responder's path.
_ENCODED_SEQUENCE = re.compile(rb"(?:^|/)(?=M[A-P])")


class OcspParseError(ValueError):
    """The bytes are not the OCSP structure they were sent as."""


class OcspRequest(NamedTuple):
    """One OCSPRequest."""

    entries: tuple[CertIdFact, ...]
    nonce: str | None
    """Hex of the nonce (RFC 9654), without its OCTET STRING wrapping."""


def parse_request(der: bytes) -> OcspRequest:
    """Parse a DER OCSPRequest; bytes after it are ignored. Raises OcspParseError and nothing else."""
    try:
        return _parse(der)
    except DerError as error:
        raise OcspParseError(f"not an OCSPRequest: {error}") from error


def _parse(der: bytes) -> OcspRequest:
    outer = expect(der, 0, len(der), SEQUENCE)
    tbs = expect(der, outer.content, outer.end, SEQUENCE)
    nonce: str | None = None
    entries: tuple[CertIdFact, ...] | None = None
    for element in children(der, tbs):
        if element.tag == SEQUENCE and entries is None:
            entries = _entries(der, element)
        elif element.tag == _EXTENSIONS:
            nonce = find_nonce(der, element)
        elif element.tag not in (_VERSION, _REQUESTOR):
            raise DerError(f"tag {element.tag:#04x} in TBSRequest")
    if not entries:
        raise DerError("no entry")
    return OcspRequest(entries, nonce)


def _entries(der: bytes, request_list: Element) -> tuple[CertIdFact, ...]:
    entries: list[CertIdFact] = []
    for request in children(der, request_list):
        if len(entries) == BOUNDS.ocsp_entries:
            reached("ocsp_entries")
            break
        if request.tag != SEQUENCE:
            raise DerError(f"tag {request.tag:#04x} in requestList")
        entries.append(read_cert_id(der, expect(der, request.content, request.end, SEQUENCE)))
    return tuple(entries)


def read_cert_id(der: bytes, cert_id: Element) -> CertIdFact:
    """Read a CertID. Raises DerError."""
    algorithm = expect(der, cert_id.content, cert_id.end, SEQUENCE)
    oid = expect(der, algorithm.content, algorithm.end, OBJECT_IDENTIFIER)
    name = expect(der, algorithm.end, cert_id.end, OCTET_STRING)
    key = expect(der, name.end, cert_id.end, OCTET_STRING)
    serial = expect(der, key.end, cert_id.end, INTEGER)
    return CertIdFact(
        hash_algorithm=hash_name(dotted(content_of(der, oid))),
        issuer_name_hash=content_of(der, name).hex(),
        issuer_key_hash=content_of(der, key).hex(),
        serial=serial_text(content_of(der, serial)),
    )


def find_nonce(der: bytes, tagged_extensions: Element) -> str | None:
    """Return the hex nonce among explicitly tagged Extensions, None where there is none. Raises DerError."""
    extensions = expect(der, tagged_extensions.content, tagged_extensions.end, SEQUENCE)
    for extension in children(der, extensions):
        oid = expect(der, extension.content, extension.end, OBJECT_IDENTIFIER)
        if dotted(content_of(der, oid)) == _NONCE:
            value = read_element(der, oid.end, extension.end)
            if value.tag == BOOLEAN:
                value = read_element(der, value.end, extension.end)
            try:
                # Software older than RFC 6960 put the bare nonce here, without an OCTET STRING in it.
                inner = expect(der, value.content, value.end, OCTET_STRING)
            except DerError:
                inner = value
            return content_of(der, inner if inner.end == value.end else value).hex()
    return None


def request_from_path(target: str) -> bytes | None:
    """Return the DER of the OCSPRequest in the target of a GET (RFC 6960 A.1), None where there is none.

    The base64 may be URL-encoded, once or twice, or not at all; with ``+``, ``/`` and ``=`` raw or
    escaped, of the base64url alphabet, without padding, behind a path of any depth and doubled slashes.
    """
    path = target.partition("?")[0].partition("#")[0]
    if len(path) > BOUNDS.ocsp_path:
        reached("ocsp_path")
        return None
    octets = unquote_to_bytes(path)
    if b"%" in octets:
        octets = unquote_to_bytes(octets)
    for number, start in enumerate(_ENCODED_SEQUENCE.finditer(octets)):
        if number == BOUNDS.ocsp_paths:
            reached("ocsp_paths")
            break
        # A form decoder on the way turns "+" into a space.
        text = octets[start.end() :].translate(_TO_BASE64)
        # A final "/" may be the last digit, or be left over from joining paths.
        for spelled in (text.rstrip(b"="), text.rstrip(b"/").rstrip(b"=")):
            der = _decode_base64(spelled)
            if der is not None and _is_request(der):
                return der
    return None


def resembles_request(target: str) -> Literal["structure", "form"] | None:
    """Tell whether the target of a GET seems an OCSPRequest that cannot be read, being damaged or cut short.

    ``structure``: it begins with the nested SEQUENCEs of one (RFC 6960 4.1.1); ``form``: it is nothing but a
    long base64 text that begins with some SEQUENCE, which may have any purpose.
    """
    path = target.partition("?")[0].partition("#")[0][: BOUNDS.ocsp_path]
    octets = unquote_to_bytes(path)
    if b"%" in octets:
        octets = unquote_to_bytes(octets)
    for number, start in enumerate(_ENCODED_SEQUENCE.finditer(octets)):
        if number == BOUNDS.ocsp_paths:
            break
        text = octets[start.end() :].translate(_TO_BASE64)
        digits = _BASE64.match(text)
        size = len(digits[0]) // 4 * 4 if digits is not None else 0
        if _NESTED.match(base64.b64decode(text[:size])):
            return "structure"
        if digits is not None and size >= _MIN_FORM and not text[digits.end() :].strip(b"="):
            return "form"
    return None


def _is_request(der: bytes) -> bool:
    try:
        parse_request(der)
    except OcspParseError:
        return False
    return True


def _decode_base64(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return None


_BASE64 = re.compile(rb"[A-Za-z0-9+/]+")
_MIN_FORM = 40
"""Characters of base64 without which a path is not taken for a damaged OCSPRequest."""
_LENGTH = rb"(?:[\x00-\x7f]|\x81[\x00-\xff]|\x82[\x00-\xff]{2})"
# OCSPRequest, TBSRequest, requestList, Request.
_NESTED = re.compile(rb"(?:\x30" + _LENGTH + rb"){4}", re.DOTALL)
_TO_BASE64 = bytes.maketrans(b"-_ ", b"+/+")

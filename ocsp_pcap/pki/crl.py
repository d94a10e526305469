"""A certificate revocation list (RFC 5280 5), whole or cut short, by what it says about itself."""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ocsp_pcap.pki.der import (
    GENERALIZED_TIME,
    INTEGER,
    SEQUENCE,
    UTC_TIME,
    DerError,
    Element,
    content_of,
    encoding_of,
    expect,
    read_element,
)
from ocsp_pcap.pki.names import name_text, nanoseconds

_PEM = re.compile(rb"\s*-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)")


class CrlSummary(NamedTuple):
    """A CertificateList; what could not be read is None. Times are nanoseconds since the epoch."""

    issuer: str | None = None
    """RFC 4514 text."""
    this_update: int | None = None
    next_update: int | None = None
    entries: int | None = None
    """Number of revoked certificates; None where the list is cut short."""
    parse_error: str | None = None


def read_crl(data: bytes) -> CrlSummary:
    """Read a DER or PEM CRL, or the beginning of one. Never raises: see ``parse_error``."""
    try:
        der = _to_der(data)
        summary, whole = _read_header(der)
    except DerError as error:
        return CrlSummary(parse_error=f"not a CertificateList: {error}")
    if not whole:
        return summary._replace(parse_error="the list is cut short")
    from cryptography import x509

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return summary._replace(entries=len(x509.load_der_x509_crl(der)))
    except MemoryError:
        raise
    except Exception as error:  # cryptography raises ValueError, TypeError and exceptions of its Rust layer
        return summary._replace(parse_error=str(error) or type(error).__name__)


def _to_der(data: bytes) -> bytes:
    pem = _PEM.match(data)
    if pem is None:
        return data
    text = b"".join(pem[1].split())
    try:
        return base64.b64decode(text[: len(text) // 4 * 4])
    except binascii.Error as error:
        raise DerError(str(error)) from error


def _read_header(der: bytes) -> tuple[CrlSummary, bool]:
    outer = expect(der, 0, len(der), SEQUENCE, cut_off=True)
    limit = min(outer.end, len(der))
    tbs = expect(der, outer.content, limit, SEQUENCE, cut_off=True)
    limit = min(tbs.end, limit)
    element = read_element(der, tbs.content, limit)
    if element.tag == INTEGER:
        element = read_element(der, element.end, limit)
    if element.tag != SEQUENCE:
        raise DerError("no signature algorithm")
    issuer = expect(der, element.end, limit, SEQUENCE)
    name_der = encoding_of(der, issuer)
    this_update = read_element(der, issuer.end, limit)
    this_time = _time(der, this_update)
    if this_time is None:
        raise DerError("no thisUpdate")
    next_time = None
    if this_update.end < limit:
        try:
            next_time = _time(der, read_element(der, this_update.end, limit, cut_off=True))
        except DerError:
            next_time = None
    try:
        name = name_text(name_der)
    except MemoryError:
        raise
    except Exception:  # asn1crypto raises whatever its own code trips over
        name = f"#{name_der.hex()}"
    return CrlSummary(name, this_time, next_time), outer.end <= len(der)


def _time(der: bytes, element: Element) -> int | None:
    """Return a Time (RFC 5280 4.1.2.5), None where the element is none. Raises DerError if malformed."""
    if element.tag not in (UTC_TIME, GENERALIZED_TIME):
        return None
    text = content_of(der, element)
    digits = 12 if element.tag == UTC_TIME else 14
    found = re.fullmatch(rb"(\d{%d})(?:[.]\d+)?(?:Z|([+-])(\d\d)(\d\d))" % digits, text)
    if found is None:
        raise DerError(f"malformed time at offset {element.start}")
    numbers = found[1].decode()
    if element.tag == UTC_TIME:
        numbers = ("19" if numbers >= "50" else "20") + numbers
    try:
        moment = datetime.strptime(numbers, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise DerError(str(error)) from error
    if found[2]:
        offset = timedelta(hours=int(found[3]), minutes=int(found[4]))
        try:
            moment = moment - offset if found[2] == b"+" else moment + offset
        except OverflowError as error:
            raise DerError(str(error)) from error
    return nanoseconds(moment)

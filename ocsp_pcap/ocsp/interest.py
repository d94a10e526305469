"""Interest in HTTP messages: OCSP (RFC 6960 A), CRL downloads (RFC 5280 4.2.1.13), tunnels."""

from __future__ import annotations

import re

from ocsp_pcap.http.events import Headers, header
from ocsp_pcap.http.interest import NONE, Interest
from ocsp_pcap.ocsp.request import OcspParseError, parse_request, request_from_path, resembles_request
from ocsp_pcap.pki.der import INTEGER, SEQUENCE, DerError, content_of, expect, read_element

OCSP_REQUEST, OCSP_RESPONSE = "application/ocsp-request", "application/ocsp-response"
CRL_TYPES = frozenset({"application/pkix-crl", "application/x-pkcs7-crl", "application/x-x509-crl"})

_UNTYPED = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"}
)
_BODILESS = (b"GET ", b"HEAD ", b"OPTIONS ", b"DELETE ", b"TRACE ")
_PEM_CRL = b"-----BEGIN X509 CRL"
_ANSWER_TYPES = (b"application/ocsp-response", b"-crl")
_UNTYPED_ANSWER = re.compile(rb"\ncontent-type:[ \t]*(?![ \t]|(?:application|binary)/octet-stream)")

OCSP = Interest("ocsp", "ocsp_body", "ocsp_body")
CRL = Interest("crl", "crl_body", "ocsp_body")
BODY_DECIDES = Interest("body-decides", "crl_body", "ocsp_body", body_decides=True)
"""Nothing that is sent in a request may be as large as a CRL."""


def content_type(headers: Headers) -> str:
    """Return the media type in lower case without parameters, empty where there is none."""
    return (header(headers, "content-type") or "").partition(";")[0].strip().lower()


def is_plain_request(head: bytes) -> bool:
    """Tell cheaply whether a complete request head has no body and cannot matter by itself."""
    if not head.startswith(_BODILESS):
        return False
    line = head[: head.find(b"\n")]
    if b"/M" in line or b"%4d" in line.lower() or b".crl" in line.lower():
        return False
    lowered = head.lower()
    return b"content-length" not in lowered and b"transfer-encoding" not in lowered


def is_plain_answer(head: bytes) -> bool:
    """Tell cheaply whether the answer to a request that does not matter cannot matter either."""
    lowered = head.lower()
    if any(name in lowered for name in _ANSWER_TYPES):
        return False
    return _UNTYPED_ANSWER.search(lowered) is not None or not lowered[8:].lstrip().startswith(b"200")


def request_interest(method: str, target: str, headers: Headers) -> Interest:
    """Tell from its head what a request other than CONNECT may be."""
    if content_type(headers) == OCSP_REQUEST:
        return OCSP
    if method == "POST":
        return BODY_DECIDES if content_type(headers) in _UNTYPED else NONE
    path = target.partition("?")[0]
    if path.lower().endswith(".crl"):
        return CRL
    if method not in ("GET", "HEAD") or not ("M" in path or "%4d" in path.lower()):
        return NONE
    is_question = request_from_path(target) is not None or resembles_request(target) is not None
    return OCSP if is_question else NONE


def response_interest(request: Interest, status: int, headers: Headers) -> Interest:
    """Tell from its head what a response may be, given what its request was."""
    kind = content_type(headers)
    if kind == OCSP_RESPONSE:
        return OCSP
    if kind in CRL_TYPES:
        return CRL
    if request == NONE and status == 200 and kind in _UNTYPED:
        return BODY_DECIDES
    return NONE if request == BODY_DECIDES else request


def request_body_interest(body: bytes, *, complete: bool) -> Interest:
    """Decide about a POST body whose content type says nothing, as far as it was seen."""
    try:
        parse_request(body)
    except OcspParseError:
        return OCSP if may_be_unread(body, complete=complete) else NONE
    return OCSP


def may_be_unread(body: bytes, *, complete: bool) -> bool:
    """Tell whether a POST body that is no OCSPRequest may have been one: damaged, or not in the capture."""
    return body[:1] == b"\x30" if body else not complete


def may_be_structure(prefix: bytes, *, request: bool) -> bool:
    """Tell whether a body that starts so may be an OCSPRequest, or (in answers) a CertificateList."""
    if prefix[:1] == b"\x30":
        return request or _may_be_crl(prefix)
    return not request and prefix[: len(_PEM_CRL)] == _PEM_CRL[: len(prefix)]


def _may_be_crl(prefix: bytes) -> bool:
    """A TBSCertList starts with a version 1 or an algorithm, a TBSCertificate with neither."""
    if len(prefix) < 16:
        return True
    try:
        outer = expect(prefix, 0, len(prefix), SEQUENCE, cut_off=True)
        tbs = expect(prefix, outer.content, len(prefix), SEQUENCE, cut_off=True)
        first = read_element(prefix, tbs.content, len(prefix), cut_off=True)
    except DerError:
        return False
    return first.tag == SEQUENCE or (first.tag == INTEGER and content_of(prefix, first) == b"\x01")

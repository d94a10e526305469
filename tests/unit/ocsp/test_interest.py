from __future__ import annotations

import pytest

from ocsp_pcap.http.interest import NONE
from ocsp_pcap.ocsp.interest import (
    BODY_DECIDES,
    CRL,
    OCSP,
    content_type,
    is_plain_answer,
    is_plain_request,
    may_be_structure,
    request_interest,
    response_interest,
)
from tests.unit.http.wire import answer, get, post
from tests.unit.pki.authority import Authority


@pytest.mark.parametrize(
    ("head", "plain"),
    [
        (get("/"), True),
        (get("/a/b.html?c=.js"), True),
        (get("/a.crl"), False),
        (get("/A.CRL?x"), False),
        (get("/MFEwTzBNMEswSTAJ"), False),
        (get("/%4DFEwTzBNMEswSTAJ"), False),
        (post(b""), False),
        (b"CONNECT a:443 HTTP/1.1\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\ncontent-length: 3\r\n\r\n", False),
    ],
)
def test_plain_request(head: bytes, plain: bool) -> None:
    assert is_plain_request(head) is plain


@pytest.mark.parametrize(
    ("head", "plain"),
    [
        (answer(b"", kind="text/html"), True),
        (answer(b"", kind="application/pkix-crl"), False),
        (answer(b"", kind="Application/OCSP-Response"), False),
        (answer(b"", kind="application/octet-stream"), False),
        (b"HTTP/1.1 200 OK\r\nContent-Type:   application/octet-stream\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", False),
        (b"HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\n", True),
    ],
)
def test_plain_answer(head: bytes, plain: bool) -> None:
    assert is_plain_answer(head) is plain


def test_interest_of_requests_and_answers() -> None:
    typed = (("content-type", "Application/OCSP-Request; x=y"),)
    assert content_type(typed) == "application/ocsp-request"
    assert request_interest("POST", "/", typed) is OCSP
    assert request_interest("POST", "/", ()) is BODY_DECIDES
    assert request_interest("POST", "/", (("content-type", "text/xml"),)) is NONE
    assert request_interest("GET", "/x.crl?a", ()) is CRL
    html = (("content-type", "text/html"),)
    assert response_interest(OCSP, 503, html) is OCSP
    assert response_interest(NONE, 200, html) is NONE
    assert response_interest(NONE, 200, ()) is BODY_DECIDES
    assert response_interest(NONE, 200, (("content-type", "application/pkix-crl"),)) is CRL


def test_structures() -> None:
    assert may_be_structure(b"\x30", request=True)
    assert not may_be_structure(b"a=b", request=True)
    assert may_be_structure(b"-----BEG", request=False)
    assert not may_be_structure(b"-----BEGIN CERT", request=False)
    assert not may_be_structure(Authority().der, request=False)

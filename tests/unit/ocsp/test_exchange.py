from __future__ import annotations

import base64
from urllib.parse import quote

import brotli
import pytest
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.ocsp.cache import ResponseCache
from ocsp_pcap.ocsp.exchange import CrlFetch, Exchange, ExchangeReader, OcspExchange
from ocsp_pcap.pki.store import CertificateStore
from tests.unit.http.wire import CLIENT, SERVER, Step, answer, get, play, post
from tests.unit.pki.authority import NOW, Authority, hash_for, ns

from .messages import NEXT, error_der, request_der, response_der

AUTHORITY = Authority()
LEAF = AUTHORITY.issue(serial=0xC0FFEE)
REQUEST = request_der(AUTHORITY, LEAF, nonce=b"\x09" * 16)
RESPONSE = response_der(AUTHORITY, LEAF)
PATH = quote(base64.b64encode(request_der(AUTHORITY, LEAF)).decode(), safe="")
CRL = (
    x509.CertificateRevocationListBuilder()
    .issuer_name(AUTHORITY.name)
    .last_update(NOW)
    .next_update(NEXT)
    .sign(AUTHORITY.key, hash_for(AUTHORITY.key))
)
CRL_DER = CRL.public_bytes(Encoding.DER)


def run(*steps: Step) -> list[Exchange]:
    found = []
    for whole in (True, False):
        reader = ExchangeReader(ResponseCache(CertificateStore()))
        found.append(play(reader, *steps, whole=whole) + reader.finish(99, 99_000))
    assert found[0] == found[1]
    return found[0]


def one_ocsp(*steps: Step) -> OcspExchange:
    (exchange,) = run(*steps)
    assert isinstance(exchange, OcspExchange)
    return exchange


def one_crl(*steps: Step) -> CrlFetch:
    (fetch,) = run(*steps)
    assert isinstance(fetch, CrlFetch)
    return fetch


@pytest.mark.parametrize(
    ("header", "expires"),
    [
        ("", None),
        ("Expires: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 784_111_777 * 10**9),
        ("expires: Sun Nov  6 08:49:37 1994\r\n", 784_111_777 * 10**9),
        ("Expires: Sunday, 06-Nov-94 08:49:37 GMT\r\n", 784_111_777 * 10**9),
        ("Expires: 0\r\n", 0),
        ("Expires: -1\r\n", 0),
        ("Expires: Thu, 01 Jan 1801 00:00:00 GMT\r\n", 0),
        ("Expires: Sun, 06 Nov 99999999 08:49:37 +9999999\r\n", 0),
        ("Expires: \xff, ,, 1\r\n", 0),
    ],
)
def test_expires(header: str, expires: int | None) -> None:
    exchange = one_ocsp((CLIENT, post(REQUEST, path="/a")), (SERVER, answer(RESPONSE, extra=header)))
    assert exchange.http.expires == expires


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_any_text_may_stand_for_a_date(text: str) -> None:
    extra = f"Expires: {text}\r\n"
    exchange = one_ocsp((CLIENT, post(REQUEST, path="/a")), (SERVER, answer(RESPONSE, extra=extra)))
    assert exchange.http.expires is not None
    assert exchange.http.expires >= 0


def test_who_asked_and_who_answered() -> None:
    relayed = "User-Agent: helper/1\r\nVIA: 1.1 child\r\nx-forwarded-for: 10.1.2.3\r\nHost:"
    extra = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n"
    request = post(REQUEST, path="/a").replace(b"Host:", relayed.encode(), 1)
    http = one_ocsp((CLIENT, request), (SERVER, answer(RESPONSE, extra=extra))).http
    assert (http.user_agent, http.relayed_for) == ("helper/1", "10.1.2.3")
    assert (http.answered_by, http.date) == ("squid: X-Squid-Error ERR_DNS_FAIL 0", 784_111_777 * 10**9)
    http = one_ocsp((CLIENT, post(REQUEST, path="/a")), (SERVER, answer(RESPONSE, extra="Date: 0\r\n"))).http
    assert (http.user_agent, http.relayed_for, http.answered_by, http.date) == (None, None, None, None)


@pytest.mark.parametrize(
    "folded", ["X-Forwarded-For:\r\n 10.1.2.3,\r\n\t10.9.9.9", "x-FORWARDED-for : 10.1.2.3"]
)
def test_folded_and_malformed_headers_count(folded: str) -> None:
    request = post(REQUEST, path="/a").replace(b"Host:", f"{folded}\r\nHost:".encode(), 1)
    assert one_ocsp((CLIENT, request), (SERVER, answer(RESPONSE))).http.relayed_for == "10.1.2.3"
    malformed = request.replace(b"Host:", b"b\x00d header\r\nHost:", 1)
    assert one_ocsp((CLIENT, malformed), (SERVER, answer(RESPONSE))).http.relayed_for == "10.1.2.3"


def test_post() -> None:
    extra = "Cache-Control: public, max-age=3600, no-transform\r\n"
    exchange = one_ocsp((CLIENT, post(REQUEST, path="/a")), (SERVER, answer(RESPONSE, extra=extra)))
    http = exchange.http
    assert (http.method, http.url, http.via_proxy) == ("POST", "http://ocsp.site.test/a", False)
    assert (http.request_frame, http.response_frame, http.time, http.response_time) == (1, 2, 1000, 2000)
    assert (http.http_status, http.content_type, http.max_age) == (200, "application/ocsp-response", 3600)
    assert (http.missing_bytes, http.closed, http.http_error) == (0, None, None)
    assert [entry.serial for entry in exchange.requests] == ["c0ffee"]
    assert exchange.nonce == "09" * 16
    assert exchange.request_error is None
    assert exchange.response is not None
    assert exchange.response.singles[0].cert_id == exchange.requests[0]


@pytest.mark.parametrize("prefix", ["/", "//", "/VA/ROOT/"])
def test_get(prefix: str) -> None:
    exchange = one_ocsp((CLIENT, get(prefix + PATH)), (SERVER, answer(RESPONSE)))
    assert exchange.http.method == "GET"
    assert exchange.http.url == f"http://ocsp.site.test{prefix}{PATH}"
    assert [entry.serial for entry in exchange.requests] == ["c0ffee"]
    assert exchange.nonce is None


def test_through_a_proxy() -> None:
    steps = (CLIENT, post(REQUEST, path="http://ocsp.site.test:8080/x")), (SERVER, answer(RESPONSE))
    exchange = one_ocsp(*steps)
    assert exchange.http.via_proxy
    assert exchange.http.url == "http://ocsp.site.test:8080/x"


def test_scheme_and_missing_host() -> None:
    reader = ExchangeReader(ResponseCache(CertificateStore()), scheme="https")
    (exchange,) = play(reader, (CLIENT, post(REQUEST)), (SERVER, answer(RESPONSE)))
    assert exchange.http.url == "https://ocsp.site.test/"
    hostless = post(REQUEST).replace(b"Host: ocsp.site.test\r\n", b"")
    exchange = one_ocsp((CLIENT, hostless), (SERVER, answer(RESPONSE)))
    assert exchange.http.url == "/"
    assert exchange.http.http_error is not None


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/x-www-form-urlencoded"])
def test_request_known_by_its_body(kind: str) -> None:
    exchange = one_ocsp((CLIENT, post(REQUEST, kind=kind)), (SERVER, answer(RESPONSE)))
    assert [entry.serial for entry in exchange.requests] == ["c0ffee"]


def test_response_alone() -> None:
    exchange = one_ocsp((SERVER, answer(RESPONSE)))
    assert exchange.requests == ()
    assert (exchange.http.method, exchange.http.url, exchange.http.request_frame) == (None, None, None)
    assert (exchange.http.time, exchange.http.response_frame) == (1000, 1)
    assert exchange.response is not None


def test_request_that_is_none_with_an_answer() -> None:
    # Seen in the wild: GET / answered with an OCSPResponse malformedRequest.
    malformed = error_der(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    exchange = one_ocsp((CLIENT, get("/")), (SERVER, answer(malformed)))
    assert exchange.requests == ()
    assert exchange.http.url == "http://ocsp.site.test/"
    assert exchange.response is not None
    assert exchange.response.response_status == "malformedRequest"


@pytest.mark.parametrize(
    "status", ["503 Service Unavailable", "407 Proxy Authentication Required", "302 Found"]
)
def test_http_errors(status: str) -> None:
    refusal = answer(b"<html>", status, "text/html; charset=utf-8", "Location: http://portal.test/\r\n")
    exchange = one_ocsp((CLIENT, post(REQUEST)), (SERVER, refusal))
    assert exchange.http.http_status == int(status[:3])
    assert exchange.http.location == "http://portal.test/"
    assert exchange.http.content_type == "text/html"
    assert exchange.response is None


def test_captive_portal() -> None:
    exchange = one_ocsp((CLIENT, post(REQUEST)), (SERVER, answer(b"<html>log in", kind="text/html")))
    assert exchange.http.http_status == 200
    assert exchange.response is not None
    assert exchange.response.response_status is None
    assert exchange.response.parse_error == "not an OCSPResponse: a web page (HTML)"


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_encoded_answer(encoding: str) -> None:
    packed = brotli.compress(RESPONSE) if encoding == "br" else zstandard.compress(RESPONSE)
    reply = answer(packed, extra=f"Content-Encoding: {encoding}\r\n")
    exchange = one_ocsp((CLIENT, post(REQUEST)), (SERVER, reply))
    assert exchange.response is not None
    assert exchange.response.singles[0].cert_id == exchange.requests[0]


def test_not_modified_keeps_answers_in_step() -> None:
    held = (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nContent-Type: application/ocsp-response\r\n\r\n"
    )
    for first in (held, held.replace(b"Content-Length: 500", b"Transfer-Encoding: chunked")):
        asked = get("/" + PATH)
        found = run((CLIENT, asked), (SERVER, first), (CLIENT, asked), (SERVER, held), (CLIENT, asked),
                    (SERVER, answer(RESPONSE)))  # fmt: skip
        statuses = [
            (each.http.http_status, each.http.request_frame, each.http.response_frame) for each in found
        ]
        assert statuses == [(304, 1, 2), (304, 3, 4), (200, 5, 6)]
        assert isinstance(found[0], OcspExchange)
        assert found[0].response is None


def test_no_answer() -> None:
    exchange = one_ocsp((CLIENT, post(REQUEST)), (SERVER, None))
    assert (exchange.http.http_status, exchange.http.response_frame, exchange.response) == (None, None, None)
    assert exchange.http.closed == "fin"
    exchange = one_ocsp((CLIENT, post(REQUEST)), (SERVER, 700))
    assert exchange.http.missing_bytes == 700


def test_answer_not_whole() -> None:
    whole = answer(RESPONSE)
    exchange = one_ocsp((CLIENT, post(REQUEST)), (SERVER, whole[:-40]))
    assert exchange.response is None
    assert (exchange.http.http_status, exchange.http.missing_bytes) == (200, 40)


def test_unreadable_request() -> None:
    exchange = one_ocsp((CLIENT, post(b"\x30\x00")), (SERVER, answer(RESPONSE)))
    assert exchange.request_error is not None
    assert exchange.requests == ()
    exchange = one_ocsp(
        (CLIENT, post(REQUEST)[:-5]),
    )
    assert exchange.request_error is not None
    assert "not whole" in exchange.request_error


GARBLED = PATH[:40] + "!" + PATH[41:]


@pytest.mark.parametrize(
    ("step", "doubtful"),
    [
        (post(REQUEST)[:-5], False),
        (post(REQUEST)[: -len(REQUEST)], False),
        (post(b"\x30\x00"), False),
        (post(b""), False),
        (post(REQUEST, kind="")[:-5], True),
        (post(REQUEST, kind="application/octet-stream")[: -len(REQUEST)], True),
        (post(b"\x30" + REQUEST, kind=""), True),
        (get("/" + PATH[:60]), False),
        (get("/" + GARBLED), False),
        (get("/ocsp/MII" + "x" * 40), True),
        (b"GET /" + PATH[:40].encode(), False),
        (b"POST /ocsp HTTP/1.1\r\nHost: ocsp.si", True),
        (b"POST / HTTP/1.1\r\nContent-Type: application/ocsp-request\r\nHost: oc", False),
    ],
)
def test_question_that_cannot_be_read(step: bytes, doubtful: bool) -> None:
    for last in ((CLIENT, 20), (CLIENT, None), (SERVER, None)):
        exchange = one_ocsp((CLIENT, step), last)
        assert (exchange.unread, exchange.doubtful, exchange.requests) == (True, doubtful, ())
        assert exchange.request_error is not None
        assert exchange.http.http_status is None


@pytest.mark.parametrize("kind", ["", "text/xml"])
def test_answer_proves_that_something_was_asked(kind: str) -> None:
    exchange = one_ocsp((CLIENT, post(b"<q/>", kind=kind)), (SERVER, answer(RESPONSE)))
    assert (exchange.unread, exchange.doubtful, exchange.requests) == (True, False, ())


@pytest.mark.parametrize(
    "step",
    [
        get("/"),
        get("/MyPage/index.html"),
        get("/M" + "A" * 30),
        get("/MIIC/" + "a" * 50 + ".js"),
        post(b"<q/>", kind="text/xml"),
        post(b"a=b", kind="application/x-www-form-urlencoded"),
        post(b"", kind=""),
        post(b"a=b", kind="text/plain")[:-1],
    ],
)
def test_what_asks_nothing(step: bytes) -> None:
    assert run((CLIENT, step), (SERVER, answer(b"<html>", kind="text/html"))) == []


def test_cut_head_whose_target_is_whole_is_read() -> None:
    head = get("/" + PATH)
    for end in (len(head) - 3, head.index(b"ocsp.si"), head.index(b"\n") + 1):
        exchange = one_ocsp((CLIENT, head[:end]), (CLIENT, len(head) - end), (SERVER, answer(RESPONSE)))
        assert [entry.serial for entry in exchange.requests] == ["c0ffee"]
        assert not exchange.unread
        assert (exchange.http.http_status, exchange.http.response_frame) == (200, 3)
        assert exchange.http.http_error == "the head of the request is cut short"


OTHER = AUTHORITY.issue(serial=0xBEEF)
ASK_1, ASK_2 = post(REQUEST), post(request_der(AUTHORITY, OTHER))
ANSWER_1, ANSWER_2 = answer(RESPONSE), answer(response_der(AUTHORITY, OTHER))
ERROR = answer(error_der(ocsp.OCSPResponseStatus.UNAUTHORIZED))
LOST_ASK, LOST_ANSWER = (CLIENT, len(ASK_1)), (SERVER, len(ANSWER_1))
TOLD = {"c0ffee": 1, "beef": 2}


def pairs(*steps: Step, mid_stream: bool = False) -> list[tuple[int | None, int | None]]:
    """Of each exchange what was asked and what was answered: 1, 2, 0 (an error), or None."""
    reader = ExchangeReader(ResponseCache(CertificateStore()), mid_stream=mid_stream)
    told = []
    for exchange in play(reader, *steps) + reader.finish(99, 99_000):
        assert isinstance(exchange, OcspExchange)
        asked = TOLD[exchange.requests[0].serial] if exchange.requests else None
        response = exchange.response
        answered = None if response is None else 0
        if response is not None and response.singles:
            answered = TOLD[response.singles[0].cert_id.serial]
        told.append((asked, answered))
    return sorted(told, key=str)


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        # The first answer is lost, and the next is that to the second request.
        (
            [(CLIENT, ASK_1), LOST_ANSWER, (CLIENT, ASK_2), (SERVER, ANSWER_2)],
            [(1, None), (2, 2)],
        ),
        (
            [(CLIENT, ASK_1), (CLIENT, ASK_2), LOST_ANSWER, (SERVER, ANSWER_2)],
            [(1, None), (2, 2)],
        ),
        # The second is lost.
        ([(CLIENT, ASK_1), (CLIENT, ASK_2), (SERVER, ANSWER_1), (SERVER, 900)], [(1, 1), (2, None)]),
        # The first request is lost, pipelined and not.
        (
            [LOST_ASK, (CLIENT, ASK_2), (SERVER, ANSWER_1), (SERVER, ANSWER_2)],
            [(2, 2), (None, 1)],
        ),
        (
            [(SERVER, ANSWER_1), LOST_ASK, (CLIENT, ASK_2), (SERVER, ANSWER_2)],
            [(2, 2), (None, 1)],
        ),
        ([(SERVER, ANSWER_1), LOST_ASK, (CLIENT, ASK_2), (SERVER, ERROR)], [(2, 0), (None, 1)]),
        # What the answer says does not tell whose it is.
        ([LOST_ASK, (CLIENT, ASK_2), (SERVER, ERROR)], [(2, None), (None, 0)]),
        ([(CLIENT, ASK_1), (SERVER, 300), (SERVER, ERROR)], [(1, None), (None, 0)]),
        # Nothing is lost: an answer about another certificate is just that.
        ([(CLIENT, ASK_1), (SERVER, ANSWER_2)], [(1, 2)]),
        ([(CLIENT, ASK_1), (CLIENT, ASK_2), (SERVER, ANSWER_1), (SERVER, ERROR)], [(1, 1), (2, 0)]),
    ],
)
def test_answers_are_given_to_their_own_requests(
    steps: list[Step], found: list[tuple[int | None, int | None]]
) -> None:
    assert pairs(*steps) == found


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        # The answer to the first was lost before anything of the server was seen: no gap tells of it.
        ([(CLIENT, ASK_1), (CLIENT, ASK_2), (SERVER, ANSWER_2)], [(1, None), (2, 2)]),
        ([(CLIENT, ASK_1), (CLIENT, ASK_2), (SERVER, ERROR)], [(1, None), (2, None), (None, 0)]),
        ([(CLIENT, ASK_1), (CLIENT, ASK_2), (SERVER, ANSWER_1), (SERVER, ANSWER_2)], [(1, 1), (2, 2)]),
        ([(SERVER, ANSWER_2), (CLIENT, ASK_1), (SERVER, ANSWER_1)], [(1, 1), (None, 2)]),
        ([(CLIENT, ASK_1), (SERVER, ERROR)], [(1, 0)]),
    ],
)
def test_connection_seen_from_the_middle(
    steps: list[Step], found: list[tuple[int | None, int | None]]
) -> None:
    assert pairs(*steps, mid_stream=True) == found


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/ca.crl", "application/octet-stream"),
        ("/list?x=1", "application/pkix-crl"),
        ("/list", "application/octet-stream"),
        ("/CA.CRL?x", "text/plain"),
    ],
)
def test_crl(path: str, kind: str, encoding: Encoding) -> None:
    fetch = one_crl((CLIENT, get(path)), (SERVER, answer(CRL.public_bytes(encoding), kind=kind)))
    assert fetch.http.url == f"http://ocsp.site.test{path}"
    assert fetch.crl is not None
    assert fetch.crl.issuer == "CN=Test CA,O=Test\\, Inc."
    assert (fetch.crl.this_update, fetch.crl.next_update, fetch.crl.entries) == (ns(NOW), ns(NEXT), 0)


def test_crl_not_found_and_unanswered() -> None:
    fetch = one_crl((CLIENT, get("/ca.crl")), (SERVER, answer(b"no", "404 Not Found", "text/html")))
    assert (fetch.http.http_status, fetch.crl) == (404, None)
    fetch = one_crl((CLIENT, get("/ca.crl")), (SERVER, None))
    assert (fetch.http.http_status, fetch.http.closed) == (None, "fin")


def test_crl_cut_short() -> None:
    fetch = one_crl((CLIENT, get("/ca.crl")), (SERVER, answer(CRL_DER, kind="x/y")[:-30]))
    assert fetch.crl is not None
    assert fetch.crl.next_update == ns(NEXT)
    assert fetch.crl.entries is None


def test_other_structures_are_no_crl() -> None:
    certificate = answer(AUTHORITY.der, kind="application/octet-stream")
    assert run((CLIENT, get("/ca.crt")), (SERVER, certificate)) == []
    assert run((CLIENT, post(b"1" * 50, kind="")), (SERVER, answer(b"<html>", kind="text/html"))) == []


def test_tunnel_gives_no_exchange() -> None:
    reader = ExchangeReader(ResponseCache(CertificateStore()))
    connect = b"CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n"
    steps = (CLIENT, connect), (SERVER, b"HTTP/1.1 200 OK\r\n\r\n"), (CLIENT, b"\x16\x03\x01")
    assert play(reader, *steps) == []
    assert reader.tunnel is not None
    assert reader.tunnel.host == "site.test"
    assert [piece.data for piece in reader.take_trailing()] == [b"\x16\x03\x01"]
    assert not reader.wants(SERVER)


PIECES = [post(REQUEST), get("/" + PATH), get("/a.crl"), answer(RESPONSE), answer(CRL_DER, kind=""), RESPONSE]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(PIECES)), max_size=6),
    st.integers(0, 5000),
    st.integers(0, 255),
)
def test_damage_never_raises(steps: list[tuple[bool, bytes]], position: int, value: int) -> None:
    reader = ExchangeReader(ResponseCache(CertificateStore()))
    for from_client, piece in steps:
        damaged = bytearray(piece)
        damaged[position % len(damaged)] = value
        play(reader, (from_client, bytes(damaged)))
    reader.close(True, 9, 9, reset=True)
    reader.finish(9, 9)


@pytest.mark.parametrize(
    ("hostile", "asker"),
    [
        (b"Forwarded: " + b" " * 60_000 + b"for=192.0.2.1", "192.0.2.1"),
        (b"Forwarded: " + b"; " * 30_000, None),
        (b"X-Forwarded-For: unknown\r\n" * 2000 + b"x-forwarded-for: 192.0.2.1", "192.0.2.1"),
        (b"X-FORWARDED-FOR:\r\n\t 192.0.2.1\r\n , 192.0.2.2", "192.0.2.1"),
    ],
)
def test_hostile_headers(hostile: bytes, asker: str | None) -> None:
    request = post(REQUEST, path="/a").replace(b"Host:", hostile + b"\r\nHost:", 1)
    reader = ExchangeReader(ResponseCache(CertificateStore()))
    (exchange,) = play(reader, (CLIENT, request), (SERVER, answer(RESPONSE)))
    assert isinstance(exchange, OcspExchange)
    assert exchange.http.relayed_for == asker
    assert [entry.serial for entry in exchange.requests] == ["c0ffee"]

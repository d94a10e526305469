from __future__ import annotations

import struct

import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.dns.message import TcpFraming, mentions, parse_message, wire_name


def query(name: str = "OCSP.site.test.", kind: str = "A") -> dns.message.QueryMessage:
    return dns.message.make_query(name, kind, id=77)


def answer() -> bytes:
    response = dns.message.make_response(query())
    response.answer = [
        dns.rrset.from_text("ocsp.site.test.", 60, "IN", "CNAME", "Cdn.site.test."),
        dns.rrset.from_text("cdn.site.test.", 60, "IN", "A", "192.0.2.1", "192.0.2.2"),
        dns.rrset.from_text("cdn.site.test.", 60, "IN", "AAAA", "2001:db8::1"),
        dns.rrset.from_text("cdn.site.test.", 60, "IN", "TXT", '"x"'),
    ]
    return response.to_wire()


ANSWER = answer()


def test_query() -> None:
    message = parse_message(query(kind="AAAA").to_wire())
    assert message is not None
    assert (message.id, message.is_response, message.name, message.type) == (
        77,
        False,
        "ocsp.site.test",
        "AAAA",
    )
    assert message.answers == ()


def test_answer() -> None:
    message = parse_message(ANSWER)
    assert message is not None
    assert message.is_response
    assert message.rcode == "NOERROR"
    # dnspython shuffles the records of one name as it writes them.
    first, second = sorted((1, 2), key=lambda last: ANSWER.index(bytes((192, 0, 2, last))))
    assert message.answers == ("cdn.site.test", f"192.0.2.{first}", f"192.0.2.{second}", "2001:db8::1")


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "SERVFAIL", "REFUSED"])
def test_errors(rcode: str) -> None:
    response = dns.message.make_response(query())
    response.set_rcode(dns.rcode.from_text(rcode))
    message = parse_message(response.to_wire())
    assert message is not None
    assert message.rcode == rcode


def test_cut_off_answer_still_tells_its_question() -> None:
    message = parse_message(ANSWER[:-8])
    assert message is not None
    assert message.name == "ocsp.site.test"
    assert message.answers[0] == "cdn.site.test"


@pytest.mark.parametrize("payload", [b"", b"\0" * 11, b"\0" * 12, b"\xff" * 40, b"GET / HTTP/1.1\r\n\r\n"])
def test_something_else(payload: bytes) -> None:
    assert parse_message(payload) is None


def test_mentions() -> None:
    names = {wire_name("ocsp.site.test"), wire_name("crl.site.test.")}
    assert mentions(query().to_wire(), names)
    assert mentions(ANSWER, names)
    assert not mentions(query("other.site.test.").to_wire(), names)
    assert not mentions(b"", names)
    assert not mentions(b"\0" * 12, names)


def test_wire_name() -> None:
    assert wire_name("OCSP.Site.test.") == b"\x04ocsp\x04site\x04test\x00"
    for bad in ("", "a..b", "x" * 64 + ".test"):
        with pytest.raises(ValueError, match="host name"):
            wire_name(bad)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=80), st.integers(0, len(ANSWER) - 1), st.integers(0, 255), st.integers(0, len(ANSWER))
)
def test_never_raises(junk: bytes, position: int, value: int, length: int) -> None:
    parse_message(junk)
    parse_message(query().to_wire()[:12] + junk)
    damaged = ANSWER[:position] + bytes((value,)) + ANSWER[position + 1 :]
    parse_message(damaged)
    parse_message(damaged[:length])
    mentions(junk, {junk})


@given(st.lists(st.binary(max_size=30), max_size=5), st.lists(st.integers(0, 200), max_size=5))
def test_tcp_framing(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(struct.pack("!H", len(payload)) + payload for payload in payloads)
    framing = TcpFraming()
    found: list[bytes] = []
    start = 0
    for end in [*sorted(cuts), len(stream)]:
        found += framing.receive(stream[start:end])
        start = max(start, min(end, len(stream)))
    assert found == payloads

from __future__ import annotations

import ipaddress

import dns.message
import dns.rrset
import pytest

from ocsp_pcap.evidence.address_map import AddressMap
from ocsp_pcap.evidence.payload import tcp_patches, udp_patches

ADDRESSES = AddressMap(bytes(32))


def replaced(*segments: tuple[int, bytes], ports: tuple[int, int] = (40000, 80)) -> list[bytes]:
    patches = tcp_patches(segments, ADDRESSES, ports)
    found = []
    for sequence, data in segments:
        packet = bytearray(b"head" + data)
        patches.apply(packet, 4, patches.position(sequence), len(data))
        assert packet[:4] == b"head"
        found.append(bytes(packet[4:]))
    return found


def other(text: str) -> str:
    return ADDRESSES.text(text)


@pytest.mark.parametrize(
    "name", ["Cookie", "set-cookie", "Authorization", "Proxy-Authorization", "X-Auth-Token", "X-API-Key"]
)
def test_secrets_are_blanked_in_place(name: str) -> None:
    request = f"GET / HTTP/1.1\r\nHost: a\r\n{name}:  s3cret=1; b\r\nAccept: */*\r\n\r\n".encode()
    (found,) = replaced((1, request))
    assert found == request.replace(b"s3cret=1; b", b"x" * 11)


def test_a_secret_that_spans_segments_sent_out_of_order_and_twice() -> None:
    request = b"GET / HTTP/1.1\r\nAuthorization: Basic c2VjcmV0OnNlY3JldA==\r\n\r\n"
    parts = [(2**32 - 10 + at, request[at : at + 20]) for at in (0, 20, 40, 60)]
    parts = [(sequence % 2**32, data) for sequence, data in parts]
    order = [0, 2, 1, 3, 1]
    found = replaced(*(parts[number] for number in order))
    whole = b"".join(found[order.index(number)] for number in range(4))
    assert whole == request.replace(b"Basic c2VjcmV0OnNlY3JldA==", b"x" * 26)
    assert found[2] == found[4]


def test_addresses_in_heads_and_in_text_but_not_in_other_bodies() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Forwarded-For: 10.77.1.20\r\nContent-Type: %s\r\n\r\n"
    for kind, body in ((b"text/html", other("at 10.77.1.20").encode()), (b"application/x", b"at 10.77.1.20")):
        (found,) = replaced((1, head % kind + b"at 10.77.1.20"))
        assert other("10.77.1.20").encode() in found.split(b"\r\n\r\n")[0]
        assert found.endswith(body)


def test_socks_and_proxy_prefixes() -> None:
    real, mapped = (ipaddress.ip_address(text).packed for text in ("10.77.2.9", other("10.77.2.9")))
    tail = b"\x00\x50rest"
    for before in (b"\x05\x01\x00\x05\x01\x00\x01", b"\x05\x00\x05\x00\x00\x01"):
        assert replaced((1, before + real + tail)) == [before + mapped + tail]
    assert replaced((1, b"\x04\x01\x00\x50" + real + b"me\0")) == [b"\x04\x01\x00\x50" + mapped + b"me\0"]
    line = b"PROXY TCP4 10.77.2.9 10.77.2.10 1 2\r\n"
    assert replaced((1, line)) == [other(line.decode()).encode()]
    binary = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"
    assert replaced((1, binary + real + real + b"\0\1\0\2")) == [binary + mapped + mapped + b"\0\1\0\2"]


@pytest.mark.parametrize("tcp", [False, True])
def test_dns_answers_and_reverse_names(tcp: bool) -> None:
    message = dns.message.make_response(dns.message.make_query("9.2.77.10.in-addr.arpa", "PTR"))
    message.answer = [
        dns.rrset.from_text("a.test.", 60, "IN", "CNAME", "b.test."),
        dns.rrset.from_text("b.test.", 60, "IN", "A", "10.77.2.9", "10.77.2.8"),
        dns.rrset.from_text("b.test.", 60, "IN", "AAAA", "2001:db8::17"),
    ]
    wire = message.to_wire()
    if tcp:
        (found,) = replaced((1, len(wire).to_bytes(2, "big") + wire), ports=(40000, 53))
        found = found[2:]
    else:
        packet = bytearray(wire)
        udp_patches(wire, ADDRESSES, (53, 40000)).apply(packet, 0, 0, len(wire))
        found = bytes(packet)
    read = dns.message.from_wire(found)
    numbers = other("10.77.2.9").split(".")
    assert read.question[0].name.to_text() == ".".join(reversed(numbers)) + ".in-addr.arpa."
    texts = {item.to_text() for rrset in read.answer for item in rrset}
    assert texts == {"b.test.", other("10.77.2.9"), other("10.77.2.8"), other("2001:db8::17")}


@pytest.mark.parametrize(
    "data", [b"", b"\x05", b"\x05\xff", b"\x04\x01", b"PROXY ", b"GET / HTTP/1.1\r\nCookie: a"]
)
def test_what_is_cut_short(data: bytes) -> None:
    for ports in ((40000, 80), (40000, 53)):
        if data:
            (found,) = replaced((1, data), ports=ports)
            assert len(found) == len(data)
    for length in range(len(data)):
        udp_patches(data[:length], ADDRESSES, (53, 40000))

"""Cuts DER (X.690) into its parts without interpreting them.

``cryptography`` decodes values but re-encodes names and keys; CertID hashes (RFC 6960 4.1.1) and
signatures are over the bytes as they were sent. These functions find those bytes, and read
structures of which only a prefix was captured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OBJECT_IDENTIFIER = 0x01, 0x02, 0x03, 0x04, 0x06
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE = 0x30


class DerError(ValueError):
    """The bytes are not the DER structure that was asked for."""


class Element(NamedTuple):
    """One tag-length-value triple: offsets into the bytes it was read from."""

    tag: int
    """The identifier octet; tags above 30 do not occur in X.509 and OCSP and are refused."""
    start: int
    """Where the tag stands."""
    content: int
    """Where the value begins."""
    end: int
    """One past the value; beyond the bytes only where a cut-off element was allowed."""


def read_element(data: bytes, offset: int, limit: int, *, cut_off: bool = False) -> Element:
    """Read the element at ``offset``, which must end by ``limit`` unless ``cut_off`` allows otherwise.

    Raises DerError.
    """
    if offset + 2 > limit:
        raise DerError(f"no element at offset {offset}")
    tag = data[offset]
    if tag & 0x1F == 0x1F:
        raise DerError(f"multi-byte tag at offset {offset}")
    length = data[offset + 1]
    content = offset + 2
    if length >= 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or content + size > limit:
            raise DerError(f"length not definite or too long at offset {offset}")
        length = int.from_bytes(data[content : content + size], "big")
        content += size
    end = content + length
    if end > limit and not cut_off:
        raise DerError(f"element at offset {offset} ends beyond its container")
    return Element(tag, offset, content, end)


def expect(data: bytes, offset: int, limit: int, tag: int, *, cut_off: bool = False) -> Element:
    """Read an element that must have this tag. Raises DerError."""
    element = read_element(data, offset, limit, cut_off=cut_off)
    if element.tag != tag:
        raise DerError(f"tag {element.tag:#04x} where {tag:#04x} was expected at offset {offset}")
    return element


def children(data: bytes, parent: Element) -> Iterator[Element]:
    """Yield the elements inside a constructed element. Raises DerError where they do not fill it."""
    offset = parent.content
    while offset < parent.end:
        element = read_element(data, offset, parent.end)
        yield element
        offset = element.end


def content_of(data: bytes, element: Element) -> bytes:
    """Return the value bytes."""
    return data[element.content : element.end]


def encoding_of(data: bytes, element: Element) -> bytes:
    """Return the element as encoded, tag and length included."""
    return data[element.start : element.end]


def bit_string(data: bytes, element: Element) -> bytes:
    """Return the bits of a BIT STRING whose length is a whole number of octets. Raises DerError."""
    if element.tag != BIT_STRING or element.content == element.end:
        raise DerError(f"no BIT STRING at offset {element.start}")
    return data[element.content + 1 : element.end]


def serial_text(content: bytes) -> str:
    """Return the value octets of an INTEGER as hex without leading zeros.

    A negative serial number (forbidden by RFC 5280 4.1.2.2, yet seen) is shown by its
    two's-complement octets, as Wireshark shows it and as it travels in a CertID.
    """
    return content.hex().lstrip("0") or "0"


def serial_of(number: int) -> str:
    """Return what :func:`serial_text` gives for the shortest encoding of this number."""
    if number >= 0:
        return f"{number:x}"
    return number.to_bytes((number + 1).bit_length() // 8 + 1, "big", signed=True).hex()


def dotted(content: bytes) -> str:
    """Return the value octets of an OBJECT IDENTIFIER in dotted form. Raises DerError."""
    if not content or content[-1] & 0x80 or len(content) > 64:
        raise DerError("malformed OBJECT IDENTIFIER")
    arcs: list[int] = []
    value = 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))

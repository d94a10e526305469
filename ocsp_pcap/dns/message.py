"""DNS messages (RFC 1035), over UDP and in the framing of TCP (RFC 7766 8)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from ocsp_pcap.bounds import BOUNDS, reached

if TYPE_CHECKING:
    from dns.message import Message

HEADER_LENGTH = 12


class DnsMessage(NamedTuple):
    """The question of a message, and what was answered."""

    id: int
    is_response: bool
    name: str
    """Of the first question: lower case, without the final dot, escaped as in zone files (RFC 1035 5.1)."""
    type: str
    rcode: str
    """"NOERROR", "NXDOMAIN", "SERVFAIL", ..."""
    answers: tuple[str, ...]
    """Addresses and CNAME targets, in the order of the answer section."""
    truncated: bool = False
    """The TC bit: the answer was too long for a datagram."""


def wire_name(name: str) -> bytes:
    """Return a host name as :func:`mentions` wants it: length-prefixed labels in lower case.

    Raises ValueError where it is no host name: a label empty or longer than 63 octets.
    """
    labels = name.rstrip(".").lower().encode("idna" if not name.isascii() else "ascii").split(b".")
    if not all(0 < len(label) < 64 for label in labels):
        raise ValueError(f"not a host name: {name!r}")
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def mentions(payload: bytes, names: Collection[bytes]) -> bool:
    """Tell cheaply whether the first question of a message may be about one of the names.

    ``names`` are made by :func:`wire_name`; a set or dict makes the lookup constant.
    """
    end = payload.find(b"\0", HEADER_LENGTH)
    # Lower-casing leaves the length octets alone: they are below "A".
    return end > 0 and payload[HEADER_LENGTH : end + 1].lower() in names


def parse_message(payload: bytes) -> DnsMessage | None:
    """Parse one message; None where it is no DNS message with a question. Never raises.

    A message that is damaged or cut off behind its question is reported as far as it could be read.
    """
    import dns.exception
    import dns.flags
    import dns.message
    import dns.opcode
    import dns.rcode
    import dns.rdatatype

    try:
        message = dns.message.from_wire(payload, ignore_trailing=True, continue_on_error=True)
        if message.opcode() != dns.opcode.QUERY or not message.question:
            return None
        question = message.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        return DnsMessage(
            id=message.id,
            is_response=bool(message.flags & dns.flags.QR),
            name=name,
            type=dns.rdatatype.to_text(question.rdtype),
            rcode=dns.rcode.to_text(message.rcode()),
            answers=_answers(message),
            truncated=bool(message.flags & dns.flags.TC),
        )
    except (dns.exception.DNSException, ValueError, IndexError, OverflowError):
        return None


def _answers(message: Message) -> tuple[str, ...]:
    import dns.rdataclass
    import dns.rdatatype

    found: list[str] = []
    for answer in message.answer:
        if answer.rdclass != dns.rdataclass.IN:
            # Records of other classes are not parsed into addresses.
            continue
        for record in answer:
            if len(found) == BOUNDS.dns_answers:
                reached("dns_answers")
                return tuple(found)
            if answer.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                found.append(str(record.address))
            elif answer.rdtype == dns.rdatatype.CNAME:
                found.append(record.target.to_text(omit_final_dot=True).lower())
    return tuple(found)


class TcpFraming:
    """Cuts one direction of a TCP stream into messages. Bytes in, payloads out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the payloads, without their two octets of length, now complete."""
        self._buffer += data
        payloads: list[bytes] = []
        start = 0
        while start + 2 <= len(self._buffer):
            end = start + 2 + int.from_bytes(self._buffer[start : start + 2], "big")
            if end > len(self._buffer):
                break
            payloads.append(bytes(self._buffer[start + 2 : end]))
            start = end
        del self._buffer[:start]
        return payloads

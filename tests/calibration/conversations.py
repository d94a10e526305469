"""HTTP conversations of small captures, taken out and held again: on one connection, in another method."""

from __future__ import annotations

import base64
import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from .packets import End, Flow, Packet, Packets

SEGMENT: Final = 1448
FIN, SYN, PSH, ACK = 1, 2, 8, 16
HEADER_LENGTH: Final = 20
CLOSES: Final = re.compile(rb"(?i)(connection: )close")
CONTENT_TYPE: Final = b"application/ocsp-request"


@dataclass(frozen=True)
class Message:
    """What one side said before the other spoke again."""

    time: int
    from_client: bool
    data: bytes


@dataclass(frozen=True)
class Conversation:
    """All that was said on one TCP connection over IPv4."""

    client: End
    server: End
    messages: tuple[Message, ...]
    flow: Flow
    first: Packet
    """The first packet of the client, whose headers all of its packets get."""
    first_back: Packet

    @property
    def pairs(self) -> list[tuple[Message, Message]]:
        """Requests with their answers, where each has one."""
        asked, answered = self.messages[::2], self.messages[1::2]
        return list(zip(asked, answered, strict=False)) if len(self.messages) % 2 == 0 else []


def conversations(packets: Packets, port: int = 80) -> list[Conversation]:
    """Return the conversations with servers on a port that are there from their SYN on, by time."""
    flows: dict[Flow, Packets] = defaultdict(list)
    for packet in packets:
        if packet.protocol == 6 and packet.flow is not None and packet.data[packet.network] == 0x45:
            flows[packet.flow].append(packet)
    found = (_conversation(flow, some, port) for flow, some in flows.items())
    return [conversation for conversation in found if conversation is not None]


def _conversation(flow: Flow, packets: Packets, port: int) -> Conversation | None:
    first, last = packets[0], packets[-1]
    back = next((packet for packet in packets if packet.sender == first.receiver), None)
    syn = first.data[first.transport + 13] & (SYN | ACK) == SYN
    if not syn or back is None or first.receiver is None or first.receiver[1] != port or last is first:
        return None
    assert first.sender is not None
    messages: list[Message] = []
    said: set[tuple[End | None, int]] = set()
    for packet in packets:
        place = packet.sender, int.from_bytes(packet.data[packet.transport + 4 : packet.transport + 8], "big")
        if not packet.payload or place in said:
            continue
        said.add(place)
        from_client = packet.sender == first.sender
        if messages and messages[-1].from_client == from_client:
            messages[-1] = replace(messages[-1], data=messages[-1].data + packet.payload)
        else:
            messages.append(Message(packet.time, from_client, packet.payload))
    return Conversation(first.sender, first.receiver, tuple(messages), flow, first, back)


def without(packets: Packets, gone: Iterable[Conversation]) -> Packets:
    """Return packets without those of some conversations."""
    flows = {conversation.flow for conversation in gone}
    return [packet for packet in packets if packet.flow not in flows]


def joined(conversations: Sequence[Conversation], *, pipelined: bool) -> Conversation:
    """Return conversations, which follow each other, as one; nobody closes between them.

    ``pipelined``: a request does not wait for the answer before it (RFC 9112 9.3.2) where that comes soon.
    """
    pairs = sorted((pair for each in conversations for pair in each.pairs), key=lambda pair: pair[0].time)
    messages: list[Message] = []
    for number, (request, answer) in enumerate(pairs):
        following = pairs[number + 1][0].time if number + 1 < len(pairs) else 0
        time = answer.time
        if pipelined and time <= following < time + 2 * 10**9:
            time = following + 10**6
        time = max(time, *(message.time + 1000 for message in messages if not message.from_client), 0)
        messages += [_kept(request), replace(_kept(answer), time=time)]
    messages.sort(key=lambda message: message.time)
    return replace(conversations[0], messages=tuple(messages))


def _kept(message: Message) -> Message:
    head, blank, body = message.data.partition(b"\r\n\r\n")
    head = CLOSES.sub(rb"\1alive", head.replace(b"HTTP/1.0", b"HTTP/1.1"))
    return replace(message, data=head + blank + body)


def by_get(conversation: Conversation) -> Conversation:
    """Return a conversation whose requests are made by GET (RFC 6960 A.1)."""
    return replace(conversation, messages=tuple(map(_by_get, conversation.messages)))


def _by_get(message: Message) -> Message:
    head, _, body = message.data.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    if not line.startswith(b"POST ") or CONTENT_TYPE not in head:
        return message
    _, target, version = line.split(b" ")
    slash = b"" if target.endswith(b"/") else b"/"
    encoded = quote(base64.b64encode(body), safe="").encode()
    kept = [each for each in fields if not each.lower().startswith(b"content-")]
    return replace(
        message, data=b"\r\n".join((b"GET " + target + slash + encoded + b" " + version, *kept, b"", b""))
    )


def spoken(conversation: Conversation) -> Packets:
    """Return the packets of a conversation, from SYN to FIN."""
    return list(_packets(conversation))


def _packets(conversation: Conversation) -> Iterator[Packet]:
    sent = {True: 1000, False: 5000}
    begin = conversation.first.time
    end = max([begin, *(message.time for message in conversation.messages)])

    def packet(time: int, from_client: bool, flags: int, data: bytes = b"") -> Packet:
        made = _packet(conversation, time, from_client, sent[from_client], sent[not from_client], flags, data)
        sent[from_client] += len(data) + (1 if flags & (SYN | FIN) else 0)
        return made

    yield packet(begin, True, SYN)
    yield packet(begin + 10_000, False, SYN | ACK)
    yield packet(begin + 20_000, True, ACK)
    for message in conversation.messages:
        time = max(message.time, begin + 30_000)
        for start in range(0, len(message.data), SEGMENT):
            yield packet(time, message.from_client, PSH | ACK, message.data[start : start + SEGMENT])
        yield packet(time + 500, not message.from_client, ACK)
    yield packet(end + 10**6, True, FIN | ACK)
    yield packet(end + 10**6 + 1000, False, FIN | ACK)
    yield packet(end + 10**6 + 2000, True, ACK)


def _packet(
    conversation: Conversation,
    time: int,
    from_client: bool,
    number: int,
    next_number: int,
    flags: int,
    data: bytes,
) -> Packet:
    template = conversation.first if from_client else conversation.first_back
    ends = conversation.client, conversation.server
    sender, receiver = ends if from_client else ends[::-1]
    network, transport = template.network, template.network + 20
    header = bytearray(template.data[:transport])
    acknowledged = next_number if flags & ACK else 0
    tcp = struct.pack(
        "!HHIIBBHHH", sender[1], receiver[1], number, acknowledged, 5 << 4, flags, 64_000, 0, 0
    )  # fmt: skip
    header[network + 2 : network + 4] = (20 + len(tcp) + len(data)).to_bytes(2, "big")
    made = bytes(header[: network + 10]) + b"\0\0" + bytes(header[network + 12 :]) + tcp + data
    packet = Packet(made, time, len(made), sender, receiver, transport, 6, template.ethertype_at)
    return _with_checksums(packet)


def _with_checksums(packet: Packet) -> Packet:
    data, network, transport = packet.data, packet.network, packet.transport
    pseudo = data[network + 12 : network + 20] + struct.pack("!BBH", 0, 6, len(data) - transport)
    for place, covered in (
        (network + 10, data[network:transport]),
        (transport + 16, pseudo + data[transport:]),
    ):
        data = data[:place] + _checksum(covered).to_bytes(2, "big") + data[place + 2 :]
    return replace(packet, data=data)


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

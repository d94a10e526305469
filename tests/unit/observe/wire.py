"""Conversations of TCP and datagrams of UDP as the observers take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocsp_pcap.capture.batch import PADDING
from ocsp_pcap.decode.columns import EXTRA, TransportColumns
from ocsp_pcap.spoken.conversation import Conversation
from ocsp_pcap.spoken.shared import Shared

Message = tuple[int, bytes]
"""Direction and bytes."""


def cut(messages: Sequence[Message], offsets: frozenset[int]) -> list[Message]:
    """Cut messages, laid end to end, at some offsets."""
    pieces = []
    position = 0
    for direction, data in messages:
        marks = sorted(offset - position for offset in offsets if position < offset < position + len(data))
        pieces += [
            (direction, data[start:end]) for start, end in zip([0, *marks], [*marks, len(data)], strict=True)
        ]
        position += len(data)
    return pieces


def converse(messages: Sequence[Message], shared: Shared | None = None) -> Conversation:
    """Feed segments to a conversation, as frames 1, 2, ...; then end it."""
    conversation = Conversation(shared or Shared())
    for frame, (direction, data) in enumerate(messages, 1):
        if conversation.wants(direction):
            conversation.receive(direction, data, frame, frame * 1000, True)
        else:
            conversation.skip(direction)
    conversation.finish(len(messages), len(messages) * 1000)
    return conversation


def udp_columns(
    datagrams: Sequence[tuple[int, int, bytes]],
    first_frame: int = 1,
    *,
    elsewhere: bool = False,
    port: int = 4433,
) -> TransportColumns:
    """Make a batch of (flow, direction, payload); flow n has the client port 10000 + n.

    ``elsewhere``: the payloads stand outside the packet block, like those of reassembled fragments.
    """
    count = len(datagrams)
    lengths = np.array([len(payload) for *_, payload in datagrams], np.int64)
    content = b"".join(payload for *_, payload in datagrams)
    flow = np.array([number for number, *_ in datagrams], np.int64)
    direction = np.array([way for _, way, _ in datagrams], np.int64)
    client, server = (10000 + flow).astype(np.uint16), np.full(count, port, np.uint16)
    zeros = np.zeros(count, np.uint64)
    offset = np.cumsum(lengths) - lengths
    return TransportColumns(
        buffer=np.frombuffer((b"" if elsewhere else content) + b"\xee" * PADDING, np.uint8),
        extra=content if elsewhere else b"",
        frame=np.arange(first_frame, first_frame + count),
        time=np.arange(first_frame, first_frame + count) * 1000,
        ip_version=np.full(count, 4, np.uint8),
        source_high=zeros,
        source_low=np.where(direction, 0x0A000002, 0x0A000001).astype(np.uint64),
        destination_high=zeros,
        destination_low=np.where(direction, 0x0A000001, 0x0A000002).astype(np.uint64),
        source_port=np.where(direction, server, client),
        destination_port=np.where(direction, client, server),
        sequence=np.zeros(count, np.uint32),
        acknowledgment=np.zeros(count, np.uint32),
        flags=np.zeros(count, np.uint8),
        payload_offset=offset + (EXTRA if elsewhere else 0),
        payload_length=lengths,
        payload_missing=np.zeros(count, np.int64),
        in_error=np.zeros(count, np.bool_),
        hop_limit=np.full(count, 64, np.uint8),
        window=np.full(count, 65535, np.uint16),
    )

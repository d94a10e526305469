"""Frames of Initial and Handshake packets (RFC 9000 12.4, 19): what the handshake needs of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from ocsp_pcap.quic.packets import read_varint
from ocsp_pcap.quic.versions import FrameFormat

CRYPTO_ERROR: Final = 0x0100
"""Error codes from here to 0x01ff are TLS alerts (RFC 9001 4.8)."""


@dataclass(frozen=True, slots=True)
class Crypto:
    """Handshake bytes (RFC 9000 19.6)."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ConnectionClose:
    """The sender gives up (RFC 9000 19.19)."""

    error_code: int
    application: bool

    @property
    def alert(self) -> int | None:
        """The TLS alert description that the error code carries (RFC 9001 4.8), None where it is no alert."""
        if not self.application and CRYPTO_ERROR <= self.error_code < CRYPTO_ERROR + 256:
            return self.error_code - CRYPTO_ERROR
        return None


Frame: TypeAlias = Crypto | ConnectionClose


def read_frames(payload: bytes, frame_format: FrameFormat = FrameFormat.IETF) -> Iterator[Frame]:
    """Yield the frames that matter; stop without error at the first that is malformed or out of place."""
    read = _read_ietf_frame if frame_format is FrameFormat.IETF else _read_google_frame
    return _read_all(payload, read)


_FrameReader: TypeAlias = Callable[[bytes, int], tuple[Frame | None, int] | None]


def _read_all(payload: bytes, read: _FrameReader) -> Iterator[Frame]:
    offset, end = 0, len(payload)
    while offset < end:
        if payload[offset] == 0:
            # PADDING comes in runs of a thousand.
            offset = end - len(payload[offset:].lstrip(b"\x00"))
            continue
        try:
            result = read(payload, offset)
        except IndexError:
            return
        if result is None:
            return
        frame, offset = result
        if frame is not None:
            yield frame


def _read_ietf_frame(payload: bytes, offset: int) -> tuple[Frame | None, int] | None:
    frame_type, offset = read_varint(payload, offset)
    if frame_type == 0x01:
        return None, offset
    if frame_type in (0x02, 0x03):
        return None, _skip_ack(payload, offset, ecn=frame_type == 0x03)
    if frame_type == 0x06:
        return _read_crypto(payload, offset)
    if frame_type in (0x1C, 0x1D):
        error_code, offset = read_varint(payload, offset)
        if frame_type == 0x1C:
            _, offset = read_varint(payload, offset)
        length, offset = read_varint(payload, offset)
        return ConnectionClose(error_code, frame_type == 0x1D), offset + length
    return None


def _read_crypto(payload: bytes, offset: int) -> tuple[Frame, int]:
    position, offset = read_varint(payload, offset)
    length, offset = read_varint(payload, offset)
    end = offset + length
    if end > len(payload):
        raise IndexError(end)
    return Crypto(position, payload[offset:end]), end


def _skip_ack(payload: bytes, offset: int, ecn: bool) -> int:
    _, offset = read_varint(payload, offset)
    _, offset = read_varint(payload, offset)
    ranges, offset = read_varint(payload, offset)
    # Each range takes two bytes or more: a greater count is a lie that IndexError would find late.
    if 2 * ranges > len(payload):
        raise IndexError(ranges)
    for _ in range(1 + 2 * ranges + (3 if ecn else 0)):
        _, offset = read_varint(payload, offset)
    return offset


_GOOGLE_LENGTHS: Final = (1, 2, 4, 6)


def _read_google_frame(payload: bytes, offset: int) -> tuple[Frame | None, int] | None:
    frame_type = payload[offset]
    offset += 1
    if frame_type == 0x02:
        error_code = int.from_bytes(payload[offset : offset + 4])
        length = int.from_bytes(payload[offset + 4 : offset + 6])
        return ConnectionClose(error_code, application=True), offset + 6 + length
    if frame_type == 0x07:
        return None, offset
    if frame_type == 0x08:
        return _read_crypto(payload, offset)
    if frame_type & 0xC0 == 0x40:
        return None, _skip_google_ack(payload, frame_type, offset)
    return None


def _skip_google_ack(payload: bytes, frame_type: int, offset: int) -> int:
    block_length = _GOOGLE_LENGTHS[frame_type & 3]
    offset += _GOOGLE_LENGTHS[frame_type >> 2 & 3] + 2
    blocks = 0
    if frame_type & 0x20:
        blocks = payload[offset]
        offset += 1
    offset += block_length + blocks * (1 + block_length)
    timestamps = payload[offset]
    offset += 1
    return offset + (5 + 3 * (timestamps - 1) if timestamps else 0)

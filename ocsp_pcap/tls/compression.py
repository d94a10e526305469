"""Certificate decompression (RFC 8879) with bounded output."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Final

from ocsp_pcap.bounds import BOUNDS, reached

_MAX_WINDOW: Final = 1 << 23
_SMALL: Final = 4096
"""Bytes that are expanded whatever they come from."""


class CompressionError(ValueError):
    """Compressed bytes that cannot be expanded to the announced length."""


def _zlib(data: bytes, size: int) -> bytes:
    return zlib.decompressobj().decompress(data, size + 1)


def _brotli(data: bytes, size: int) -> bytes:
    import brotli

    decompressor = brotli.Decompressor()
    output = bytearray()
    # Bytes go in one at a time because releases before 1.2 cannot bound what a call puts out: so one
    # call puts out no more than the rest of a meta-block (RFC 7932 2: 16 MiB).
    for position in range(len(data)):
        output += decompressor.process(data[position : position + 1])
        if len(output) > size:
            break
    return bytes(output[: size + 1])


def _zstd(data: bytes, size: int) -> bytes:
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(BytesIO(data))
    return reader.read(size + 1)


_ALGORITHMS: Final = {1: _zlib, 2: _brotli, 3: _zstd}


def decompress(algorithm: int, data: bytes, size: int) -> bytes:
    """Expand ``data`` to exactly ``size`` bytes (RFC 8879 4); algorithm 1 zlib, 2 brotli, 3 zstd.

    Raises CompressionError for an unknown algorithm, damaged data, a size that differs or is over
    BOUNDS.expanded_certificates. Never puts out much more than ``size`` bytes.
    """
    expand = _ALGORITHMS.get(algorithm)
    if expand is None:
        raise CompressionError(f"unknown compression algorithm {algorithm}")
    if size > BOUNDS.expanded_certificates:
        reached("expanded_certificates")
        raise CompressionError(f"announces {size} bytes, more than {BOUNDS.expanded_certificates}")
    if size > BOUNDS.certificate_ratio * len(data) + _SMALL:
        reached("certificate_ratio")
        raise CompressionError(f"announces {size} bytes in {len(data)}")
    try:
        content = expand(data, size)
    except Exception as error:  # each library raises its own kind
        raise CompressionError(f"damaged compressed data ({type(error).__name__})") from None
    if len(content) != size:
        raise CompressionError("does not expand to the announced length")
    return content

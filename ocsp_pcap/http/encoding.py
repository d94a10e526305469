"""Content encodings (RFC 9110 8.4): gzip, deflate, br (RFC 7932) and zstd (RFC 8878), within bounds."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.http.events import Headers

_MAX_WINDOW: Final = 1 << 23
"""Bytes of a zstd window (RFC 9659 3)."""

_Expand = Callable[[bytes, int], bytes]


def decode_body(headers: Headers, body: bytes, limit: int) -> tuple[bytes, str | None]:
    """Remove the content encodings of a body; return at most ``limit`` bytes and what went wrong.

    Where an encoding cannot be removed, the body is returned as it was before.
    """
    listed = ",".join(value for name, value in headers if name == "content-encoding").lower()
    encodings = [
        word for word in (each.strip() for each in listed.split(",")) if word not in ("", "identity")
    ]
    if len(encodings) > BOUNDS.http_encodings:
        return body, f"more than {BOUNDS.http_encodings} content encodings"
    for encoding in reversed(encodings if body else ()):
        expand = _ENCODINGS.get(encoding)
        if expand is None:
            return body, f"content-encoding {encoding[:40]} is not read"
        try:
            decoded = expand(body, limit)
        except MemoryError:
            raise
        except Exception:  # each library raises its own kind
            return body, f"damaged {encoding} encoding"
        if len(decoded) > limit:
            return decoded[:limit], f"more than {limit} bytes inside the {encoding} encoding"
        body = decoded
    return body, None


def _deflated(body: bytes, limit: int) -> bytes:
    # Some servers send the bare form (RFC 1951) and not that of RFC 1950.
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        decoder = zlib.decompressobj(window)
        try:
            return decoder.decompress(body, limit + 1)
        except zlib.error as error:
            problem = error
    raise problem


def _brotli(body: bytes, limit: int) -> bytes:
    import brotli

    decoder = brotli.Decompressor()
    decoded = bytearray(decoder.process(body, output_buffer_limit=limit + 1))
    while len(decoded) <= limit and not decoder.can_accept_more_data() and not decoder.is_finished():
        decoded += decoder.process(b"", output_buffer_limit=limit + 1 - len(decoded))
    return bytes(decoded)


def _zstd(body: bytes, limit: int) -> bytes:
    from io import BytesIO

    import zstandard

    decoder = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    return decoder.stream_reader(BytesIO(body), read_across_frames=True).read(limit + 1)


_ENCODINGS: Final[dict[str, _Expand]] = {
    "gzip": _deflated,
    "x-gzip": _deflated,
    "deflate": _deflated,
    "br": _brotli,
    "zstd": _zstd,
}

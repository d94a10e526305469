"""Decompression as a stream: bounded memory, concatenated members, damage reported and not raised."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Protocol

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.capture.formats import compression

_INPUT = 1 << 16
_ZSTD_INPUT = 1 << 10  # 4 bytes of input may stand for 128 KiB of output, and no bound can be set
_OUTPUT = 1 << 20
_FREE = 64 << 20
"""Bytes that are delivered whatever they come from."""


class _Decompressor(Protocol):
    """What bz2, lzma and lz4 share, and the adapters below imitate."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """One gzip member (RFC 1952)."""

    def __init__(self) -> None:
        import zlib

        self._object = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def needs_input(self) -> bool:
        return not self._object.unconsumed_tail and not self._object.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._object.decompress(self._object.unconsumed_tail + data, max_length)


class _Zstd:
    """One zstd frame (RFC 8878)."""

    needs_input = True

    def __init__(self) -> None:
        import zstandard

        self._object = zstandard.ZstdDecompressor().decompressobj()

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._object.decompress(data)


def _decompressor(name: str) -> Callable[[], _Decompressor]:
    if name == "gzip":
        return _Gzip
    if name == "zstd":
        return _Zstd
    if name == "xz":
        import lzma

        return lambda: lzma.LZMADecompressor(memlimit=1 << 28)
    if name == "bzip2":
        import bz2

        return bz2.BZ2Decompressor
    import lz4.frame

    return lz4.frame.LZ4FrameDecompressor  # type: ignore[no-any-return]


class Decompressed(io.RawIOBase):
    """The decompressed bytes of a stream, read in bounded pieces.

    Members (frames) that follow each other are read as one stream. Where the compressed data is cut
    or corrupt, everything before it is delivered, the stream ends there and :attr:`damage` says why.
    """

    def __init__(self, raw: io.BufferedReader, name: str) -> None:
        self.damage: str | None = None
        self.raw = raw
        self._name = name
        self._make = _decompressor(name)
        self._input_size = _ZSTD_INPUT if name == "zstd" else _INPUT
        self._member: _Decompressor | None = None
        self._input = b""
        self._output = memoryview(b"")
        self._offset = 0
        self._ended = False
        self._delivered = 0

    @property
    def position(self) -> int:
        """Compressed bytes read so far."""
        return self._offset

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, target: object) -> int:
        """Fill ``target`` (a writable buffer) as far as one piece of output goes; 0 means the end."""
        view = memoryview(target).cast("B")  # type: ignore[arg-type]
        if not len(view):
            return 0
        while not self._output and not self._ended:
            self._output = memoryview(self._produce(min(len(view), _OUTPUT)))
        count = min(len(view), len(self._output))
        self._delivered += count
        if self._delivered > BOUNDS.capture_bytes:
            self._output = memoryview(b"")
            self._end(
                f"a bound of this program: the {self._name} data expands to more than "
                f"{BOUNDS.capture_bytes:,} bytes (--bound capture_bytes=N changes it)"
            )
            return 0
        if self._delivered > _FREE and self._delivered > BOUNDS.capture_ratio * self._offset:
            self._output = memoryview(b"")
            self._end(
                f"a bound of this program: the {self._name} data expands to more than "
                f"{BOUNDS.capture_ratio} times its size (--bound capture_ratio=N changes it)"
            )
            return 0
        view[:count] = self._output[:count]
        self._output = self._output[count:]
        return count

    def close(self) -> None:
        """Close the compressed stream too."""
        if not self.closed:
            self.raw.close()
        super().close()

    def _fill(self) -> bool:
        """Get more compressed bytes; False at their end."""
        # A read that waits for more than there is would lose it where it is interrupted.
        data = self.raw.read1(self._input_size)
        self._offset += len(data)
        self._input += data
        return bool(data)

    def _produce(self, size: int) -> bytes:
        """Return some decompressed bytes, perhaps none; set ``_ended`` when there are no more."""
        if self._member is None and not self._next_member():
            self._ended = True
            return b""
        assert self._member is not None
        if self._member.needs_input and not self._input and not self._fill():
            self._end(f"the {self._name} data is cut short after {self._offset} compressed bytes")
            return b""
        data, self._input = self._input, b""
        try:
            output = self._member.decompress(data, size)
        except Exception as error:
            # Each library has its own exception types, and lz4 raises RuntimeError.
            self._end(f"the {self._name} data is corrupt near compressed byte {self._offset}: {error}")
            return b""
        if self._member.eof:
            self._input = self._member.unused_data or b""
            self._member = None
        return output

    def _next_member(self) -> bool:
        first = self._offset == 0
        while len(self._input) < 16 and self._fill():
            pass
        if not first:
            # gzip and xz allow zero padding between and after members.
            self._input = self._input.lstrip(b"\0")
            while not self._input and self._fill():
                self._input = self._input.lstrip(b"\0")
            if not self._input:
                return False
            while len(self._input) < 16 and self._fill():
                pass
            if compression(self._input) != self._name and not _is_skippable(self._input, self._name):
                self.damage = f"bytes that are not {self._name} data follow its end and were not read"
                return False
        self._member = self._make()
        return True

    def _end(self, damage: str) -> None:
        self.damage = damage
        self._ended = True


def _is_skippable(data: bytes, name: str) -> bool:
    """Tell whether a skippable frame, which zstd and lz4 share, starts here."""
    return name in ("zstd", "lz4") and data[1:4] == b"\x2a\x4d\x18" and 0x50 <= data[0] <= 0x5F

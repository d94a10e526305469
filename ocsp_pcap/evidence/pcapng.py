"""Writing pcapng (draft-ietf-opsawg-pcapng) with scapy; imported only where something is written."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from scapy.utils import RawPcapNgWriter

_COMMENT, _USER_APPLICATION, _NAME, _RESOLUTION = 1, 4, 2, 9
"""Option codes: opt_comment, shb_userappl, if_name, if_tsresol."""
_NANOSECONDS: Final = b"\x09"
_MOST: Final = 0xFF00
"""Bytes of one option, whose length field has 16 bits."""


class EvidenceWriter(RawPcapNgWriter):  # type: ignore[misc,unused-ignore]
    """A pcapng file with time stamps in nanoseconds and several interfaces."""

    def __init__(self, path: Path, application: str, comment: str) -> None:
        super().__init__(str(path))
        # Times are given as whole ticks: scapy multiplies them by this.
        self.tsresol = 1
        self.header_present = True
        self._interfaces = 0
        body = self.endian_magic + struct.pack(self.endian + "HHq", 1, 0, -1)
        options = self._options((_COMMENT, _utf8(comment)), (_USER_APPLICATION, _utf8(application)))
        self.f.write(self.build_block(b"\x0a\x0d\x0d\x0a", body, options=options))

    def add_interface(self, link_type: int, name: str) -> int:
        """Begin an interface and return its number."""
        body = struct.pack(self.endian + "HHI", link_type, 0, 0)
        options = self._options((_NAME, _utf8(name)), (_RESOLUTION, _NANOSECONDS))
        self.f.write(self.build_block(struct.pack(self.endian + "I", 1), body, options=options))
        self._interfaces += 1
        return self._interfaces - 1

    def add_packet(self, interface: int, time: int, data: bytes, original_length: int, comment: str) -> None:
        """Write a packet; ``time`` is in nanoseconds since the epoch."""
        self._write_block_epb(
            data,
            ifid=interface,
            timestamp=time & 0xFFFFFFFFFFFFFFFF,
            caplen=len(data),
            orglen=original_length,
            comments=[_utf8(comment)],
        )

    def _options(self, *options: tuple[int, bytes]) -> bytes:
        """Return options as they stand in a block, with their end."""
        written = b"".join(
            struct.pack(self.endian + "HH", code, len(value)) + self._add_padding(value)
            for code, value in options
        )
        return written + struct.pack(self.endian + "HH", 0, 0)


def _utf8(text: str) -> bytes:
    data = text.encode("utf-8", "backslashreplace")
    return data if len(data) <= _MOST else data[:_MOST].decode("utf-8", "ignore").encode()

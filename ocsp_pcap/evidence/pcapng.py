"""Writing pcapng (draft-ietf-opsawg-pcapng) with scapy; imported only where something is written.

scapy writes the packets, and lays out every block. The blocks before them, which describe sections,
interfaces and secrets, are put together here: scapy knows no options for them.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from scapy.utils import RawPcapNgWriter

_COMMENT, _NAME, _DESCRIPTION, _USER_APPLICATION, _RESOLUTION = 1, 2, 3, 4, 9
"""Option codes: opt_comment, if_name, if_description, shb_userappl, if_tsresol."""
_INTERFACE, _SECRETS, _TLS_KEY_LOG = 1, 10, 0x544C534B
_NANOSECONDS: Final = b"\x09"
_MOST: Final = 0xFF00
"""Bytes of one option, whose length field has 16 bits."""


class _Packet(bytes):
    """A packet's bytes with what scapy's writer asks of a packet."""

    comments: list[bytes]
    comment: bytes
    sniffed_on: str
    direction: int | None = None


class EvidenceWriter:
    """A pcapng file with time stamps in nanoseconds and several interfaces; these come before packets."""

    def __init__(self, path: Path, application: str, comment: str) -> None:
        self._writer = RawPcapNgWriter(str(path))
        # Times are given as whole ticks: scapy multiplies them by this.
        self._writer.tsresol = 1
        self._writer.header_present = True
        self._writer.linktype = 0
        self._writer.interfaces2id.clear()
        body = self._writer.endian_magic + struct.pack("<HHq", 1, 0, -1)
        self._block(
            0x0A0D0D0A, body, _options((_COMMENT, _utf8(comment)), (_USER_APPLICATION, _utf8(application)))
        )

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._writer.close()

    def add_interface(self, link_type: int, name: str, description: str = "", comment: str = "") -> int:
        """Begin an interface and return its number."""
        number = len(self._writer.interfaces2id)
        texts = ((_COMMENT, comment), (_NAME, name), (_DESCRIPTION, description))
        options = _options(
            *((code, _utf8(text)) for code, text in texts if text), (_RESOLUTION, _NANOSECONDS)
        )
        self._block(_INTERFACE, struct.pack("<HHI", link_type, 0, 0), options)
        self._writer.interfaces2id[str(number).encode()] = number
        return number

    def add_secrets(self, key_log: bytes) -> None:
        """Write lines of a TLS key log, which open the packets that follow."""
        padding = bytes(-len(key_log) % 4)
        self._block(_SECRETS, struct.pack("<II", _TLS_KEY_LOG, len(key_log)) + key_log + padding)

    def add_packet(self, interface: int, time: int, data: bytes, original_length: int, comment: str) -> None:
        """Write a packet; ``time`` is in nanoseconds since the epoch."""
        packet = _Packet(data)
        packet.comment = _utf8(comment)
        packet.comments = [packet.comment]
        packet.sniffed_on = str(interface)
        self._writer.write_packet(
            packet, sec=time & 0xFFFFFFFFFFFFFFFF, usec=0, caplen=len(data), wirelen=original_length
        )

    def _block(self, kind: int, body: bytes, options: bytes = b"") -> None:
        self._writer.f.write(self._writer.build_block(struct.pack("<I", kind), body, options=options))


def _options(*options: tuple[int, bytes]) -> bytes:
    """Return options as they stand in a block, with their end."""
    written = b"".join(
        struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4) for code, value in options
    )
    return written + bytes(4)


def _utf8(text: str) -> bytes:
    data = text.encode("utf-8", "backslashreplace")
    return data if len(data) <= _MOST else data[:_MOST].decode("utf-8", "ignore").encode()

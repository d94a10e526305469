"""Recognising files by their first bytes: captures, compression, and what else a file seems to be."""

from __future__ import annotations

PCAP_MAGICS = {
    0xA1B2C3D4: "pcap",
    0xA1B23C4D: "pcap with nanoseconds",
    0xA1B2CD34: "modified pcap",
    0x1C0001AC: "Ixia pcap with nanoseconds",
    0x1C0001AB: "Ixia pcap",
}
PCAPNG_MAGIC = b"\n\r\r\n"

COMPRESSION = (
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"BZh", "bzip2"),
)

_OTHERS = (
    (b"snoop\x00\x00\x00", "a Sun snoop capture"),
    (b"btsnoop\x00", "a Bluetooth snoop capture"),
    (b"RTSS", "a Microsoft Network Monitor 1 capture"),
    (b"GMBU", "a Microsoft Network Monitor 2 capture"),
    (b"iptrace ", "an AIX iptrace capture"),
    (b"TRSNIFF data    \x1a", "a DOS Sniffer capture"),
    (b"XCP\x00", "a NetXray or Windows Sniffer capture"),
    (b"VL\x00\x00", "a NetXray capture"),
    (b"\x7fver", "a Savvius *Peek capture"),
    (b"ObserverPktBuffer", "a Viavi Observer capture"),
    (b"\x05VNF", "a Visual Networks capture"),
    (b"\x54\x52\x00\x64\x00", "a NetTrace capture"),
    (b"\x00\x02\x12\x05", "a Tektronix K12 capture"),
    (b"CINARC", "a Colasoft Capsa capture"),
    (b"cstrace", "a ClearSight trace"),
    (b"EyeSDN", "an EyeSDN capture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"\x89PNG", "a picture"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"-----BEGIN ", "a PEM file"),
    (b"CLIENT_RANDOM ", "a TLS key log"),
    (b"# SSL/TLS secrets log", "a TLS key log"),
    (b"<?xml", "an XML file"),
    (b"<!DOCTYPE html", "an HTML page"),
    (b"<html", "an HTML page"),
)

HEAD = 512
"""Bytes from the start of a file that are enough for every function of this module."""


def compression(head: bytes) -> str | None:
    """Name the compression of a file that starts with ``head``, or return None."""
    for magic, name in COMPRESSION:
        if head.startswith(magic):
            return name
    return None


PCAP_HEADER = 24
"""Bytes of the file header of pcap."""


def is_pcap(head: bytes) -> bool:
    """Tell whether ``head`` starts a pcap file of any variant and byte order."""
    return int.from_bytes(head[:4], "little") in PCAP_MAGICS or int.from_bytes(head[:4], "big") in PCAP_MAGICS


def is_pcapng(head: bytes) -> bool:
    """Tell whether ``head`` starts a pcapng file: a Section Header Block with a byte-order magic."""
    return head[:4] == PCAPNG_MAGIC and head[8:12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a")


def is_capture(head: bytes) -> bool:
    """Tell whether ``head``, decompressed, starts a capture that can be read."""
    return is_pcap(head) or is_pcapng(head)


def describe(head: bytes) -> str | None:
    """Say what a file that is no readable capture seems to be, such as "a text file"; None: no idea."""
    for magic, name in _OTHERS:
        if head.startswith(magic):
            return name
    if head.startswith(PCAPNG_MAGIC):
        return "a pcapng file without a valid section header"
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "a text file in UTF-16"
    if not any(head):
        return "a file that starts with zeros only"
    if _is_text(head):
        return "a JSON file" if head.lstrip()[:1] in (b"{", b"[") else "a text file"
    if _is_erf(head):
        return "an Endace ERF capture"
    return None


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\n\r\f\x1b\ufeff" for character in text)


def _is_erf(head: bytes) -> bool:
    """Guess ERF, which has no magic: a known record type and a record length that holds the header."""
    if len(head) < 16:
        return False
    record_type, length, wire_length = head[8] & 0x7F, int.from_bytes(head[10:12], "big"), head[14:16]
    seconds = int.from_bytes(head[4:8], "little")
    return 0 < record_type <= 48 and length >= 16 and any(wire_length) and 946684800 <= seconds < 2**31

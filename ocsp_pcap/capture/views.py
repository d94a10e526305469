"""Several captures in one file: evidence that was chosen from a child's and a parent's capture, say.

Each interface of an evidence capture says, in its comment, which capture its packets are from. What was
several captures is read as several, so that they prove what they proved before; frames are numbered through
the whole file, as Wireshark shows them.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from ocsp_pcap.capture.errors import CaptureError
from ocsp_pcap.capture.formats import is_pcapng
from ocsp_pcap.capture.source import CaptureSource

if TYPE_CHECKING:
    from ocsp_pcap.capture.pcapng_blocks import Interface

_MOST_BLOCK: Final = 64 << 20
_MOST_INTERFACES: Final = 4096


def views(source: CaptureSource) -> list[CaptureSource]:
    """Return the captures that a file holds side by side; the source alone where it is one capture.

    Reads as far as the first packet. What cannot be read is one capture: reading it tells why.
    """
    if source.path is None or not source.path.is_file():
        return [source]
    try:
        with source.open() as stream:
            interfaces = _interfaces(stream)
    except (CaptureError, OSError):
        return [source]
    groups: dict[str, list[int]] = {}
    for number, interface in enumerate(interfaces):
        groups.setdefault(interface.evidence, []).append(number)
    if len(groups) < 2 or "" in groups:
        return [source]
    names = [interfaces[numbers[0]].name or str(numbers[0]) for numbers in groups.values()]
    if len(set(names)) < len(names):
        names = [f"{number}. {name}" for number, name in enumerate(names, 1)]
    return [
        replace(source, name=f"{source.name}:{name}", interfaces=frozenset(numbers))
        for name, numbers in zip(names, groups.values(), strict=True)
    ]


def named_view(name: str) -> CaptureSource | None:
    """Return the capture in a file that a name such as ``evidence.pcapng:child.pcap`` stands for."""
    file, colon, _ = name.rpartition(":")
    while colon:
        path = Path(file)
        if path.is_file():
            return next((view for view in views(CaptureSource(file, path)) if view.name == name), None)
        file, colon, _ = file.rpartition(":")
    return None


def _interfaces(stream: BinaryIO) -> list[Interface]:
    """Read the descriptions of interfaces before the first packet."""
    found: list[Interface] = []
    order = ""
    while len(found) < _MOST_INTERFACES:
        head = stream.read(12)
        if len(head) < 12:
            break
        if not order:
            if not is_pcapng(head):
                break
            from ocsp_pcap.capture import pcapng_blocks as blocks

            order = "<" if head[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, length = struct.unpack_from(order + "II", head)
        if not 12 <= length <= _MOST_BLOCK:
            break
        body = head[8:] + stream.read(length - 12)
        if kind == blocks.INTERFACE_DESCRIPTION:
            interface = blocks.read_interface(order, body[:-4])
            if interface is None:
                break
            found.append(interface)
        elif kind not in (blocks.SECTION_HEADER, blocks.DECRYPTION_SECRETS) or (
            kind == blocks.SECTION_HEADER and found
        ):
            break
    return found

"""The pcap format (draft-ietf-opsawg-pcap) and its variants."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import numpy as np

from ocsp_pcap.capture.batch import Bytes, Column
from ocsp_pcap.capture.chain import BlockChain, gather, lanes
from ocsp_pcap.capture.formats import PCAP_HEADER, PCAP_MAGICS
from ocsp_pcap.capture.parser import FileDamage, Parsed, link_type_value, nothing, snaplen_limit

LANE = 1 << 15
"""Bytes from one place where the search for a record begins to the next."""
SEARCHED = 2048
"""Bytes that are searched there; most records are shorter."""
_BYTE = np.array(256, np.uint16)
_LONG_RECORD = 2048
"""Where records were longer than this on average a plain walk over the next block is cheaper."""

# AIX wrote RFC 1573 interface types, in version 2.2 only.
_AIX_LINK_TYPES = {6: 1, 9: 6, 15: 10, 24: 0}


class _Variant(NamedTuple):
    """How the records of one kind of pcap file look."""

    header: int
    """Bytes of a record header; the first 16 mean the same in all variants."""
    nanoseconds: bool = False


_STANDARD = _Variant(16)
_STANDARD_NS = _Variant(16, nanoseconds=True)
_PATCHED = _Variant(24)
_PATCHED_SMP = _Variant(28)
_NOKIA = _Variant(20)


class PcapParser:
    """Reads one pcap file, block by block; see :class:`~ocsp_pcap.capture.parser.BlockParser`."""

    def __init__(self) -> None:
        self.snaplen: int | None = None
        self.dropped: int | None = None
        self.secrets: list[bytes] = []
        self.evidence: str | None = None
        self._order = "<"
        self._choices: tuple[_Variant, ...] = ()
        self._variant: _Variant | None = None
        self._captured: tuple[int, ...] = (2,)
        """Fields of a record header that tell the captured length: the least of them."""
        self._original: tuple[int, ...] = (3,)
        """Likewise, the greatest of them."""
        self._link_type = 0
        self._limit = 0
        self._mean = 0

    def parse(self, buffer: Bytes, start: int, end: int, final: bool) -> Parsed:
        """Read the complete records of ``buffer[start:end]``."""
        if not self._choices:
            if end - start < PCAP_HEADER + 4:
                if not final:
                    return nothing(start, PCAP_HEADER + 4)
                if end - start < PCAP_HEADER:
                    return nothing(start, 0, FileDamage(end, "the file ends inside its header"))
            problem, size = self._file_header(bytes(buffer[start : min(start + 28, end)]))
            if problem:
                return nothing(start, 0, FileDamage(start, problem))
            start += size
        if self._variant is None:
            needed = self._choose_variant(buffer, start, end, final)
            if needed:
                return nothing(start, needed)
        assert self._variant is not None
        header = self._variant.header
        hints = self._speculate(buffer, start, end, header) if self._mean < _LONG_RECORD else BlockChain()
        parsed = self._walk(hints, buffer, start, end, final)
        ends = parsed.offset + parsed.captured_length
        if (ends[:-1] + header != parsed.offset[1:]).any() or (ends[-1:] != parsed.consumed).any():
            parsed = self._walk(BlockChain(), buffer, start, end, final)
        self._mean = (parsed.consumed - start) // max(len(parsed), 1)
        return parsed

    def _file_header(self, data: bytes) -> tuple[str | None, int]:
        """Read the file header; return what is wrong with it and its size."""
        self._order = "<" if int.from_bytes(data[:4], "little") in PCAP_MAGICS else ">"
        magic, major, minor, _, _, snaplen, network = struct.unpack_from(self._order + "IHHiIII", data)
        if magic not in PCAP_MAGICS:
            return "this is no pcap file", 0
        self.snaplen = snaplen or None
        size = PCAP_HEADER
        if magic == 0xA1B2CD34:
            self._choices = (_PATCHED, _PATCHED_SMP)
        elif magic in (0xA1B23C4D, 0x1C0001AC):
            self._choices = (_STANDARD_NS,)
        elif magic == 0x1C0001AB:
            self._choices = (_STANDARD,)
        else:
            self._choices = (_STANDARD, _PATCHED, _NOKIA)
        if magic in (0x1C0001AB, 0x1C0001AC):
            size += 4
        # Before version 2.3 the original length came first, and some writers of 2.3 kept that order.
        if (major == 2 and minor < 3) or major == 543:
            self._captured, self._original = (3,), (2,)
        elif major == 2 and minor == 3:
            self._captured = self._original = (2, 3)
        link_type = network & 0xFFFF
        if magic == 0xA1B2C3D4 and (major, minor) == (2, 2) and link_type in _AIX_LINK_TYPES:
            link_type = _AIX_LINK_TYPES[link_type]
            self._choices = (_STANDARD_NS,)
        elif self._captured != (2,):
            self._choices = self._choices[:1]
        self._link_type = link_type_value(link_type)
        self._limit = snaplen_limit(self._link_type)
        return None, size

    def _choose_variant(self, buffer: Bytes, start: int, end: int, final: bool) -> int:
        """Find which record header fits the first three records best, as Wireshark does.

        Returns how many bytes that takes where there are too few, else 0.
        """
        best: tuple[int, _Variant] | None = None
        for variant in self._choices:
            if len(self._choices) == 1:
                best = (0, variant)
                break
            faults, needed = self._faults(buffer, start, end, variant)
            if needed and not final:
                return needed
            faults += bool(needed)
            if best is None or faults < best[0]:
                best = (faults, variant)
            if not faults:
                break
        assert best is not None
        self._variant = best[1]
        return 0

    def _faults(self, buffer: Bytes, start: int, end: int, variant: _Variant) -> tuple[int, int]:
        """Count what is odd in the first three records; also return the bytes needed to see them all."""
        faults, position = 0, start
        for _ in range(3):
            body = position + variant.header
            if position == end:
                return faults, (variant.header if position == start else body - start)
            if body > end:
                return faults, body - start
            _, fraction, included, original = struct.unpack_from(self._order + "4I", buffer.data, position)
            extra = bytes(buffer[position + 16 : body])
            faults += (
                (fraction >= 1_000_000)
                + (included > self._limit)
                + (included > (self.snaplen or 0))
                + (original > 128 << 20)
                + (included > original)
                + _extra_faults(variant, extra, self._order)
            )
            if included > self._limit:
                return faults, 0
            position = body + included
            if position > end:
                return faults, position - start
        return faults, 0

    def _walk(self, hints: BlockChain, buffer: Bytes, start: int, end: int, final: bool) -> Parsed:
        assert self._variant is not None
        view, limit, header = buffer.data, self._limit, self._variant.header
        length_of = self._length_reader()

        def step(position: int, until: int) -> tuple[list[int], int, bool]:
            positions: list[int] = []
            append = positions.append
            while position < until:
                length = length_of(view, position)[0]
                if length > limit:
                    return positions, position, True
                append(position)
                position += header + length
            if position > end:
                # The last one is not whole, perhaps not even its header, behind which there is padding.
                position = positions.pop()
                return positions, position, True
            return positions, position, False

        positions, stop = hints.follow(start, end, step)
        needed, damage = self._diagnose(buffer, stop, end, final, header)
        return self._rows(buffer, positions, stop, needed, damage, self._variant)

    def _speculate(self, buffer: Bytes, start: int, end: int, header: int) -> BlockChain:
        """Walk from many places at once where, by the two high bytes of their time, records may start.

        Captured lengths are taken by their two low bytes: numpy gathers single bytes several at a time, but
        nothing that is longer. So :meth:`parse` has to look whether the records follow each other.
        """
        shift = 2 if self._order == "<" else 0
        view = buffer.data
        search = re.compile(re.escape(bytes(view[start + shift : start + shift + 2]))).search
        starts = [
            match.start() - shift
            for at in range(start + shift, end, LANE)
            if (match := search(view, at, min(at + SEARCHED, end)))
        ]
        places = (0, 1) if self._order == "<" else (3, 2)
        low, high = (buffer[4 * self._captured[0] + place :] for place in places)
        size = np.array(header)

        def follow(at: Column) -> Column:
            length = high.take(at, mode="clip") * _BYTE
            length += low.take(at, mode="clip")
            after: Column = at + length
            after += size
            return after

        return BlockChain(*lanes(np.array(starts), end, follow))

    def _length_reader(self) -> Callable[[memoryview, int], tuple[int, ...]]:
        """Return what reads, as its first value, how many bytes of the packet behind a header are there."""
        if self._captured != (2, 3):
            return struct.Struct(f"{self._order}{4 * self._captured[0]}xI").unpack_from
        both = struct.Struct(self._order + "8xII").unpack_from
        return lambda view, position: (min(both(view, position)),)

    def _diagnose(
        self, buffer: Bytes, stop: int, end: int, final: bool, header: int
    ) -> tuple[int, FileDamage | None]:
        """Say why the walk stopped: how many bytes are needed, or what is damaged."""
        if stop == end:
            return 0, None
        if stop + header > end:
            if final:
                return 0, FileDamage(stop, "the file is cut short in the header of a packet")
            return header, None
        included = self._length_reader()(buffer.data, stop)[0]
        if included > self._limit:
            return 0, FileDamage(stop, f"a packet header claims {included} bytes, more than any packet has")
        if final:
            missing = stop + header + included - end
            return 0, FileDamage(
                stop, f"the file is cut short in the middle of a packet, {missing} bytes are missing"
            )
        return header + included, None

    def _rows(
        self,
        buffer: Bytes,
        positions: Column,
        consumed: int,
        needed: int,
        damage: FileDamage | None,
        variant: _Variant,
    ) -> Parsed:
        fields = gather(buffer, positions, 4)
        if self._order != ("<" if np.little_endian else ">"):
            fields = fields.byteswap()
        captured = reduce(np.minimum, [fields[:, at] for at in self._captured]).astype(np.int64)
        original = reduce(np.maximum, [fields[:, at] for at in self._original]).astype(np.int64)
        fraction = fields[:, 1].astype(np.int64)
        if not variant.nanoseconds:
            fraction *= 1000
        time = fields[:, 0].astype(np.int64)
        time *= 1_000_000_000
        time += fraction
        link_type = np.full(len(positions), self._link_type, np.int64)
        return Parsed(
            positions + variant.header, captured, original, time, link_type, consumed, needed, damage
        )


def _extra_faults(variant: _Variant, extra: bytes, order: str) -> int:
    """Count what is odd in the fields that only some variants have."""
    if variant is _NOKIA:
        (value,) = struct.unpack(order + "I", extra)
        plausible = (
            value & 0x0FFF00F0 == 0x0FBF0000
            and value >> 28 in (0x9, 0xB)
            and value >> 12 & 0xF in (0xB, 0xD)
            and value >> 8 & 0xF in (0x6, 0x9)
            and value & 0xF in (1, 2)
        )
        return int(not plausible)
    if variant in (_PATCHED, _PATCHED_SMP):
        interface, protocol, packet_type = struct.unpack_from(order + "IHB", extra)
        known = protocol >= 0x0600 or protocol <= 0x17 or protocol in (0x0060, 0x0200, 0x0400)
        return int(interface > 10000) + int(not known) + int(packet_type > 4)
    return 0

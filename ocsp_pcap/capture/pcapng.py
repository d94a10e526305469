"""The pcapng format (draft-ietf-opsawg-pcapng).

Frames are numbered as Wireshark numbers them: systemd journal entries, sysdig events and custom
blocks count, and come as rows with the link type NOT_A_PACKET and no bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture import pcapng_blocks as blocks
from ocsp_pcap.capture.batch import Bytes, Column
from ocsp_pcap.capture.chain import NONE, BlockChain, Finder, gather
from ocsp_pcap.capture.parser import NOT_A_PACKET, SNAPLEN_LIMIT, FileDamage, Parsed, nothing, snaplen_limit
from ocsp_pcap.capture.pcapng_rows import CLAIMS_MORE, SINGLE_ROWS, SingleRows
from ocsp_pcap.capture.pcapng_state import FileState

BLOCK_LIMIT = 64 << 20
"""A block that claims to be longer is taken for garbage."""
ORDER_CHANGE_LIMIT = 10_000
"""Only files that are made to waste time change the byte order more often: each time is costly."""

_SPECULATE_FROM = 4096
_PLAUSIBLE_BLOCK = 16


@dataclass(frozen=True, slots=True)
class _Table:
    """Interfaces as an Enhanced Packet Block finds them: those before it in its section."""

    position: Column
    """Where each state of the table begins to hold."""
    base: Column
    """Index, among all known interfaces, of the section's first one."""
    count: Column
    """Interfaces that the section has described."""


class PcapngParser:
    """Reads one pcapng file, block by block; see :class:`~ocsp_pcap.capture.parser.BlockParser`."""

    def __init__(self, interfaces: frozenset[int] | None = None) -> None:
        """``interfaces``: those whose packets are wanted; others' are frames without a packet."""
        self._wanted = interfaces
        self._state = FileState()
        self._order = ""
        self._order_changes = 0
        self._last_time = 0
        self._chains: dict[str, BlockChain] = {}
        self._finder = Finder()

    @property
    def snaplen(self) -> int | None:
        """The largest snapshot length of any interface; None where one is unlimited or none is known."""
        return self._state.snaplen

    @property
    def dropped(self) -> int | None:
        """Dropped packets as each interface's last statistics report them, summed up."""
        return self._state.dropped

    @property
    def evidence(self) -> str | None:
        """What evidence says of the capture that it was chosen from; None: it is none, or from several."""
        return self._state.evidence(self._wanted)

    @property
    def secrets(self) -> list[bytes]:
        """TLS key log text, in file order."""
        return self._state.secrets

    def parse(self, buffer: Bytes, start: int, end: int, final: bool) -> Parsed:
        """Read the complete blocks of ``buffer[start:end]``."""
        self._chains.clear()
        pieces: list[Parsed] = []
        position, needed, damage = start, 0, None
        while True:
            if self._order:
                first = position
                positions, position = self._walk(buffer, first, end)
                if len(positions):
                    piece, damage = self._rows(buffer, positions)
                    pieces.append(piece)
                    if damage:
                        position = damage.position
                        break
            needed, damage, switched = self._diagnose(buffer, position, end, final)
            if not switched:
                break
        return _join(pieces, position, needed, damage)

    def _walk(self, buffer: Bytes, start: int, end: int) -> tuple[Column, int]:
        """Find the blocks from ``start`` on, up to a section of the other byte order."""
        order = self._order
        chain = self._chains.get(order)
        if chain is None:
            chain = self._speculate(buffer, start, end) if end - start >= _SPECULATE_FROM else BlockChain()
            self._chains[order] = chain
        view = buffer.data
        head, word = struct.Struct(order + "III").unpack_from, struct.Struct(order + "I").unpack_from

        def step(position: int, until: int) -> tuple[list[int], int, bool]:
            positions: list[int] = []
            while position < until:
                if position + 12 > end:
                    return positions, position, True
                kind, length, magic = head(view, position)
                length = (length + 3) & ~3
                after = position + length
                if (
                    length < 12
                    or after > end
                    or (word(view, after - 4)[0] + 3) & ~3 != length
                    or (kind == blocks.SECTION_HEADER and magic != 0x1A2B3C4D)
                ):
                    return positions, position, True
                positions.append(position)
                position = after
            return positions, position, False

        return chain.follow(start, end, step)

    def _speculate(self, buffer: Bytes, start: int, end: int) -> BlockChain:
        """Find what may be Enhanced Packet Blocks: that type, and the same length before and behind."""
        words = buffer[start : start + (end - start) // 4 * 4].view(np.uint32)
        value = blocks.ENHANCED_PACKET if self._is_native() else blocks.ENHANCED_PACKET << 24
        index = self._finder.words(words[:-1], value, (end - start) // _PLAUSIBLE_BLOCK)
        length = (self._native(words[index + 1]).astype(np.int64) + 3) & ~3
        last = index + (length >> 2) - 1
        keep = (length >= 12) & (last < len(words))
        index, length, last = index[keep], length[keep], last[keep]
        trailer = (self._native(words[last]).astype(np.int64) + 3) & ~3
        keep = trailer == length
        candidates = index[keep] * 4 + start
        return BlockChain(candidates, candidates + length[keep])

    def _is_native(self) -> bool:
        return (self._order == "<") == np.little_endian

    def _native(self, words: NDArray[np.uint32]) -> NDArray[np.uint32]:
        return words if self._is_native() else words.byteswap()

    def _diagnose(
        self, buffer: Bytes, position: int, end: int, final: bool
    ) -> tuple[int, FileDamage | None, bool]:
        """Say why the walk stopped: bytes needed, damage, or a section of another byte order."""
        available = end - position
        if available == 0:
            return 0, None, False
        if available < 12:
            if final:
                return 0, FileDamage(position, "the file is cut short in the header of a block"), False
            return 12, None, False
        order = self._order
        if bytes(buffer[position : position + 4]) == b"\n\r\r\n":
            order = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(
                bytes(buffer[position + 8 : position + 12]), ""
            )
            if not order:
                return 0, FileDamage(position, "a section header has no valid byte-order magic"), False
            if order != self._order:
                self._order_changes += 1
                if self._order_changes > ORDER_CHANGE_LIMIT:
                    return 0, FileDamage(position, "sections change the byte order without end"), False
                self._order = order
                return 0, None, True
        kind, length = struct.unpack_from(order + "II", buffer.data, position)
        length = (length + 3) & ~3
        if length < 12:
            return (
                0,
                FileDamage(position, f"a block claims to be {length} bytes long, less than any block"),
                False,
            )
        if length > BLOCK_LIMIT:
            return (
                0,
                FileDamage(position, f"a block of type {kind:#x} claims to be {length} bytes long"),
                False,
            )
        if length <= available:
            return 0, FileDamage(position, "the two lengths of a block differ"), False
        if final:
            reason = f"the file is cut short in the middle of a block, {length - available} bytes are missing"
            return 0, FileDamage(position, reason), False
        return length, None, False

    def _rows(self, buffer: Bytes, positions: Column) -> tuple[Parsed, FileDamage | None]:
        """Turn complete blocks into rows, up to the first one whose content makes no sense."""
        self._state.forget_past_sections()
        heads = self._native(gather(buffer, positions, 7))
        enhanced = heads[:, 0] == blocks.ENHANCED_PACKET
        others = NONE if enhanced.all() else np.flatnonzero(~enhanced)
        other_positions, other_heads = positions[others], heads[others]
        before = self._state.copy() if len(others) else self._state
        table, rows, damage = self._others(buffer, other_positions, other_heads)
        if len(others):
            positions, heads = positions[enhanced], heads[enhanced]
        if damage:
            keep = positions < damage.position
            positions, heads = positions[keep], heads[keep]
        state = np.searchsorted(table.position, positions, side="right") - 1
        count = self._good(heads, table.count[state], table.base[state])
        if count < len(positions):
            damage = self._packet_damage(heads[count], int(positions[count]), int(table.count[state[count]]))
            positions, heads, state = positions[:count], heads[:count], state[:count]
            # What stands behind the damage must not have any effect, whatever the block size was.
            self._state = before
            keep = other_positions < damage.position
            table, rows, _ = self._others(buffer, other_positions[keep], other_heads[keep])
        return self._merge(positions, heads, table.base[state], rows), damage

    def _good(self, heads: NDArray[np.uint32], known: Column, base: Column) -> int:
        """Count the Enhanced Packet Blocks before the first one whose content makes no sense."""
        captured = heads[:, 5].astype(np.int64)
        bad = (heads[:, 2] >= known) | (captured + 32 > ((heads[:, 1].astype(np.int64) + 3) & ~3))
        long = np.flatnonzero(~bad & (captured > SNAPLEN_LIMIT))
        for row in long.tolist():
            interface = self._state.interfaces[int(base[row]) + int(heads[row, 2])]
            bad[row] = captured[row] > snaplen_limit(interface.link_type)
        return int(bad.argmax()) if bad.any() else len(bad)

    @staticmethod
    def _packet_damage(head: NDArray[np.uint32], position: int, known: int) -> FileDamage:
        if head[2] >= known:
            return FileDamage(position, f"a packet names interface {head[2]}, its section describes {known}")
        if head[5] + np.int64(32) > head[1]:
            return FileDamage(position, CLAIMS_MORE)
        return FileDamage(position, f"a packet claims {head[5]} bytes, more than any packet has")

    def _merge(self, positions: Column, heads: NDArray[np.uint32], base: Column, rows: SingleRows) -> Parsed:
        interface = base + heads[:, 2]
        stamps = (heads[:, 3].astype(np.uint64) << np.uint64(32)) | heads[:, 4]
        time = self._times(interface, stamps)
        link_types = np.array([known.link_type for known in self._state.interfaces] or [0], np.int64)
        lengths = heads[:, 5:7].astype(np.int64)
        if self._wanted is not None:
            other = np.array([number not in self._wanted for number in range(len(link_types))])
            link_types[other] = NOT_A_PACKET
            lengths[other[interface]] = 0
        columns = [
            positions + 28,
            lengths[:, 0],
            lengths[:, 1],
            time,
            link_types[interface],
        ]
        timed = None
        if rows.position:
            singles = (rows.offset, rows.captured, rows.original, rows.time, rows.link_type)
            order = np.argsort(np.concatenate((positions, np.array(rows.position))), kind="stable")
            columns = [
                np.concatenate((column, np.array(single)))[order]
                for column, single in zip(columns, singles, strict=True)
            ]
            if not all(rows.timed):
                timed = np.concatenate((np.ones(len(positions), np.bool_), np.array(rows.timed)))[order]
                latest = np.maximum.accumulate(np.where(timed, np.arange(len(timed)), -1))
                columns[3] = np.where(latest < 0, self._last_time, columns[3][latest])
        if len(columns[3]):
            self._last_time = int(columns[3][-1])
        offset, captured, original, time, link_type = columns
        return Parsed(offset, captured, original, time, link_type, 0, timed=timed)

    def _times(self, interface: Column, stamps: NDArray[np.uint64]) -> Column:
        clocks = {known.clock: number for number, known in enumerate(self._state.interfaces)}
        if len(clocks) <= 1:
            return next(iter(clocks), blocks.Clock()).nanoseconds(stamps)
        # Interfaces that share a clock are converted together, in one pass over sorted rows.
        shared = np.array([clocks[known.clock] for known in self._state.interfaces])[interface]
        order = np.argsort(shared, kind="stable")
        time = np.empty(len(stamps), np.int64)
        for part in np.split(order, np.flatnonzero(np.diff(shared[order])) + 1):
            if len(part):
                time[part] = self._state.interfaces[int(shared[part[0]])].clock.nanoseconds(stamps[part])
        return time

    def _others(
        self, buffer: Bytes, positions: Column, heads: NDArray[np.uint32]
    ) -> tuple[_Table, SingleRows, FileDamage | None]:
        """Work through all blocks that are no Enhanced Packet Blocks, in their order."""
        states = [(-1, self._state.base, self._state.count)]
        rows, damage = SingleRows(), None
        is_custom = np.isin(heads[:, 0], sorted(blocks.CUSTOM_BLOCKS))
        custom = positions[is_custom]
        if len(custom):
            positions, heads = positions[~is_custom], heads[~is_custom]
        for position, kind, length in zip(
            positions.tolist(), heads[:, 0].tolist(), heads[:, 1].tolist(), strict=True
        ):
            body = buffer[position + 8 : position + (length + 3 & ~3) - 4]
            if kind in SINGLE_ROWS:
                reason = rows.take(kind, self._order, position, body, self._state)
            else:
                reason = self._state.apply(kind, self._order, body)
            if reason:
                damage = FileDamage(position, reason)
                break
            if kind in (blocks.SECTION_HEADER, blocks.INTERFACE_DESCRIPTION):
                states.append((position, self._state.base, self._state.count))
        if len(custom):
            rows.add_empty(custom if damage is None else custom[custom < damage.position])
        table = np.array(states, np.int64)
        return _Table(table[:, 0], table[:, 1], table[:, 2]), rows, damage


def _join(pieces: list[Parsed], consumed: int, needed: int, damage: FileDamage | None) -> Parsed:
    """Make one answer of those for the sections of a block."""
    if not pieces:
        return nothing(consumed, needed, damage)
    timed = None
    if any(piece.timed is not None for piece in pieces):
        timed = np.concatenate(
            [np.ones(len(piece), np.bool_) if piece.timed is None else piece.timed for piece in pieces]
        )
    return Parsed(
        np.concatenate([piece.offset for piece in pieces]),
        np.concatenate([piece.captured_length for piece in pieces]),
        np.concatenate([piece.original_length for piece in pieces]),
        np.concatenate([piece.time for piece in pieces]),
        np.concatenate([piece.link_type for piece in pieces]),
        consumed,
        needed,
        damage,
        timed,
    )

"""Streams: which conversation each packet belongs to, numbered as Wireshark numbers them.

A conversation is a pair of (address, port); its packets form one stream until a SYN starts the next.
The rule for that is Wireshark's (4.0): each side of a stream has a base sequence number, its SYN's
or SYN/ACK's, or one less than its first sequence number or than the first acknowledgment of the
other side; a SYN without ACK whose sequence number differs from the base of its side starts a new
stream. VLANs, interfaces and tunnels do not distinguish streams.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import ACK, SYN, TransportColumns
from ocsp_pcap.streams.distinct import among, distinct, first_of_each
from ocsp_pcap.streams.exact_index import Lanes
from ocsp_pcap.streams.flow import FlowRows
from ocsp_pcap.streams.remembered import RememberedStreams
from ocsp_pcap.streams.restarts import Restarts
from ocsp_pcap.streams.state import ACKED_0, ACKED_1, BASE_0, BASE_1, IS_IPV6, REBASED, SWAPPED
from ocsp_pcap.streams.windows import Flags, Rows, acknowledging


class FlowTable(RememberedStreams):
    """Numbers the streams of one capture; its batches must come in order."""

    def assign(self, columns: TransportColumns) -> FlowRows:
        """Return stream and direction of each row and remember what opens and closes streams."""
        if not len(columns):
            return FlowRows(np.empty(0, np.int64), np.empty(0, np.uint8))
        swapped = _swapped(columns)
        conversation, new = self._conversations(columns, swapped)
        restarts = Restarts(columns, swapped, conversation)
        if not self._udp:
            self._find_restarts(restarts, new)
        starts = (
            np.sort(np.concatenate([new, np.array(restarts.starts, np.int64)])) if restarts.starts else new
        )
        number = np.arange(self._size, self._size + len(starts), dtype=np.int64)
        before = self._current[conversation[restarts.rows]]
        self._current[conversation[starts]] = number
        stream = self._current[conversation].astype(np.int64)
        if restarts.starts:
            began = np.array(restarts.began, np.int64)
            here = number[np.minimum(np.searchsorted(starts, began), len(starts) - 1)]
            stream[restarts.rows] = np.where(began < 0, before, here)
        self._open(columns, swapped, conversation, starts)
        direction = swapped ^ ((self._state["bits"][stream] & SWAPPED) != 0)
        if not self._udp:
            self._keep_bases(restarts, stream)
            self._learn_bases(columns, swapped, stream, restarts.rows)
        self._remember(columns, stream, direction)
        return FlowRows(stream, direction.view(np.uint8))

    def _conversations(self, columns: TransportColumns, swapped: Flags) -> tuple[Rows, Rows]:
        """Return the conversation of each row, and the first row of each new one in ascending order."""
        low, other_low = _exchanged(columns.source_low, columns.destination_low, swapped)
        port, other_port = _exchanged(columns.source_port, columns.destination_port, swapped)
        ports = (port.astype(np.uint64) << np.uint64(16)) | other_port
        six = columns.ip_version == 6
        if not six.any():
            number, new = self._indexes[0].numbers(((low << np.uint64(32)) | other_low, ports))
            self._reserve_conversations()
            return number * 2, new
        high, other_high = _exchanged(columns.source_high, columns.destination_high, swapped)
        conversation = np.empty(len(columns), np.int64)
        starts = []
        for version, rows in ((0, np.flatnonzero(~six)), (1, np.flatnonzero(six))):
            if version:
                lanes: Lanes = (high, low, other_high, other_low, ports)
            else:
                lanes = ((low << np.uint64(32)) | other_low, ports)
            number, new = self._indexes[version].numbers(tuple(lane[rows] for lane in lanes))
            conversation[rows] = number * 2 + version
            starts.append(rows[new])
        self._reserve_conversations()
        return conversation, np.sort(np.concatenate(starts))

    def _find_restarts(self, restarts: Restarts, new: Rows) -> None:
        """Walk the rows of conversations with a SYN that is not the first packet of a new one."""
        columns = restarts.columns
        syn = (columns.flags & (SYN | ACK)) == SYN
        if columns.in_error.any():
            syn |= columns.in_error & ((columns.flags & SYN) != 0)
        syn[new[~columns.in_error[new]]] = False
        if not syn.any():
            return
        restarts.select(distinct(restarts.conversation[syn]), new)
        bits, base = self._state["bits"], self._state["base"]
        for conversation in restarts.known():
            stream = int(self._current[conversation])
            known = int(bits[stream])
            restarts.bases[conversation] = [
                int(base[stream, side]) if known & (BASE_0, BASE_1)[side] else None for side in (0, 1)
            ]
        restarts.walk()

    def _keep_bases(self, restarts: Restarts, stream: Rows) -> None:
        if restarts.rebased:
            rebased = np.array([row for row, _ in restarts.rebased])
            self._state["bits"][stream[rebased]] |= REBASED
            late = self._settled(restarts.columns, restarts.swapped, stream, rebased)
            slots = stream[rebased] * 2 + restarts.swapped[rebased]
            for slot, (_, before), after in zip(slots.tolist(), restarts.rebased, late.tolist(), strict=True):
                if after:
                    self._first_bases.setdefault(slot, before)
        for row, bases in restarts.learned:
            for side, base in enumerate(bases):
                if base is not None:
                    self._state["base"][stream[row], side] = base
                    self._state["bits"][stream[row]] |= (BASE_0, BASE_1)[side]

    def _learn_bases(self, columns: TransportColumns, swapped: Flags, stream: Rows, walked: Rows) -> None:
        """Keep the base sequence numbers of streams that :class:`Restarts` did not walk."""
        bits, base = self._state["bits"], self._state["base"].reshape(-1)
        usable = ~columns.in_error
        usable[walked] = False
        rows = np.flatnonzero(usable & ((bits[stream] & (BASE_0 | BASE_1)) != (BASE_0 | BASE_1)))
        if len(rows):
            flags = columns.flags[rows]
            slot = stream[rows] * 2 + swapped[rows]
            slots = np.stack((slot, slot ^ 1), axis=1).reshape(-1)
            own = columns.sequence[rows] - ((flags & SYN) == 0)
            values = np.stack((own, columns.acknowledgment[rows] - np.uint32(1)), axis=1).reshape(-1)
            said = np.stack((np.ones(len(rows), np.bool_), (flags & ACK) != 0), axis=1).reshape(-1)
            first = first_of_each(slots[said])
            learned = slots[said][first]
            fresh = (bits[learned >> 1] & np.where(learned & 1, BASE_1, BASE_0)) == 0
            base[learned[fresh]] = values[said][first[fresh]].astype(np.uint32)
            for side, bit in ((0, BASE_0), (1, BASE_1)):
                bits[learned[(learned & 1) == side] >> 1] |= bit
        both = SYN | ACK
        rows = np.flatnonzero(usable & ((columns.flags & both) == both))
        slot = stream[rows] * 2 + swapped[rows]
        others = rows[base[slot] != columns.sequence[rows]]
        if len(others):
            bits[stream[others]] |= REBASED
            late = self._settled(columns, swapped, stream, rows)
            base[slot[~late]] = columns.sequence[rows[~late]]
            for changed in slot[late & (base[slot] != columns.sequence[rows])].tolist():
                self._first_bases.setdefault(changed, int(base[changed]))
        base[slot] = columns.sequence[rows]

    def _settled(self, columns: TransportColumns, swapped: Flags, stream: Rows, rows: Rows) -> Flags:
        """Tell which SYN/ACKs come behind payload of their stream, or behind an ACK of the other side."""
        bits = self._state["bits"][stream[rows]]
        by_1 = swapped[rows] ^ ((bits & SWAPPED) != 0)
        settled: Flags = (bits & np.where(by_1, ACKED_0, ACKED_1)) != 0
        settled |= (self._state["payload_packets"][stream[rows]] != 0).any(axis=1)
        of_these = among(stream, stream[rows])
        payload = np.flatnonzero(of_these & (columns.payload_length + columns.payload_missing > 0))
        heard = np.flatnonzero(of_these & acknowledging(columns, ~columns.in_error))
        earlier = np.concatenate((payload, payload, heard))
        sides = np.concatenate((swapped[payload], ~swapped[payload], ~swapped[heard]))
        if len(earlier):
            order = np.argsort(earlier, kind="stable")
            earlier, slots = earlier[order], (stream[earlier] * 2 + sides)[order]
            first = first_of_each(slots)
            slot = stream[rows] * 2 + swapped[rows]
            at = first[np.minimum(np.searchsorted(slots[first], slot), len(first) - 1)]
            np.logical_or(settled, (slots[at] == slot) & (earlier[at] < rows), out=settled)
        return settled

    def _open(self, columns: TransportColumns, swapped: Flags, conversation: Rows, starts: Rows) -> None:
        begin, end = self._size, self._size + len(starts)
        self._reserve_streams(end)
        self._size = end
        self._state["first_frame"][begin:end] = columns.frame[starts]
        self._state["first_time"][begin:end] = columns.time[starts]
        self._state["key"][begin:end] = conversation[starts] >> 1
        self._state["bits"][begin:end] = np.where(swapped[starts], SWAPPED, 0) | np.where(
            conversation[starts] & 1, IS_IPV6, 0
        )


def _swapped(columns: TransportColumns) -> Flags:
    """Say for each row whether its source is the greater end, by address, then by port."""
    higher = columns.source_high > columns.destination_high
    same_high = columns.source_high == columns.destination_high
    higher |= same_high & (columns.source_low > columns.destination_low)
    same = same_high & (columns.source_low == columns.destination_low)
    higher |= same & (columns.source_port > columns.destination_port)
    return higher


def _exchanged(one: NDArray[Any], other: NDArray[Any], swapped: Flags) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.where(swapped, other, one), np.where(swapped, one, other)

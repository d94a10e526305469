"""Streams: which conversation each packet belongs to, numbered as Wireshark numbers them.

A conversation is a pair of (address, port); its packets form one stream until a SYN starts the next.
The rule for that is Wireshark's (4.0): each side of a stream has a base sequence number, its SYN's
or SYN/ACK's, or one less than its first sequence number or than the first acknowledgment of the
other side; a SYN without ACK whose sequence number differs from the base of its side starts a new
stream. VLANs, interfaces and tunnels do not distinguish streams.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import ACK, SYN, TransportColumns
from ocsp_pcap.streams.distinct import among, distinct, first_of_each, last_of_each, run_starts
from ocsp_pcap.streams.exact_index import Lanes
from ocsp_pcap.streams.flow import FlowRows
from ocsp_pcap.streams.remembered import RememberedStreams
from ocsp_pcap.streams.restarts import Restarts
from ocsp_pcap.streams.state import IS_IPV6, REBASED, SWAPPED
from ocsp_pcap.streams.windows import Flags, Rows, acknowledging

_BOTH: Final = np.ones(2, np.bool_).view(np.uint16)
_PORT: Final = np.uint64(0xFFFF)
_16, _32 = np.uint64(16), np.uint64(32)


class FlowTable(RememberedStreams):
    """Numbers the streams of one capture; its batches must come in order."""

    def assign(self, columns: TransportColumns) -> FlowRows:
        """Return stream and direction of each row and remember what opens and closes streams."""
        if not len(columns):
            return FlowRows(np.empty(0, np.int64), np.empty(0, np.uint8))
        swapped, conversation, new = self._conversations(columns)
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

    def _conversations(self, columns: TransportColumns) -> tuple[Flags, Rows, Rows]:
        """Say for each row whether its source is the greater end, by address, then by port.

        Also return the conversation of each row, and the first row of each new one in ascending order.
        """
        source = _Ends(columns.source_high, columns.source_low, columns.source_port)
        destination = _Ends(columns.destination_high, columns.destination_low, columns.destination_port)
        six = columns.ip_version == 6
        if not six.any():
            swapped, conversation, new = self._of_version(0, source, destination)
        else:
            swapped = np.empty(len(columns), np.bool_)
            conversation = np.empty(len(columns), np.int64)
            starts = []
            for version, rows in ((0, np.flatnonzero(~six)), (1, np.flatnonzero(six))):
                swapped[rows], conversation[rows], began = self._of_version(
                    version, source.of(rows), destination.of(rows)
                )
                starts.append(rows[began])
            new = np.sort(np.concatenate(starts))
        self._reserve_conversations()
        return swapped, conversation, new

    def _of_version(self, version: int, source: _Ends, destination: _Ends) -> tuple[Flags, Rows, Rows]:
        """Return :meth:`_conversations` of rows of one version of IP."""
        swapped, lanes = (_ordered_6 if version else _ordered_4)(source, destination)
        # Packets of one conversation often follow each other, and are looked up once.
        run = run_starts(lanes)
        key: Lanes = tuple(lane[run] for lane in lanes)
        if not version:
            lower, higher = key
            key = ((lower >> _16) << _32 | higher >> _16, (lower & _PORT) << _16 | higher & _PORT)
        number, new = self._indexes[version].numbers(key)
        return swapped, np.repeat(number * 2 + version, np.diff(run, append=len(swapped))), run[new]

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
        for conversation in restarts.known():
            stream = int(self._current[conversation])
            restarts.bases[conversation] = [
                int(base) if known else None
                for base, known in zip(self._state["base"][stream], self._state["based"][stream], strict=True)
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
                    self._state["based"][stream[row], side] = True

    def _learn_bases(self, columns: TransportColumns, swapped: Flags, stream: Rows, walked: Rows) -> None:
        """Keep the base sequence numbers of streams that :class:`Restarts` did not walk."""
        base, based = self._state["base"].reshape(-1), self._state["based"].reshape(-1)
        usable = ~columns.in_error
        usable[walked] = False
        both_sides = self._state["based"].view(np.uint16).reshape(-1)
        rows = np.flatnonzero(usable & (both_sides[stream] != _BOTH))
        if len(rows):
            # The first segment of a side tells its base, or the first acknowledgment of the other side.
            slot = stream[rows] * 2 + swapped[rows]
            own = len(rows) - 1 - last_of_each(slot[::-1], 2 * len(self))
            heard = np.flatnonzero(columns.flags[rows] & ACK)
            heard = heard[len(heard) - 1 - last_of_each(slot[heard[::-1]], 2 * len(self))]
            slots = np.concatenate((slot[own], slot[heard] ^ 1))
            own_base = columns.sequence[rows[own]] - ((columns.flags[rows[own]] & SYN) == 0)
            values = np.concatenate((own_base, columns.acknowledgment[rows[heard]] - np.uint32(1)))
            # A side may stand there twice: numpy keeps the last, which is the earlier one.
            order = np.argsort(np.concatenate((own, heard)))[::-1]
            fresh = order[~based[slots[order]]]
            base[slots[fresh]] = values[fresh]
            based[slots[fresh]] = True
        both = SYN | ACK
        rows = np.flatnonzero(usable & ((columns.flags & both) == both))
        slot = stream[rows] * 2 + swapped[rows]
        others = rows[base[slot] != columns.sequence[rows]]
        if len(others):
            self._state["bits"][stream[others]] |= REBASED
            late = self._settled(columns, swapped, stream, rows)
            base[slot[~late]] = columns.sequence[rows[~late]]
            for changed in slot[late & (base[slot] != columns.sequence[rows])].tolist():
                self._first_bases.setdefault(changed, int(base[changed]))
        base[slot] = columns.sequence[rows]

    def _settled(self, columns: TransportColumns, swapped: Flags, stream: Rows, rows: Rows) -> Flags:
        """Tell which SYN/ACKs come behind payload of their stream, or behind an ACK of the other side."""
        bits = self._state["bits"][stream[rows]]
        by_1 = swapped[rows] ^ ((bits & SWAPPED) != 0)
        settled: Flags = self._state["acked"][stream[rows], np.where(by_1, 0, 1)]
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


class _Ends(NamedTuple):
    """Addresses and ports of one end of some rows."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    port: NDArray[np.uint16]

    def of(self, rows: Rows) -> _Ends:
        return _Ends(self.high[rows], self.low[rows], self.port[rows])


def _ordered_4(source: _Ends, destination: _Ends) -> tuple[Flags, Lanes]:
    """Say which sources are the greater end; return address and port of the lower and of the greater end."""
    one, other = source.low << _16 | source.port, destination.low << _16 | destination.port
    return one > other, (np.minimum(one, other), np.maximum(one, other))


def _ordered_6(source: _Ends, destination: _Ends) -> tuple[Flags, Lanes]:
    """Say which sources are the greater end; return the key (:mod:`ocsp_pcap.streams.addresses`)."""
    swapped = source.high > destination.high
    same = source.high == destination.high
    swapped |= same & (source.low > destination.low)
    same &= source.low == destination.low
    swapped |= same & (source.port > destination.port)
    high, other_high = _exchanged(source.high, destination.high, swapped)
    low, other_low = _exchanged(source.low, destination.low, swapped)
    port, other_port = _exchanged(source.port, destination.port, swapped)
    return swapped, (high, low, other_high, other_low, port.astype(np.uint64) << _16 | other_port)


def _exchanged(one: NDArray[Any], other: NDArray[Any], swapped: Flags) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.where(swapped, other, one), np.where(swapped, one, other)

"""Streams: which conversation each packet belongs to, numbered as Wireshark numbers them.

A conversation is a pair of (address, port); its packets form one stream until a SYN starts the next.
The rule for that is Wireshark's (4.0): each side of a stream has a base sequence number, its SYN's
or SYN/ACK's, or one less than its first sequence number or than the first acknowledgment of the
other side; a SYN without ACK whose sequence number differs from the base of its side starts a new
stream. VLANs, interfaces and tunnels do not distinguish streams.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import ACK, EXTRA, FIN, RST, SYN, TransportColumns
from ocsp_pcap.streams.distinct import among, distinct, first_of_each
from ocsp_pcap.streams.exact_index import Lanes
from ocsp_pcap.streams.flow import FlowRows
from ocsp_pcap.streams.headers import FAR, NEAR
from ocsp_pcap.streams.joining import FlowMatch, Joined, MatchError
from ocsp_pcap.streams.known import Acknowledgments, Flags, KnownStreams, Rows
from ocsp_pcap.streams.restarts import Restarts
from ocsp_pcap.streams.state import (
    ACKED_0,
    ACKED_1,
    BASE_0,
    BASE_1,
    BLIND_FIN,
    BLIND_MORE,
    BLIND_RST,
    IS_IPV6,
    REBASED,
    RESET_BY_1,
    SWAPPED,
)
from ocsp_pcap.streams.windows import (
    acknowledging,
    advertised,
    all_scaled,
    last_before,
    scales,
)

FlowStates = dict[str, NDArray[Any]]
"""What is known of some streams, by field."""

_ALERT, _APPLICATION_DATA = 21, 23
_MAX_ALERT = 64
"""Bytes of a segment that may be a TLS alert under protection."""


class FlowTable(KnownStreams):
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

    def _reserve_conversations(self) -> None:
        needed = 2 * max(len(index) for index in self._indexes)
        if needed > len(self._current):
            self._current = _grown(self._current, max(needed, 2 * len(self._current)))

    def _reserve_streams(self, needed: int) -> None:
        if needed > len(self._state["bits"]):
            capacity = max(needed, 2 * len(self._state["bits"]))
            self._state = {name: _grown(array, capacity) for name, array in self._state.items()}

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
        self._state["bits"][stream[np.array(restarts.rebased, np.int64)]] |= REBASED
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
        bits[stream[rows[base[slot] != columns.sequence[rows]]]] |= REBASED
        base[slot] = columns.sequence[rows]

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

    def _remember(self, columns: TransportColumns, stream: Rows, direction: Flags) -> None:
        state, flags = self._state, columns.flags
        live = ~columns.in_error
        slot = stream * 2 + direction
        np.add.at(state["packets"].reshape(-1), slot[live] if columns.in_error.any() else slot, np.uint32(1))
        hop_limit = state["hop_limit"].reshape(-1)
        fresh = np.flatnonzero(live & (hop_limit[slot] == 0))[::-1]
        hop_limit[slot[fresh]] = columns.hop_limit[fresh]
        payload = (columns.payload_length + columns.payload_missing) > 0
        np.add.at(state["payload_packets"].reshape(-1), slot[payload], np.uint32(1))
        if self._udp:
            return
        self._remember_data(columns, np.flatnonzero(payload & live), slot)
        control = np.flatnonzero(live & ((flags & (SYN | FIN | RST)) != 0))
        opening = control[(flags[control] & SYN) != 0]
        if len(opening):
            state["scale"].reshape(-1)[slot[opening]] = scales(columns, opening)
        self._remember_acknowledgments(columns, stream, direction, slot, live)
        stray, blind = self._stray(columns, control, slot)
        self._remember_blind(columns, control[blind], slot)
        control = control[~stray]
        flags, slot, frame = flags[control], slot[control], columns.frame[control]
        syn = (flags & (SYN | ACK)) == SYN
        np.add.at(state["syn_count"].reshape(-1), slot[syn], np.uint32(1))
        _set_first(state["syn_time"].reshape(-1), slot[syn], columns.time[control][syn])
        _set_first(state["syn_frame"].reshape(-1), slot[syn], frame[syn])
        syn_ack = (flags & (SYN | ACK)) == (SYN | ACK)
        _set_first(state["syn_ack_frame"], slot[syn_ack] >> 1, frame[syn_ack])
        fin = (flags & FIN) != 0
        _set_first(state["fin_frame"].reshape(-1), slot[fin], frame[fin])
        ends = (flags & (FIN | RST)) != 0
        _set_first(state["end_time"], slot[ends] >> 1, columns.time[control][ends])
        reset = np.flatnonzero(flags & RST)
        if len(reset):
            fresh = reset[state["reset_frame"][slot[reset] >> 1] == 0]
            fresh = fresh[first_of_each(slot[fresh] >> 1)]
            state["reset_frame"][slot[fresh] >> 1] = frame[fresh]
            state["bits"][slot[fresh[(slot[fresh] & 1) == 1]] >> 1] |= RESET_BY_1

    def _remember_acknowledgments(
        self, columns: TransportColumns, stream: Rows, direction: Flags, slot: Rows, live: Flags
    ) -> None:
        """Keep what each direction last acknowledged, and what it had acknowledged before this batch."""
        state = self._state
        rows = np.flatnonzero(acknowledging(columns, live))
        own, backwards = slot[rows], direction[rows]
        acknowledgment, window = state["acknowledgment"].reshape(-1), state["window"].reshape(-1)
        known = (state["bits"][stream[rows]] & np.where(backwards, ACKED_1, ACKED_0)) != 0
        self._before = Acknowledgments(rows, own, known, acknowledgment[own], window[own])
        state["bits"][stream[rows[~backwards]]] |= ACKED_0
        state["bits"][stream[rows[backwards]]] |= ACKED_1
        # Of a repeated index the last value stays.
        acknowledgment[own] = columns.acknowledgment[rows]
        window[own] = advertised(columns, rows)

    def _remember_blind(self, columns: TransportColumns, rows: Rows, all_slots: Rows) -> None:
        """Keep of each direction the first end that cannot be judged, and whether there are others."""
        kinds, numbers = self._state["blind_end"].reshape(-1), self._state["blind_number"].reshape(-1)
        slot, reset = all_slots[rows], (columns.flags[rows] & RST) != 0
        length = np.where(reset, 0, columns.payload_length[rows] + columns.payload_missing[rows])
        number, kind = (
            columns.sequence[rows] + length.astype(np.uint32),
            np.where(reset, BLIND_RST, BLIND_FIN),
        )
        first = first_of_each(slot)
        first = first[kinds[slot[first]] == 0]
        kinds[slot[first]], numbers[slot[first]] = kind[first], number[first]
        others = slot[(numbers[slot] != number) | ((kinds[slot] & kind) == 0)]
        kinds[others] |= BLIND_MORE

    def _may_be_stray(self, other: FlowTable, mine: Rows, theirs: Rows, flipped: Flags) -> bool:
        """Tell whether a receiver of this table would not have taken an end that the other left open."""
        kinds = other._state["blind_end"][theirs]
        for index, side in zip(*(places.tolist() for places in np.nonzero(kinds)), strict=True):
            direction = side ^ int(flipped[index])
            heard = self.heard(int(mine[index]), 1 - direction)
            if heard is None:
                continue
            reset = bool(kinds[index, side] & BLIND_RST)
            number = int(other._state["blind_number"][theirs[index], side])
            if kinds[index, side] & BLIND_MORE or heard.outside(
                number, NEAR if reset else FAR, behind=0 if reset else 1
            ):
                return True
        return False

    def _stray(self, columns: TransportColumns, rows: Rows, all_slots: Rows) -> tuple[Flags, Flags]:
        """Tell which FINs and RSTs stand where their receiver takes none (RFC 9293 3.10.7.4).

        Tell also for which of them that cannot be judged, as their receiver had acknowledged nothing before.
        """
        state, flags, slot = self._state, columns.flags[rows], all_slots[rows]
        stream, direction = slot >> 1, slot & 1
        heard = (state["bits"][stream] & np.where(direction, ACKED_0, ACKED_1)) != 0
        ends = ((flags & (FIN | RST)) != 0) & ((flags & SYN) == 0)
        stray: Flags = heard & ends
        blind: Flags = ~heard & ends
        length = np.where(flags & RST, 0, columns.payload_length[rows] + columns.payload_missing[rows])
        sequence = columns.sequence[rows] + length.astype(np.uint32)
        # A FIN that is sent again stands one before what was acknowledged.
        behind = np.where(flags & RST, 0, 1)
        ahead = _difference(sequence, state["acknowledgment"].reshape(-1)[slot ^ 1])
        stray &= ~((ahead <= 0) & (ahead >= -behind))
        doubtful = np.flatnonzero(stray)
        if len(doubtful):
            known, acknowledgment, window = self._heard_before(
                columns, rows[doubtful], slot[doubtful] ^ 1, all_slots
            )
            far = np.where(flags[doubtful] & RST, NEAR, FAR)
            scale = state["scale"].reshape(-1)
            within = all_scaled(window, scale[slot[doubtful] ^ 1], scale[slot[doubtful]], far)
            ahead = _difference(sequence[doubtful], acknowledgment)
            stray[doubtful] = known & ((ahead < -behind[doubtful]) | (ahead > within))
            blind[doubtful] = ~known
        return stray, blind

    def _heard_before(
        self, columns: TransportColumns, rows: Rows, slot: Rows, all_slots: Rows
    ) -> tuple[Flags, NDArray[np.uint32], NDArray[np.uint32]]:
        """Return what slots had last acknowledged before some rows of this batch, if anything."""
        before, count = self._before, len(columns)
        wanted = distinct(slot)
        own = np.flatnonzero(among(before.slot, wanted))
        keys = before.slot[own] * count + before.rows[own]
        order = np.argsort(keys)
        index = last_before(keys[order], slot * count + rows, count)
        here = before.rows[own[order[index]]] if len(own) else np.zeros(len(rows), np.int64)
        known = index >= 0
        acknowledgment, window = columns.acknowledgment[here].copy(), advertised(columns, here)
        for at in np.flatnonzero(~known).tolist():
            earlier = self.heard_before(int(slot[at]) >> 1, int(slot[at]) & 1)
            if earlier is not None:
                known[at] = True
                acknowledgment[at], window[at] = earlier
        return known, acknowledgment, window

    def _remember_data(self, columns: TransportColumns, rows: Rows, slot: Rows) -> None:
        """Keep where each direction's last new bytes stand; what is sent again does not count, nor alerts."""
        rows = rows[~_alerts(columns, rows)]
        slot = slot[rows]
        state = self._state
        frame, end, gain = (state[name].reshape(-1) for name in ("data_frame", "data_end", "data_gain"))
        _set_first_where(end, slot, columns.sequence[rows], frame[slot] == 0)
        length = columns.payload_length[rows] + columns.payload_missing[rows]
        reached = columns.sequence[rows] + length.astype(np.uint32)
        ahead = (reached - end[slot]).view(np.int32)
        gain[slot] = 0
        np.maximum.at(gain, slot, ahead)
        best = np.flatnonzero((ahead > 0) & (ahead == gain[slot]))[::-1]
        chosen = slot[best]
        frame[chosen] = columns.frame[rows[best]]
        state["data_time"].reshape(-1)[chosen] = columns.time[rows[best]]
        end[chosen] = reached[best]

    def match(self, other: FlowTable) -> FlowMatch:
        """Find which streams of another table, that of the packets which follow, go on with one of this.

        Only the first stream that ``other`` has of a conversation can go on; Wireshark's rule says whether
        it does. Raise MatchError where only the packets could tell.
        """
        size = other._size
        earlier = np.full(size, -1, np.int64)
        conversation = np.full(size, -1, np.int64)
        for version, rows, lanes in other._keys(np.arange(size)):
            found = self._indexes[version].find(lanes)
            conversation[rows] = np.where(found < 0, -1, found * 2 + version)
        known = np.flatnonzero(conversation >= 0)
        first = known[first_of_each(conversation[known])]
        earlier[first] = self._current[conversation[first]]
        theirs = other._state["bits"][:size]
        flipped = np.zeros(size, np.bool_)
        flipped[first] = ((theirs[first] ^ self._state["bits"][earlier[first]]) & SWAPPED) != 0
        if self._udp or not len(first):
            return FlowMatch(earlier, flipped, conversation >= 0)
        side = ((theirs & SWAPPED) != 0).astype(np.int64)
        opens = other._state["syn_frame"][:size, 0] == other._state["first_frame"][:size]
        own = self._base_of(earlier[first], side[first])
        anew = opens[first] & (own >= 0) & (own != other._state["base"][first, side[first]])
        if ((theirs[known] & REBASED) != 0).any():
            raise MatchError("a SYN/ACK has another sequence number than what its sender sent before")
        is_first = np.zeros(size, np.bool_)
        is_first[first] = True
        again = known[~is_first[known]]
        before = self._current[conversation[again]].astype(np.int64)
        if (self._base_of(before, side[again]) == other._state["base"][again, side[again]]).any():
            raise MatchError("a SYN of the earlier packets may be repeated")
        late = (other._state["syn_count"][first] > 0).any(axis=1) | (other._state["syn_ack_frame"][first] > 0)
        for direction in (0, 1):
            own = self._base_of(earlier[first], side[first] ^ direction)
            theirs_of = other._base_of(first, side[first] ^ direction)
            if (late & ~anew & (own >= 0) & (theirs_of >= 0) & (own != theirs_of)).any():
                raise MatchError("a SYN inside a stream is that of another connection")
        goes_on = first[~anew]
        if self._may_be_stray(other, earlier[goes_on], goes_on, flipped[goes_on]):
            raise MatchError("an end stands where its receiver, as earlier packets show, took none")
        earlier[first[anew]] = -1
        flipped[first[anew]] = False
        return FlowMatch(earlier, flipped, conversation >= 0)

    def join(self, other: FlowTable, match: FlowMatch, frames_before: int) -> Joined:
        """Take the streams of another table; ``frames_before`` is added to their frames."""
        size = other._size
        theirs = {name: array[:size].copy() for name, array in other._state.items()}
        for name in ("first_frame", "syn_frame", "syn_ack_frame", "reset_frame", "fin_frame", "data_frame"):
            theirs[name][theirs[name] != 0] += frames_before
        conversation = np.empty(size, np.int64)
        for version, rows, lanes in other._keys(np.arange(size)):
            conversation[rows] = self._indexes[version].numbers(lanes)[0] * 2 + version
        self._reserve_conversations()
        goes_on = match.earlier >= 0
        new = np.flatnonzero(~goes_on)
        begin, end = self._size, self._size + len(new)
        self._reserve_streams(end)
        self._size = end
        number = match.earlier.copy()
        number[new] = np.arange(begin, end)
        for name, array in self._state.items():
            array[begin:end] = theirs[name][new]
        self._state["key"][begin:end] = conversation[new] >> 1
        # Of a repeated index the last value stays.
        self._current[conversation] = number
        self._go_on(theirs, np.flatnonzero(goes_on), match)
        return Joined(number, match.flipped, goes_on, begin)

    def states(self, streams: Rows) -> FlowStates:
        """Return a copy of what is known of streams, for :meth:`as_of`."""
        return {name: array[streams] for name, array in self._state.items()}

    @contextmanager
    def as_of(self, streams: Rows, known: Rows, states: FlowStates) -> Iterator[None]:
        """Know of some streams in the block what was known before a join, so that their packets can follow.

        Args:
            streams: they begin nothing anew in the block.
            known: places in ``streams`` of those that were known before.
            states: what was known of these.
        """
        now = self.states(streams)
        conversation = (now["key"].astype(np.int64) << 1) | ((now["bits"] & IS_IPV6) != 0)
        current = self._current[conversation]
        then = {name: np.zeros_like(array) for name, array in now.items()}
        for name in ("first_frame", "first_time", "key"):
            then[name] = now[name].copy()
        then["bits"] = now["bits"] & (SWAPPED | IS_IPV6)
        for name, array in then.items():
            array[known] = states[name]
        self._set(streams, then)
        self._current[conversation] = streams
        try:
            yield
        finally:
            self._set(streams, now)
            self._current[conversation] = current

    def _set(self, streams: Rows, states: FlowStates) -> None:
        for name, array in self._state.items():
            array[streams] = states[name]

    def _go_on(self, theirs: dict[str, NDArray[Any]], rows: Rows, match: FlowMatch) -> None:
        """Add what another table knows of streams that go on."""
        mine, state, flipped = match.earlier[rows], self._state, match.flipped[rows]
        said = {name: array[rows] for name, array in theirs.items()}
        for name in ("syn_frame", "syn_time", "fin_frame", "syn_count", "packets", "payload_packets"):
            said[name][flipped] = said[name][flipped, ::-1]
        first = state["blind_end"][mine] == 0
        for name in ("blind_end", "blind_number"):
            said[name][flipped] = said[name][flipped, ::-1]
            state[name][mine] = np.where(first, said[name], state[name][mine])
        for name in ("acknowledgment", "window", "scale", "hop_limit", "data_frame", "data_time", "data_end"):
            said[name][flipped] = said[name][flipped, ::-1]
        known = state["data_frame"][mine] != 0
        ahead = (said["data_end"] - state["data_end"][mine]).view(np.int32) > 0
        further = (said["data_frame"] != 0) & (~known | ahead)
        for name in ("data_frame", "data_time", "data_end"):
            state[name][mine] = np.where(further, said[name], state[name][mine])
        for name in ("syn_count", "packets", "payload_packets"):
            state[name][mine] += said[name]
        bits = said["bits"]
        reset = (state["reset_frame"][mine] == 0) & (said["reset_frame"] != 0)
        by_1 = ((bits & RESET_BY_1) != 0) ^ flipped
        state["bits"][mine[reset & by_1]] |= RESET_BY_1
        ended = (state["reset_frame"][mine] != 0) | state["fin_frame"][mine].any(axis=1)
        state["end_time"][mine] = np.where(ended, state["end_time"][mine], said["end_time"])
        state["syn_time"][mine] = np.where(
            state["syn_frame"][mine] == 0, said["syn_time"], state["syn_time"][mine]
        )
        for name in ("syn_frame", "syn_ack_frame", "reset_frame", "fin_frame", "hop_limit", "scale"):
            state[name][mine] = np.where(state[name][mine] == 0, said[name], state[name][mine])
        for direction, bit in ((0, ACKED_0), (1, ACKED_1)):
            theirs_bit = np.where(flipped, (ACKED_1, ACKED_0)[direction], bit)
            acked = (bits & theirs_bit) != 0
            state["bits"][mine[acked]] |= bit
            for name in ("acknowledgment", "window"):
                state[name][mine[acked], direction] = said[name][acked, direction]
        for side, bit in ((0, BASE_0), (1, BASE_1)):
            learned = ((bits & bit) != 0) & ((state["bits"][mine] & bit) == 0)
            state["base"][mine[learned], side] = said["base"][learned, side]
            state["bits"][mine[learned]] |= bit


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


def _difference(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> Rows:
    """Return how far sequence numbers are ahead of others; below 0: behind them."""
    return (one - other).view(np.int32).astype(np.int64)


def _alerts(columns: TransportColumns, rows: Rows) -> Flags:
    """Say which rows seem to hold nothing but a TLS alert: one in plain text, or a record of its size."""
    found = np.zeros(len(rows), np.bool_)
    length = columns.payload_length[rows]
    small = np.flatnonzero((length > 5) & (length <= _MAX_ALERT) & (columns.payload_offset[rows] < EXTRA))
    if len(small):
        at = columns.payload_offset[rows[small]]
        kind, size = columns.buffer[at], columns.buffer[at + 4]
        # TLS 1.3 hides the type; an alert is 2 bytes, its type and a tag of 16 or 8 (RFC 8446 5.2).
        whole = (columns.buffer[at + 3] == 0) & (size == length[small] - 5)
        hidden = (kind == _APPLICATION_DATA) & ((size == 19) | (size == 11))
        found[small] = whole & ((kind == _ALERT) | hidden)
    return found


def _set_first_where(array: NDArray[Any], index: Rows, values: NDArray[Any], chosen: Flags) -> None:
    """Set elements, each to the first of its values among the chosen."""
    last_first = np.flatnonzero(chosen)[::-1]
    array[index[last_first]] = values[last_first]


def _set_first(array: NDArray[Any], index: Rows, values: NDArray[Any]) -> None:
    """Set elements that are 0, each to the first of its values."""
    fresh = np.flatnonzero(array[index] == 0)[::-1]
    array[index[fresh]] = values[fresh]


def _grown(array: NDArray[Any], capacity: int) -> NDArray[Any]:
    grown = np.zeros((capacity, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown

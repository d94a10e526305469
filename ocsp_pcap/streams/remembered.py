"""The table of streams, as far as it is filled from numbered packets.

It keeps how each stream was opened and ended (a FIN or RST that the receiver ignored is no end), what each
direction last acknowledged, and where its last new bytes stand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import ACK, EXTRA, FIN, RST, SYN, TransportColumns
from ocsp_pcap.streams.across_files import StreamsAcrossFiles
from ocsp_pcap.streams.distinct import first_of_each, last_of_each, marked
from ocsp_pcap.streams.headers import FAR, NEAR
from ocsp_pcap.streams.known import Acknowledgments
from ocsp_pcap.streams.state import BLIND_FIN, BLIND_MORE, BLIND_RST, RESET_BY_1
from ocsp_pcap.streams.windows import (
    Flags,
    Rows,
    acknowledging,
    advertised,
    all_scaled,
    last_before,
    scales,
)

_ALERT, _APPLICATION_DATA = 21, 23
_MAX_ALERT = 64
"""Bytes of a segment that may be a TLS alert under protection."""


class RememberedStreams(StreamsAcrossFiles):
    """Learns of streams from their packets."""

    def _remember(self, columns: TransportColumns, stream: Rows, direction: Flags) -> None:
        state, flags = self._state, columns.flags
        live = ~columns.in_error
        slot = stream * 2 + direction
        np.add.at(state["packets"].reshape(-1), slot[live] if columns.in_error.any() else slot, np.uint32(1))
        hop_limit = state["hop_limit"].reshape(-1)
        fresh = np.flatnonzero(live & (hop_limit[slot] == 0))[::-1]
        hop_limit[slot[fresh]] = columns.hop_limit[fresh]
        length = columns.payload_length + columns.payload_missing
        payload = np.flatnonzero(length)
        np.add.at(state["payload_packets"].reshape(-1), slot[payload], np.uint32(1))
        if self._udp:
            return
        self._remember_data(columns, payload, slot, length)
        control = np.flatnonzero(live & ((flags & (SYN | FIN | RST)) != 0))
        acknowledging_rows = np.flatnonzero(acknowledging(columns, live))
        self._remember_scales(columns, control[(flags[control] & SYN) != 0], acknowledging_rows, stream, slot)
        self._remember_acknowledgments(columns, acknowledging_rows, slot)
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

    def _remember_scales(
        self, columns: TransportColumns, opening: Rows, rows: Rows, stream: Rows, slot: Rows
    ) -> None:
        """Keep the scales that SYNs offer, but of none behind a segment whose window may have been scaled.

        ``rows`` are those that acknowledge something.
        """
        settled = self._state["settled"]
        fresh = rows[np.flatnonzero(~settled[stream[rows]])]
        windows = fresh[np.flatnonzero((columns.flags[fresh] & SYN) == 0)]
        if len(opening):
            of_these = stream[opening]
            first = np.empty(len(self), np.int64)
            first[of_these] = len(columns)
            # A stream may stand there several times: numpy keeps the last, which is its first row.
            first[stream[windows[::-1]]] = windows[::-1]
            opening = opening[~settled[of_these] & (opening < first[of_these])]
            self._state["scale"].reshape(-1)[slot[opening]] = scales(columns, opening)
        settled[stream[windows]] = True

    def _remember_acknowledgments(self, columns: TransportColumns, rows: Rows, slot: Rows) -> None:
        """Keep what each direction last acknowledged, and what it had acknowledged before this batch."""
        state, own = self._state, slot[rows]
        acknowledgment, window = state["acknowledgment"].reshape(-1), state["window"].reshape(-1)
        acked = state["acked"].reshape(-1)
        last = last_of_each(own, 2 * len(self))
        slots, latest = own[last], rows[last]
        self._before = Acknowledgments(rows, own, slots, acked[slots], acknowledgment[slots], window[slots])
        acked[slots] = True
        acknowledgment[slots] = columns.acknowledgment[latest]
        window[slots] = advertised(columns, latest)

    def _remember_blind(self, columns: TransportColumns, rows: Rows, all_slots: Rows) -> None:
        """Keep of each direction the first blind end (see ``FIELDS``), and whether there are others."""
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

    def _stray(self, columns: TransportColumns, rows: Rows, all_slots: Rows) -> tuple[Flags, Flags]:
        """Return which FINs and RSTs their receiver ignored (RFC 9293 3.10.7.4), and which are blind ends."""
        state, flags, slot = self._state, columns.flags[rows], all_slots[rows]
        heard = state["acked"].reshape(-1)[slot ^ 1]
        ends = ((flags & (FIN | RST)) != 0) & ((flags & SYN) == 0)
        stray: Flags = heard & ends
        blind: Flags = ~heard & ends
        length = np.where(flags & RST, 0, columns.payload_length[rows] + columns.payload_missing[rows])
        sequence = columns.sequence[rows] + length.astype(np.uint32)
        # A FIN that is sent again has the number before the one acknowledged: it counts itself as one.
        behind = np.where(flags & RST, 0, 1)
        last = state["acknowledgment"].reshape(-1)
        ahead = _difference(sequence, last[slot ^ 1])
        stray &= ~((ahead <= 0) & (ahead >= -behind)) | self._fell_back(columns, last, slot ^ 1)
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

    def _fell_back(self, columns: TransportColumns, last: NDArray[np.uint32], slots: Rows) -> Flags:
        """Tell which slots acknowledged more before than last: packets overtook each other."""
        before = self._before
        own = np.flatnonzero(marked(before.slot, slots, 2 * len(self)))
        slot = before.slot[own]
        higher = _difference(columns.acknowledgment[before.rows[own]], last[slot]) > 0
        earlier = before.known & (_difference(before.acknowledgment, last[before.slots]) > 0)
        return marked(slots, np.concatenate((slot[higher], before.slots[earlier])), 2 * len(self))

    def _heard_before(
        self, columns: TransportColumns, rows: Rows, slot: Rows, all_slots: Rows
    ) -> tuple[Flags, NDArray[np.uint32], NDArray[np.uint32]]:
        """Return what slots had last acknowledged before some rows of this batch, if anything."""
        before, count = self._before, len(columns)
        own = np.flatnonzero(marked(before.slot, slot, 2 * len(self)))
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

    def _remember_data(
        self, columns: TransportColumns, rows: Rows, slot: Rows, length: NDArray[np.int64]
    ) -> None:
        """Keep where each direction's last new bytes stand; what is sent again does not count, nor alerts."""
        rows = rows[np.flatnonzero(~_alerts(columns, rows))]
        slot = slot[rows]
        state = self._state
        frame, end, gain = (state[name].reshape(-1) for name in ("data_frame", "data_end", "data_gain"))
        sequence = columns.sequence[rows]
        fresh = np.flatnonzero(frame[slot] == 0)[::-1]
        end[slot[fresh]] = sequence[fresh]
        reached = sequence + length[rows].astype(np.uint32)
        ahead = (reached - end[slot]).view(np.int32)
        gain[slot] = 0
        np.maximum.at(gain, slot, ahead)
        best = np.flatnonzero((ahead > 0) & (ahead == gain[slot]))[::-1]
        chosen = slot[best]
        frame[chosen] = columns.frame[rows[best]]
        state["data_time"].reshape(-1)[chosen] = columns.time[rows[best]]
        end[chosen] = reached[best]


def _difference(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> Rows:
    """Return how far sequence numbers are ahead of others; below 0: behind them."""
    return (one - other).view(np.int32).astype(np.int64)


def _alerts(columns: TransportColumns, rows: Rows) -> Flags:
    """Say which rows seem to hold nothing but a TLS alert: one in plain text, or a record of its size."""
    found = np.zeros(len(rows), np.bool_)
    length = columns.payload_length[rows]
    small = np.flatnonzero((length > 5) & (length <= _MAX_ALERT))
    small = small[columns.payload_offset[rows[small]] < EXTRA]
    if len(small):
        at = columns.payload_offset[rows[small]]
        kind, size = columns.buffer[at], columns.buffer[at + 4]
        # TLS 1.3 hides the type; an alert is 2 bytes, its type and a tag of 16 or 8 (RFC 8446 5.2).
        whole = (columns.buffer[at + 3] == 0) & (size == length[small] - 5)
        hidden = (kind == _APPLICATION_DATA) & ((size == 19) | (size == 11))
        found[small] = whole & ((kind == _ALERT) | hidden)
    return found


def _set_first(array: NDArray[Any], index: Rows, values: NDArray[Any]) -> None:
    """Set elements that are 0, each to the first of its values."""
    fresh = np.flatnonzero(array[index] == 0)[::-1]
    array[index[fresh]] = values[fresh]

"""Streams across files: a table that another process filled is joined to that of the files before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.streams.distinct import first_of_each
from ocsp_pcap.streams.headers import FAR, NEAR
from ocsp_pcap.streams.joining import FlowMatch, Joined, MatchError
from ocsp_pcap.streams.known import KnownStreams
from ocsp_pcap.streams.state import (
    BLIND_MORE,
    BLIND_RST,
    REBASED,
    RESET_BY_1,
    SWAPPED,
)
from ocsp_pcap.streams.windows import HALF, MODULUS, UNSEEN, Flags, Rows


class StreamsAcrossFiles(KnownStreams):
    """Takes over the streams of files that follow, which another table numbered by itself."""

    def match(self, other: StreamsAcrossFiles) -> FlowMatch:
        """Find which streams of ``other``, the table of later files, continue one of this table.

        Only the first stream that ``other`` has of a conversation can; Wireshark's rule says whether it does.
        Raises MatchError where the tables do not tell and the files have to be read again in order.
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
        if self._are_scaled_otherwise(other, earlier[goes_on], goes_on, flipped[goes_on]):
            raise MatchError("a SYN inside a stream offers what it had not offered before")
        earlier[first[anew]] = -1
        flipped[first[anew]] = False
        return FlowMatch(earlier, flipped, conversation >= 0)

    def _may_be_stray(self, other: StreamsAcrossFiles, mine: Rows, theirs: Rows, flipped: Flags) -> bool:
        """Tell whether the receiver may have ignored a FIN or RST that the other table took for an end.

        It does where that lies outside the window it advertised in earlier files; and nothing is certain
        where acknowledgments fall back from those files to these, as packets overtook each other.
        """
        ended = (other._state["reset_frame"][theirs] != 0) | other._state["fin_frame"][theirs].any(axis=1)
        for index in np.flatnonzero(ended).tolist():
            for direction in (0, 1):
                before = self.heard(int(mine[index]), direction)
                after = other.heard(int(theirs[index]), direction ^ int(flipped[index]))
                if before is not None and after is not None:
                    fell = (before.acknowledgment - after.acknowledgment) % MODULUS
                    if 0 < fell < HALF:
                        return True
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

    def _are_scaled_otherwise(
        self, other: StreamsAcrossFiles, mine: Rows, theirs: Rows, flipped: Flags
    ) -> bool:
        """Tell whether the other table took scales for windows whose own were settled before."""
        said, own = other._state["scale"][theirs], self._state["scale"][mine]
        said[flipped] = said[flipped, ::-1]
        known = (own != UNSEEN) | self._state["settled"][mine, None]
        return bool((known & (said != UNSEEN) & (said != own)).any())

    def join(self, other: StreamsAcrossFiles, match: FlowMatch, frames_before: int) -> Joined:
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
        # A conversation may stand there several times: numpy keeps the last, which is its newest stream.
        self._current[conversation] = number
        for slot, base in other._first_bases.items():
            self._first_bases[int(number[slot >> 1]) * 2 + (slot & 1)] = base
        self._go_on(theirs, np.flatnonzero(goes_on), match)
        return Joined(number, match.flipped, goes_on, begin)

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """Forget at the end of the block what was learned in it: another table has those packets, too."""
        known = deepcopy(self.__dict__)
        try:
            yield
        finally:
            self.__dict__.update(known)

    def _go_on(self, theirs: dict[str, NDArray[Any]], rows: Rows, match: FlowMatch) -> None:
        """Add what another table learned of streams that began here."""
        mine, state, flipped = match.earlier[rows], self._state, match.flipped[rows]
        said = {name: array[rows] for name, array in theirs.items()}
        for name in ("syn_frame", "syn_time", "fin_frame", "syn_count", "packets", "payload_packets"):
            said[name][flipped] = said[name][flipped, ::-1]
        first = state["blind_end"][mine] == 0
        for name in ("blind_end", "blind_number"):
            said[name][flipped] = said[name][flipped, ::-1]
            state[name][mine] = np.where(first, said[name], state[name][mine])
        for name in ("acknowledgment", "acked", "window", "scale", "hop_limit"):
            said[name][flipped] = said[name][flipped, ::-1]
        for name in ("data_frame", "data_time", "data_end"):
            said[name][flipped] = said[name][flipped, ::-1]
        known = state["data_frame"][mine] != 0
        ahead = (said["data_end"] - state["data_end"][mine]).view(np.int32) > 0
        further = (said["data_frame"] != 0) & (~known | ahead)
        for name in ("data_frame", "data_time", "data_end"):
            state[name][mine] = np.where(further, said[name], state[name][mine])
        for name in ("syn_count", "packets", "payload_packets"):
            state[name][mine] += said[name]
        state["settled"][mine] |= said["settled"]
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
        for name in ("acknowledgment", "window", "acked"):
            state[name][mine] = np.where(said["acked"], said[name], state[name][mine])
        for name in ("base", "based"):
            learned = said["based"] & ~state["based"][mine]
            state[name][mine] = np.where(learned, said[name], state[name][mine])

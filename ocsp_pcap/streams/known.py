"""The table of streams, as far as it is read: everything that is known of a stream, by its number.

A column is a property, a row a stream: a capture has millions of streams, and each costs some 200 bytes and
no object. The subclasses fill the columns.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.streams import addresses
from ocsp_pcap.streams.distinct import distinct
from ocsp_pcap.streams.exact_index import ExactIndex, Lanes
from ocsp_pcap.streams.flow import Endpoints, Flow
from ocsp_pcap.streams.state import (
    FIELDS,
    IS_IPV6,
    RESET_BY_1,
    SWAPPED,
    FlowColumns,
)
from ocsp_pcap.streams.windows import MODULUS, Flags, Heard, Rows, scaled

_FLOWS_AT_ONCE = 1024
MAX_TIME: Final = int(np.iinfo(np.int64).max)


class Acknowledgments(NamedTuple):
    """The rows of a batch that acknowledge something, and what their directions had before it."""

    rows: Rows
    slot: Rows
    """Of each row its stream, twice, plus its direction."""
    slots: Rows
    """The same, each once. What follows is theirs."""
    known: Flags
    acknowledgment: NDArray[np.uint32]
    window: NDArray[np.uint32]


class KnownStreams:
    """The streams of one capture, by number."""

    def __init__(self, *, udp: bool = False) -> None:
        """``udp``: number as Wireshark's udp.stream; no packet starts a conversation anew."""
        self._udp = udp
        self._indexes = (ExactIndex(2), ExactIndex(5))
        self._size = 0
        self._current = np.zeros(2048, np.int32)
        """Stream of each conversation; a conversation is twice its number in its index, plus 1: IPv6."""
        self._state = {name: np.zeros((1024, *shape), kind) for name, kind, shape in FIELDS}
        self._first_bases: dict[int, int] = {}
        """Base sequence numbers with which connections were opened, by stream and side, where a later SYN/ACK
        has another one: a second answer to a SYN sent twice, a forged one, or that of another connection."""
        nothing = np.empty(0, np.int64)
        numbers = np.empty(0, np.uint32)
        self._before = Acknowledgments(nothing, nothing, nothing, np.empty(0, np.bool_), numbers, numbers)

    def __len__(self) -> int:
        return self._size

    def _reserve_conversations(self) -> None:
        needed = 2 * max(len(index) for index in self._indexes)
        if needed > len(self._current):
            self._current = _grown(self._current, max(needed, 2 * len(self._current)))

    def _reserve_streams(self, needed: int) -> None:
        if needed > len(self._state["bits"]):
            capacity = max(needed, 2 * len(self._state["bits"]))
            for name, array in self._state.items():
                self._state[name] = _grown(array, capacity)

    def heard_before(self, stream: int, direction: int) -> tuple[int, int] | None:
        """Return the last acknowledgment, and window as advertised, of a direction before this batch."""
        slot, before = stream * 2 + direction, self._before
        first = np.flatnonzero(before.slots == slot).tolist()
        if not first:
            return self._last_heard(stream, direction)
        if not before.known[first[0]]:
            return None
        return int(before.acknowledgment[first[0]]), int(before.window[first[0]])

    def _last_heard(self, stream: int, direction: int) -> tuple[int, int] | None:
        if not self._state["acked"][stream, direction]:
            return None
        return int(self._state["acknowledgment"][stream, direction]), int(
            self._state["window"][stream, direction]
        )

    def heard(self, stream: int, direction: int) -> Heard | None:
        """Return what a direction last acknowledged, with its window."""
        found = self._last_heard(stream, direction)
        return None if found is None else self.with_window(stream, direction, found)

    def with_window(self, stream: int, direction: int, found: tuple[int, int]) -> Heard:
        """Return an acknowledgment with its window in bytes, given as it was advertised."""
        scale = self._state["scale"][stream]
        return Heard(found[0], scaled(found[1], int(scale[direction]), int(scale[1 - direction])))

    def _keys(self, streams: Rows) -> Iterator[tuple[int, Rows, Lanes]]:
        """Yield, for each version of IP, its index, which of the streams are of it, and their keys."""
        six = (self._state["bits"][streams] & IS_IPV6) != 0
        for version, rows in ((0, np.flatnonzero(~six)), (1, np.flatnonzero(six))):
            if len(rows):
                keys = self._indexes[version].lanes()[self._state["key"][streams[rows]]]
                yield version, rows, tuple(np.ascontiguousarray(keys.T))

    def _base_of(self, stream: Rows, side: Rows) -> Rows:
        """Return base sequence numbers, -1 where not known."""
        known = self._state["based"][stream, side]
        base: Rows = np.where(known, self._state["base"][stream, side].astype(np.int64), -1)
        return base

    def starts_with_syn(self, streams: Rows) -> Flags:
        """Tell of which streams the first packet is a SYN without ACK."""
        found: Flags = self._state["syn_frame"][streams, 0] == self._state["first_frame"][streams]
        return found

    def all_endpoints(self, streams: Sequence[int]) -> list[Endpoints]:
        """Return addresses and ports of each stream's two ends. Raises IndexError for an unknown stream."""
        return self._endpoints(self._known(streams))

    def endpoints(self, stream: int) -> Endpoints:
        """Return addresses and ports of one stream's two ends. Raises IndexError for an unknown stream."""
        return self.all_endpoints([stream])[0]

    def _endpoints(self, streams: Rows) -> list[Endpoints]:
        texts, ports = self.ends(streams)
        return list(
            map(
                Endpoints,
                texts[:, 0].tolist(),
                ports[:, 0].tolist(),
                texts[:, 1].tolist(),
                ports[:, 1].tolist(),
            )
        )

    def ends(self, streams: Rows) -> tuple[NDArray[np.object_], Rows]:
        """Return addresses and ports of streams that are known, a column for each direction."""
        texts, found = np.empty((len(streams), 2), np.object_), np.empty((len(streams), 2), np.int64)
        swapped = self.columns(streams).has(SWAPPED).astype(np.int64)
        for version, rows, lanes in self._keys(streams):
            lower = swapped[rows]
            both = zip(addresses.texts(lanes, ipv6=bool(version)), addresses.ports(lanes), strict=True)
            for side, (addresses_there, ports) in zip((lower, 1 - lower), both, strict=True):
                texts[rows, side], found[rows, side] = addresses_there, ports
        return texts, found

    def _known(self, streams: Sequence[int]) -> Rows:
        known = np.array(streams, np.int64)
        if ((known < 0) | (known >= self._size)).any():
            raise IndexError(streams)
        return known

    def has_port(self, stream: int, port: int) -> bool:
        """Tell whether one of a stream's ends is at this port."""
        is_ipv6 = bool(self._state["bits"][stream] & IS_IPV6)
        ports = int(self._indexes[is_ipv6].lanes()[self._state["key"][stream], -1])
        return port in (ports >> 16, ports & 0xFFFF)

    def columns(self, streams: Rows | None = None) -> FlowColumns:
        """Return what is remembered of streams that are known; None: of all."""
        return FlowColumns(self._state, slice(self._size) if streams is None else streams)

    def flows(self, streams: Sequence[int]) -> Iterator[Flow]:
        """Yield everything that is remembered of each stream. Raises IndexError for an unknown stream."""
        known = self._known(streams)
        for start in range(0, len(known), _FLOWS_AT_ONCE):
            rows = known[start : start + _FLOWS_AT_ONCE]
            yield from self.columns(rows).flows(self._endpoints(rows))

    def flow(self, stream: int) -> Flow:
        """Return everything that is remembered of a stream. Raises IndexError for an unknown stream."""
        return next(self.flows([stream]))

    def hop_limit(self, stream: int, direction: int) -> int | None:
        """Return time to live, or hop limit, of a direction's first packet; None: it sent none."""
        return int(self._state["hop_limit"][stream, direction]) or None

    def reset(self, stream: int) -> tuple[int, int] | None:
        """Return frame and direction of the first RST of a stream."""
        frame = int(self._state["reset_frame"][stream])
        return (frame, int((self._state["bits"][stream] & RESET_BY_1) != 0)) if frame else None

    def first_frame(self, stream: int) -> int:
        """Return the first frame of a stream."""
        return int(self._state["first_frame"][stream])

    def _first_base(self, stream: int) -> list[int]:
        base: list[int] = self._state["base"][stream].tolist()
        return [self._first_bases.get(stream * 2 + side, base[side]) for side in (0, 1)]

    def initial_sequences(self, stream: int, time: int = MAX_TIME) -> list[int | None]:
        """Return the sequence number of each direction's SYN; None where it is not in the capture.

        Those count for nothing of which none was captured up to ``time``: they opened no stream.
        """
        state = self._state
        sent = state["syn_count"][stream].tolist()
        if not any(sent) or int(self._opened(np.array([stream]))[0]) > time:
            return [None, None]
        answered = bool(state["syn_ack_frame"][stream])
        base = self._first_base(stream)
        if state["bits"][stream] & SWAPPED:
            base.reverse()
        return [base[direction] if sent[direction] or answered else None for direction in (0, 1)]

    def _opened(self, streams: Rows) -> Rows:
        """Return when the first SYN without ACK of each stream was captured, in the order of the file."""
        frames, times = self._state["syn_frame"][streams], self._state["syn_time"][streams]
        found: Rows = np.where(frames == 0, MAX_TIME, times).min(axis=1)
        return found

    def initial_numbers(self, streams: Rows, frames: Rows, times: Rows) -> tuple[Flags, NDArray[np.uint32]]:
        """Tell of which streams both SYNs' numbers are known; return these, a column a direction.

        They count as not known where no SYN was captured up to the stream's time in ``times``, or where an
        RST before its frame in ``frames`` may have ended it.
        """
        state = self._state
        reset = state["reset_frame"][streams]
        sent, other_sent = state["syn_count"][streams].T != 0
        known = (state["syn_ack_frame"][streams] != 0) | (sent & other_sent)
        known &= sent | other_sent
        known &= ((reset == 0) | (reset >= frames)) & (self._opened(streams) <= times)
        base = state["base"][streams]
        if self._first_bases:
            for place, stream in enumerate(streams.tolist()):
                base[place] = self._first_base(stream)
        swapped = (state["bits"][streams] & SWAPPED) != 0
        base[swapped] = base[swapped, ::-1]
        return known, base

    def have_port(self, streams: Rows, port: int) -> Flags:
        """Tell which streams have an end at a port."""
        found = np.zeros(len(streams), np.bool_)
        for _, rows, lanes in self._keys(streams):
            one, other = addresses.ports(lanes)
            found[rows] = (one == port) | (other == port)
        return found

    def first_numbers(self, stream: int) -> list[int | None]:
        """Return the first sequence number of payload of each direction, as far as any segment shows it."""
        found = [
            (base + 1) % MODULUS if known else None
            for base, known in zip(self._first_base(stream), self._state["based"][stream], strict=True)
        ]
        if self._state["bits"][stream] & SWAPPED:
            found.reverse()
        return found

    def last_acknowledgment(self, stream: int, direction: int) -> int | None:
        """Return the last acknowledgment number that a direction sent; None: it acknowledged nothing."""
        if not self._state["acked"][stream, direction]:
            return None
        return int(self._state["acknowledgment"][stream, direction])

    def lower_ports(self) -> NDArray[np.uint16]:
        """Return the distinct lower ports of all streams, in ascending order."""
        found = [
            np.minimum(ports >> np.uint64(16), ports & np.uint64(0xFFFF))
            for ports in (index.lanes()[:, -1] for index in self._indexes)
        ]
        return distinct(np.concatenate(found).astype(np.uint16))

    def opened_to(self, hosts: Iterable[str]) -> list[int]:
        """Return, in ascending order, the streams that open, and were opened to one of these addresses.

        Those open that have a SYN, with or without ACK: :attr:`Flow.outcome` says something of them.
        """
        wanted: tuple[list[int], list[int]] = ([], [])
        for host in map(ipaddress.ip_address, hosts):
            wanted[host.version == 6].append(int(host))
        streams = np.flatnonzero(self.columns().outcome)
        opened = self.columns(streams)
        # The other side than the opener is that of the server.
        higher = opened.opener == opened.has(SWAPPED)
        found = np.zeros(len(streams), np.bool_)
        for version, rows, lanes in self._keys(streams):
            found[rows] = addresses.among_ends(lanes, higher[rows], wanted[version], ipv6=bool(version))
        numbers: list[int] = streams[found].tolist()
        return numbers

    def one_sided_streams(self) -> int:
        """Count the streams of which :attr:`Flow.one_sided` holds."""
        return int(np.count_nonzero(self.columns().one_sided))


def _grown(array: NDArray[Any], capacity: int) -> NDArray[Any]:
    grown = np.zeros((capacity, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown

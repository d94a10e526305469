"""Streams: which conversation each packet belongs to, numbered as Wireshark numbers them.

A conversation is a pair of (address, port); its packets form one stream until a SYN starts the next.
The rule for that is Wireshark's (4.0): each side of a stream has a base sequence number, its SYN's
or SYN/ACK's, or one less than its first sequence number or than the first acknowledgment of the
other side; a SYN without ACK whose sequence number differs from the base of its side starts a new
stream. VLANs, interfaces and tunnels do not distinguish streams.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import ACK, FIN, RST, SYN, TransportColumns
from ocsp_pcap.facts import TcpOutcome
from ocsp_pcap.streams.distinct import distinct, first_of_each
from ocsp_pcap.streams.exact_index import ExactIndex

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]

_BASE_0, _BASE_1, _SWAPPED, _RESET_BY_1, _ACKED_0, _ACKED_1, _IS_IPV6 = 1, 2, 4, 8, 16, 32, 64
"""Bits of a stream's state; base sequence numbers are kept per side in order of address."""
_MAXIMUM_SEQUENCE = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class FlowRows:
    """The stream of each of N rows."""

    stream: NDArray[np.int64]
    direction: NDArray[np.uint8]
    """0 if sent by the host that sent the first packet of the stream, else 1."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The two ends of a stream; 0 sent its first packet. Addresses are the text form of ipaddress."""

    address_0: str
    port_0: int
    address_1: str
    port_1: int


@dataclass(frozen=True, slots=True)
class Flow:
    """What is remembered of a stream; pairs are (direction 0, direction 1); frame None: not seen."""

    endpoints: Endpoints
    first_frame: int
    first_time: int
    syn_frames: tuple[int | None, int | None]
    """First SYN without ACK of each direction."""
    syn_times: tuple[int | None, int | None]
    syn_counts: tuple[int, int]
    syn_ack_frame: int | None
    reset_frame: int | None
    reset_direction: int | None
    fin_frames: tuple[int | None, int | None]
    packets: tuple[int, int]
    payload_packets: tuple[int, int]
    acknowledged: tuple[bool, bool]
    """Each direction sent an ACK that is no RST: proof that it heard from the other."""

    @property
    def outcome(self) -> TcpOutcome | None:
        """How the attempt to open the connection ended; None where no opening is in the capture.

        ``reset`` is a connection that was opened and reset before any payload.
        """
        if self.syn_ack_frame is None and not any(self.syn_counts):
            return None
        opener = 0 if self.syn_counts[0] or not self.syn_counts[1] else 1
        established = self.syn_ack_frame is not None or self.acknowledged[opener]
        if established:
            return (
                "reset" if self.reset_frame is not None and not any(self.payload_packets) else "established"
            )
        if self.reset_frame is not None and self.reset_direction != opener:
            return "refused"
        return "unanswered"

    @property
    def one_sided(self) -> bool:
        """The capture holds one direction only of what must have been two."""
        return (not self.packets[1] and self.acknowledged[0]) or (
            not self.packets[0] and self.acknowledged[1]
        )


class FlowTable:
    """Numbers the streams of one capture; its batches must come in order."""

    def __init__(self, *, udp: bool = False) -> None:
        """``udp``: number as Wireshark's udp.stream; no packet starts a conversation anew."""
        self._udp = udp
        self._indexes = (ExactIndex(2), ExactIndex(5))
        self._size = 0
        self._current = np.zeros(2048, np.int32)
        """Stream of each conversation; a conversation is twice its number in its index, plus 1: IPv6."""
        self._state = {name: np.zeros((1024, *shape), kind) for name, kind, shape in _FIELDS}

    def __len__(self) -> int:
        return self._size

    def assign(self, columns: TransportColumns) -> FlowRows:
        """Return stream and direction of each row and remember what opens and closes streams."""
        if not len(columns):
            return FlowRows(np.empty(0, np.int64), np.empty(0, np.uint8))
        swapped = _swapped(columns)
        conversation, new = self._conversations(columns, swapped)
        restarts = _Restarts(columns, swapped, conversation)
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
        direction = swapped ^ ((self._state["bits"][stream] & _SWAPPED) != 0)
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
                lanes: tuple[NDArray[np.uint64], ...] = (high, low, other_high, other_low, ports)
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

    def _find_restarts(self, restarts: _Restarts, new: Rows) -> None:
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
                int(base[stream, side]) if known & (_BASE_0, _BASE_1)[side] else None for side in (0, 1)
            ]
        restarts.walk()

    def _keep_bases(self, restarts: _Restarts, stream: Rows) -> None:
        last = dict(
            zip(restarts.conversation[restarts.rows].tolist(), stream[restarts.rows].tolist(), strict=True)
        )
        for conversation, bases in restarts.bases.items():
            for side, base in enumerate(bases):
                if base is not None:
                    self._state["base"][last[conversation], side] = base
                    self._state["bits"][last[conversation]] |= (_BASE_0, _BASE_1)[side]

    def _learn_bases(self, columns: TransportColumns, swapped: Flags, stream: Rows, walked: Rows) -> None:
        """Keep the base sequence numbers of streams that :class:`_Restarts` did not walk."""
        bits, base = self._state["bits"], self._state["base"].reshape(-1)
        usable = ~columns.in_error
        usable[walked] = False
        rows = np.flatnonzero(usable & ((bits[stream] & (_BASE_0 | _BASE_1)) != (_BASE_0 | _BASE_1)))
        if len(rows):
            flags = columns.flags[rows]
            slot = stream[rows] * 2 + swapped[rows]
            slots = np.stack((slot, slot ^ 1), axis=1).reshape(-1)
            own = columns.sequence[rows] - ((flags & SYN) == 0)
            values = np.stack((own, columns.acknowledgment[rows] - np.uint32(1)), axis=1).reshape(-1)
            said = np.stack((np.ones(len(rows), np.bool_), (flags & ACK) != 0), axis=1).reshape(-1)
            first = first_of_each(slots[said])
            learned = slots[said][first]
            fresh = (bits[learned >> 1] & np.where(learned & 1, _BASE_1, _BASE_0)) == 0
            base[learned[fresh]] = values[said][first[fresh]].astype(np.uint32)
            for side, bit in ((0, _BASE_0), (1, _BASE_1)):
                bits[learned[(learned & 1) == side] >> 1] |= bit
        both = SYN | ACK
        rows = np.flatnonzero(usable & ((columns.flags & both) == both))
        base[stream[rows] * 2 + swapped[rows]] = columns.sequence[rows]

    def _open(self, columns: TransportColumns, swapped: Flags, conversation: Rows, starts: Rows) -> None:
        begin, end = self._size, self._size + len(starts)
        if end > len(self._state["bits"]):
            capacity = max(end, 2 * len(self._state["bits"]))
            self._state = {name: _grown(array, capacity) for name, array in self._state.items()}
        self._size = end
        self._state["first_frame"][begin:end] = columns.frame[starts]
        self._state["first_time"][begin:end] = columns.time[starts]
        self._state["key"][begin:end] = conversation[starts] >> 1
        self._state["bits"][begin:end] = np.where(swapped[starts], _SWAPPED, 0) | np.where(
            conversation[starts] & 1, _IS_IPV6, 0
        )

    def _remember(self, columns: TransportColumns, stream: Rows, direction: Flags) -> None:
        state, flags = self._state, columns.flags
        live = ~columns.in_error
        slot = stream * 2 + direction
        np.add.at(state["packets"].reshape(-1), slot[live] if columns.in_error.any() else slot, np.uint32(1))
        payload = (columns.payload_length + columns.payload_missing) > 0
        np.add.at(state["payload_packets"].reshape(-1), slot[payload], np.uint32(1))
        if self._udp:
            return
        acknowledging = live & ((flags & (ACK | RST)) == ACK)
        state["bits"][stream[acknowledging & ~direction]] |= _ACKED_0
        state["bits"][stream[acknowledging & direction]] |= _ACKED_1
        # Of a repeated index the last value stays.
        state["acknowledgment"].reshape(-1)[slot[acknowledging]] = columns.acknowledgment[acknowledging]
        control = np.flatnonzero(live & ((flags & (SYN | FIN | RST)) != 0))
        flags, slot, frame = flags[control], slot[control], columns.frame[control]
        syn = (flags & (SYN | ACK)) == SYN
        np.add.at(state["syn_count"].reshape(-1), slot[syn], np.uint32(1))
        _set_first(state["syn_time"].reshape(-1), slot[syn], columns.time[control][syn])
        _set_first(state["syn_frame"].reshape(-1), slot[syn], frame[syn])
        syn_ack = (flags & (SYN | ACK)) == (SYN | ACK)
        _set_first(state["syn_ack_frame"], slot[syn_ack] >> 1, frame[syn_ack])
        fin = (flags & FIN) != 0
        _set_first(state["fin_frame"].reshape(-1), slot[fin], frame[fin])
        reset = np.flatnonzero(flags & RST)
        if len(reset):
            fresh = reset[state["reset_frame"][slot[reset] >> 1] == 0]
            fresh = fresh[first_of_each(slot[fresh] >> 1)]
            state["reset_frame"][slot[fresh] >> 1] = frame[fresh]
            state["bits"][slot[fresh[(slot[fresh] & 1) == 1]] >> 1] |= _RESET_BY_1

    def endpoints(self, stream: int) -> Endpoints:
        """Return addresses and ports of a stream's two ends. Raises IndexError for an unknown stream."""
        if not 0 <= stream < self._size:
            raise IndexError(stream)
        bits = int(self._state["bits"][stream])
        key = self._indexes[bool(bits & _IS_IPV6)].key(int(self._state["key"][stream]))
        ports = key[-1] >> 16, key[-1] & 0xFFFF
        if bits & _IS_IPV6:
            addresses = _ipv6_text(key[0] << 64 | key[1]), _ipv6_text(key[2] << 64 | key[3])
        else:
            addresses = _ipv4_text(key[0] >> 32), _ipv4_text(key[0] & 0xFFFFFFFF)
        side = bool(bits & _SWAPPED)
        return Endpoints(addresses[side], ports[side], addresses[not side], ports[not side])

    def flow(self, stream: int) -> Flow:
        """Return everything that is remembered of a stream. Raises IndexError for an unknown stream."""
        endpoints = self.endpoints(stream)
        value = {name: array[stream].tolist() for name, array in self._state.items()}
        bits = value["bits"]
        return Flow(
            endpoints=endpoints,
            first_frame=value["first_frame"],
            first_time=value["first_time"],
            syn_frames=_pair(value["syn_frame"], value["syn_frame"]),
            syn_times=_pair(value["syn_time"], value["syn_frame"]),
            syn_counts=(value["syn_count"][0], value["syn_count"][1]),
            syn_ack_frame=value["syn_ack_frame"] or None,
            reset_frame=value["reset_frame"] or None,
            reset_direction=int(bool(bits & _RESET_BY_1)) if value["reset_frame"] else None,
            fin_frames=_pair(value["fin_frame"], value["fin_frame"]),
            packets=(value["packets"][0], value["packets"][1]),
            payload_packets=(value["payload_packets"][0], value["payload_packets"][1]),
            acknowledged=(bool(bits & _ACKED_0), bool(bits & _ACKED_1)),
        )

    def outcome(self, stream: int) -> TcpOutcome | None:
        """Return :attr:`Flow.outcome` of a stream."""
        return self.flow(stream).outcome

    def initial_sequence(self, stream: int, direction: int) -> int | None:
        """Return the sequence number of a direction's SYN; None where it is not in the capture."""
        syn_counts = self._state["syn_count"][stream]
        answered = self._state["syn_ack_frame"][stream] and syn_counts[1 - direction]
        if not syn_counts[direction] and not answered:
            return None
        side = direction ^ bool(self._state["bits"][stream] & _SWAPPED)
        return int(self._state["base"][stream, side])

    def last_acknowledgment(self, stream: int, direction: int) -> int | None:
        """Return the last acknowledgment number that a direction sent; None: it acknowledged nothing."""
        if not self._state["bits"][stream] & (_ACKED_0, _ACKED_1)[direction]:
            return None
        return int(self._state["acknowledgment"][stream, direction])

    def lower_ports(self) -> NDArray[np.uint16]:
        """Return the distinct lower ports of all streams, in ascending order."""
        found = [
            np.minimum(ports >> np.uint64(16), ports & np.uint64(0xFFFF))
            for ports in (index.lanes()[:, -1] for index in self._indexes)
        ]
        return distinct(np.concatenate(found).astype(np.uint16))

    def streams_with(self, address: str) -> list[int]:
        """Return the streams one of whose ends has this address, in ascending order."""
        wanted = ipaddress.ip_address(address)
        is_ipv6 = wanted.version == 6
        lanes = self._indexes[is_ipv6].lanes()
        number = int(wanted)
        if is_ipv6:
            high, low = np.uint64(number >> 64), np.uint64(number & (1 << 64) - 1)
            hit = (lanes[:, 0] == high) & (lanes[:, 1] == low)
            hit |= (lanes[:, 2] == high) & (lanes[:, 3] == low)
        else:
            hit = (lanes[:, 0] >> np.uint64(32)) == np.uint64(number)
            hit |= (lanes[:, 0] & np.uint64(_MAXIMUM_SEQUENCE)) == np.uint64(number)
        if not hit.any():
            return []
        key, bits = self._state["key"][: self._size], self._state["bits"][: self._size]
        own = np.flatnonzero(((bits & _IS_IPV6) != 0) == is_ipv6)
        return [int(stream) for stream in own[hit[key[own]]]]

    def one_sided_streams(self) -> int:
        """Count the streams of which :attr:`Flow.one_sided` holds."""
        packets, bits = self._state["packets"][: self._size], self._state["bits"][: self._size]
        only_0 = (packets[:, 1] == 0) & ((bits & _ACKED_0) != 0)
        only_1 = (packets[:, 0] == 0) & ((bits & _ACKED_1) != 0)
        return int(np.count_nonzero(only_0 | only_1))


_FIELDS: tuple[tuple[str, Any, tuple[int, ...]], ...] = (
    ("first_frame", np.int64, ()),
    ("first_time", np.int64, ()),
    ("syn_frame", np.int64, (2,)),
    ("syn_time", np.int64, (2,)),
    ("syn_ack_frame", np.int64, ()),
    ("reset_frame", np.int64, ()),
    ("fin_frame", np.int64, (2,)),
    ("syn_count", np.uint32, (2,)),
    ("packets", np.uint32, (2,)),
    ("payload_packets", np.uint32, (2,)),
    ("base", np.uint32, (2,)),
    ("acknowledgment", np.uint32, (2,)),
    ("key", np.int32, ()),
    ("bits", np.uint8, ()),
)
"""State of each stream, 125 bytes; frame 0 stands for none."""


class _Restarts:
    """The rows that need a walk to tell which SYN starts a new stream."""

    def __init__(self, columns: TransportColumns, swapped: Flags, conversation: Rows) -> None:
        self.columns = columns
        self.swapped = swapped
        self.conversation = conversation
        self.rows: Rows = np.empty(0, np.int64)
        """Rows to walk, in order."""
        self.new: set[int] = set()
        """Rows among them that are the first of a new conversation."""
        self.bases: dict[int, list[int | None]] = {}
        """Base sequence number of both sides, by conversation."""
        self.starts: list[int] = []
        """Rows that start a new stream of a known conversation."""
        self.began: list[int] = []
        """For each row walked: the row that started its stream, -1 where that was before this batch."""

    def select(self, conversations: Rows, new: Rows) -> None:
        """Choose all rows of some conversations."""
        chosen = np.isin(self.conversation, conversations)
        self.rows = np.flatnonzero(chosen)
        self.new = set(new[chosen[new]].tolist())

    def known(self) -> list[int]:
        """Return the chosen conversations that began before this batch."""
        fresh = {int(self.conversation[row]) for row in self.new}
        return [number for number in distinct(self.conversation[self.rows]).tolist() if number not in fresh]

    def walk(self) -> None:
        """Apply Wireshark's rule to the chosen rows."""
        rows = self.rows
        columns = self.columns
        latest: dict[int, int] = {}
        for row, conversation, side, flags, sequence, acknowledgment, in_error in zip(
            rows.tolist(),
            self.conversation[rows].tolist(),
            self.swapped[rows].tolist(),
            columns.flags[rows].tolist(),
            columns.sequence[rows].tolist(),
            columns.acknowledgment[rows].tolist(),
            columns.in_error[rows].tolist(),
            strict=True,
        ):
            if row in self.new:
                self.bases[conversation] = [None, None]
                latest[conversation] = row
            bases = self.bases[conversation]
            if flags & SYN and bases[side] not in (None, sequence):
                if flags & ACK:
                    bases[side] = sequence
                else:
                    bases = self.bases[conversation] = [None, None]
                    latest[conversation] = row
                    self.starts.append(row)
            self.began.append(latest.get(conversation, -1))
            if in_error:
                continue
            if bases[side] is None:
                bases[side] = sequence if flags & SYN else (sequence - 1) & _MAXIMUM_SEQUENCE
            if bases[not side] is None and flags & ACK:
                bases[not side] = (acknowledgment - 1) & _MAXIMUM_SEQUENCE


@lru_cache(4096)
def _ipv4_text(address: int) -> str:
    return str(ipaddress.IPv4Address(address))


@lru_cache(4096)
def _ipv6_text(address: int) -> str:
    return str(ipaddress.IPv6Address(address))


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


def _set_first(array: NDArray[Any], index: Rows, values: NDArray[Any]) -> None:
    """Set elements that are 0, each to the first of its values."""
    fresh = np.flatnonzero(array[index] == 0)[::-1]
    array[index[fresh]] = values[fresh]


def _grown(array: NDArray[Any], capacity: int) -> NDArray[Any]:
    grown = np.zeros((capacity, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown


def _pair(values: list[int], frames: list[int]) -> tuple[int | None, int | None]:
    return (values[0] if frames[0] else None, values[1] if frames[1] else None)

"""Writes large captures from the samples: the same connections between other hosts, with bulk data.

``python -m tests.benchmarks.generate bulk|dense FILE --megabytes N``. Connections come in groups: their
handshakes interleave packet by packet, then come rounds of application data (TLS records over full
segments), then their ends. While one group is in its handshakes, each of those before it is in another
round: handshakes are under way at any moment, and connections live side by side. Checksums are not
right.
"""

from __future__ import annotations

import argparse
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from io import BufferedWriter
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.templates import ETHERNET, RECORD_HEADER, Template, read_templates

SAMPLES = Path(__file__).parents[2] / "samples"
FULL_SEGMENT = 1448
DATA_RECORD = RECORD_HEADER + ETHERNET + 20 + 32 + FULL_SEGMENT
ACK_RECORD = RECORD_HEADER + ETHERNET + 20 + 32
MICROSECONDS = 10**6
FIRST_SECOND = int(datetime(2026, 11, 22, 10, 43, tzinfo=UTC).timestamp())
"""When certificates and responses of the samples were valid."""
GROUP = 40
"""Connections that begin together."""
SITES = 200
"""Servers with a leaf certificate of their own."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a capture is made of."""

    connections: int
    """TLS connections, each with one handshake."""
    segments: int
    """Full segments of application data in each."""
    burst: int
    """Segments of one connection in a row; as many rounds as it takes, so many groups live at a time."""
    segments_an_ack: int
    """Segments after which the client acknowledges, within one burst."""


def bulk_shape(megabytes: float) -> Shape:
    """Mostly application data: 11,000 connections a gigabyte, 280 of them at a time."""
    return Shape(max(2, round(megabytes * 11)), 54, 9, 3)


def dense_shape(megabytes: float) -> Shape:
    """Mostly handshakes: 1,878 in 32 megabytes and 54,000 packets."""
    return Shape(max(2, round(megabytes * 58.7)), 8, 4, 8)


SHAPES = {"bulk": bulk_shape, "dense": dense_shape}


def generate(shape: Shape, output: Path, samples: Path = SAMPLES) -> None:
    """Write a capture."""
    templates = read_templates(samples)
    tls = [template for template in templates if template.is_tls]
    plain = [template for template in templates if not template.is_tls]
    groups = -(-shape.connections // GROUP)
    rounds = -(-shape.segments // shape.burst)
    live: dict[int, _Group] = {}
    with output.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        clock = 0
        for step in range(groups + rounds + 1):
            if step < groups:
                numbers = np.arange(step * GROUP, min((step + 1) * GROUP, shape.connections))
                live[step] = _Group([tls[number % SITES % len(tls)] for number in numbers], numbers, shape)
            if step < groups and plain:
                extra = plain[step % len(plain)]
                packets = _instances(extra, np.array([shape.connections + step]), 0)
                clock = _write_packets(file, list(_cut(extra, packets[0], 0, extra.packets)), clock)
            turns = _turns(live[step].heads if step < groups else [])
            for turn, age in zip_longest(turns, range(1, rounds + 1)):
                clock = _write_packets(file, turn or [], clock)
                if age is not None and step - age in live:
                    clock = live[step - age].write_round(file, age - 1, clock)
            if step - rounds - 1 in live:
                for turn in _turns(live.pop(step - rounds - 1).tails):
                    clock = _write_packets(file, turn, clock)


class _Group:
    """Connections that begin together: their first and last packets, and what lies between."""

    def __init__(self, chosen: list[Template], numbers: NDArray[np.int64], shape: Shape) -> None:
        self._numbers, self._shape = numbers, shape
        self.heads, self.tails = [], []
        for template, number in zip(chosen, numbers, strict=True):
            octets = _instances(template, np.array([number]), shape.segments * FULL_SEGMENT)[0]
            self.heads.append(list(_cut(template, octets, 0, template.insert_at)))
            self.tails.append(list(_cut(template, octets, template.insert_at, template.packets)))
        self._ports = np.array([template.server_port for template in chosen])
        self._sequence = np.array([template.server_next for template in chosen], np.uint64)
        self._acknowledgment = np.array([template.client_next for template in chosen], np.uint64)

    def write_round(self, file: BufferedWriter, number: int, clock: int) -> int:
        """Write one burst of each connection; return the later clock."""
        shape, sent = self._shape, number * self._shape.burst
        burst = _burst(min(shape.burst, shape.segments - sent), sent, shape.segments_an_ack)
        sequence = self._sequence + np.uint64(sent * FULL_SEGMENT)
        return burst.write(file, self._numbers, self._ports, sequence, self._acknowledgment, clock)


def _instances(template: Template, numbers: NDArray[np.int64], inserted: int) -> NDArray[np.uint8]:
    """Return copies of a connection, a row each, between hosts of their own, with room for more data."""
    rows = np.tile(template.octets, (len(numbers), 1))
    client = template.from_client
    ip = template.tcp - 20
    ports = np.full(len(numbers), template.server_port)
    for sent, ends in ((client, _client_ends(numbers)), (~client, _server_ends(numbers, ports))):
        for places, address_at, port_at in ((sent, 12, 0), (~sent, 16, 2)):
            _put(rows, ip[places] + address_at, ends[0], 4)
            _put(rows, template.tcp[places] + port_at, ends[1], 2)
    later = np.arange(template.packets) >= template.insert_at
    shift = np.uint32(inserted)
    moved_sequence = template.sequence + np.where(later & ~client, shift, np.uint32(0))
    moved_ack = template.acknowledgment + np.where(later & client, shift, np.uint32(0))
    for at, values in ((4, moved_sequence), (8, moved_ack)):
        octets = values.astype(">u4").view(np.uint8).reshape(-1, 4)
        rows[:, template.tcp[:, None] + at + np.arange(4)] = octets
    for serial in template.serial:
        changed = (numbers % SITES + 1).astype(">u8").view(np.uint8).reshape(-1, 8)
        rows[:, serial[2:]] = changed[:, 2:]
    own = (numbers + 1).astype(">u8").view(np.uint8).reshape(-1, 1, 8)
    rows[:, template.hellos[:, None] + np.arange(8)] ^= own
    return rows


def _client_ends(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return 0x0A000001 + (numbers % 199 << 8), 10_000 + numbers // 199 % 50_000


def _server_ends(
    numbers: NDArray[np.int64], ports: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return 0xC0A80001 + (numbers % 61 << 8), ports


def _put(rows: NDArray[np.uint8], places: NDArray[np.int64], values: NDArray[np.int64], width: int) -> None:
    """Write one number of each row, big-endian, at the same places of it."""
    octets = values.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 4 - width :]
    rows[:, places[:, None] + np.arange(width)] = octets[:, None, :]


def _cut(template: Template, octets: NDArray[np.uint8], start: int, stop: int) -> Iterator[bytearray]:
    bounds = template.bounds.tolist()
    for number in range(start, stop):
        yield bytearray(octets[bounds[number] : bounds[number + 1]].tobytes())


def _turns(connections: list[list[bytearray]]) -> list[list[bytearray]]:
    """Return the first packets of all connections, then the second ones, and so on."""
    return [[packet for packet in turn if packet is not None] for turn in zip_longest(*connections)]


def _write_packets(file: BufferedWriter, packets: list[bytearray], clock: int) -> int:
    """Write packets 20 microseconds apart; return the later clock."""
    for packet in packets:
        clock += 20
        struct.pack_into("<II", packet, 0, FIRST_SECOND + clock // MICROSECONDS, clock % MICROSECONDS)
        file.write(packet)
    return clock


class _Burst:
    """Full segments of a server and the client's ACKs: one row of octets, patched for each connection."""

    def __init__(self, segments: int, already: int, segments_an_ack: int) -> None:
        kinds = [
            kind
            for number in range(segments)
            for kind in ((True, False) if (number + 1) % segments_an_ack == 0 else (True,))
        ]
        sizes = [DATA_RECORD if is_data else ACK_RECORD for is_data in kinds]
        self._starts = np.cumsum([0, *sizes[:-1]])
        self._is_data = np.array(kinds)
        self._sent = np.cumsum(self._is_data) * FULL_SEGMENT - self._is_data * FULL_SEGMENT
        content = _application_data(already * FULL_SEGMENT, segments * FULL_SEGMENT)
        self._octets = np.frombuffer(
            b"".join(
                _empty_record(content[sent : sent + FULL_SEGMENT] if is_data else b"")
                for is_data, sent in zip(kinds, self._sent.tolist(), strict=True)
            ),
            np.uint8,
        )

    def write(
        self,
        file: BufferedWriter,
        numbers: NDArray[np.int64],
        ports: NDArray[np.int64],
        sequence: NDArray[np.uint64],
        acknowledgment: NDArray[np.uint64],
        clock: int,
    ) -> int:
        """Write the burst of each connection; return the later clock."""
        rows = np.tile(self._octets, (len(numbers), 1))
        ip = self._starts + RECORD_HEADER + ETHERNET
        tcp = ip + 20
        clients, servers = _client_ends(numbers), _server_ends(numbers, ports)
        for places, source, destination in (
            (self._is_data, servers, clients),
            (~self._is_data, clients, servers),
        ):
            _put(rows, ip[places] + 12, source[0], 4)
            _put(rows, ip[places] + 16, destination[0], 4)
            _put(rows, tcp[places], source[1], 2)
            _put(rows, tcp[places] + 2, destination[1], 2)
        server = (sequence[:, None] + self._sent.astype(np.uint64)).astype(np.uint32)
        client = np.repeat(acknowledgment.astype(np.uint32)[:, None], len(tcp), axis=1)
        octets = np.arange(4)
        for at, values in (
            (4, np.where(self._is_data, server, client)),
            (8, np.where(self._is_data, client, server)),
        ):
            rows[:, tcp[:, None] + at + octets] = (
                values.astype(">u4").view(np.uint8).reshape(len(numbers), -1, 4)
            )
        times = clock + 20 * (1 + np.arange(rows.shape[0] * len(tcp))).reshape(rows.shape[0], -1)
        for at, values in ((0, FIRST_SECOND + times // MICROSECONDS), (4, times % MICROSECONDS)):
            rows[:, self._starts[:, None] + at + octets] = (
                values.astype("<u4").view(np.uint8).reshape(len(numbers), -1, 4)
            )
        file.write(rows.data)
        return int(times[-1, -1])


@cache
def _burst(segments: int, already: int, segments_an_ack: int) -> _Burst:
    return _Burst(segments, already, segments_an_ack)


def _empty_record(payload: bytes) -> bytes:
    """A packet whose addresses, ports and numbers are yet to be filled in."""
    length = 20 + 32 + len(payload)
    frame = bytes.fromhex("0200000000020200000000010800")
    frame += struct.pack(">BBHIBBHII", 0x45, 0, length, 0x4000, 64, 6, 0, 0, 0)
    frame += struct.pack(">HHIIBBHHH", 0, 0, 0, 0, 0x80, 0x10, 0xFFFF, 0, 0)
    frame += bytes.fromhex("0101080a0000000100000001") + payload
    return struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame


_RECORD = b"\x17\x03\x03" + struct.pack(">H", 16_408)
_NOISE = np.random.default_rng(6960).bytes(16_408)


def _application_data(start: int, length: int) -> bytes:
    """Return a part of an endless series of TLS records of application data."""
    record = _RECORD + _NOISE
    skip = start % len(record)
    return (record * (2 + length // len(record)))[skip : skip + length]


def main() -> None:
    """Write one capture, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("output", type=Path)
    parser.add_argument("--megabytes", type=float, required=True)
    options = parser.parse_args()
    generate(SHAPES[options.shape](options.megabytes), options.output)


if __name__ == "__main__":
    main()

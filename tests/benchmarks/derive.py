"""Makes other captures out of a generated one: longer ones, and a rotated set of files."""

from __future__ import annotations

import mmap
import struct
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.generate import MICROSECONDS
from tests.benchmarks.templates import ETHERNET, PCAP_HEADER, RECORD_HEADER, Positions, hello_places

SOURCE, DESTINATION = RECORD_HEADER + ETHERNET + 12, RECORD_HEADER + ETHERNET + 16
CLIENT_NETWORK = 10
"""First octet of the clients' addresses; the second is the number of the copy."""
BLOCK = 1 << 25
GAP = 20
"""Microseconds between two packets."""


def record_starts(path: Path, size: int) -> Positions:
    """Return where the records of a little-endian capture of a size begin, and where the last ends."""
    starts = []
    position = PCAP_HEADER
    length_of = struct.Struct("<I").unpack_from
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        while position < size:
            starts.append(position)
            position += RECORD_HEADER + length_of(content, position + 8)[0]
    return np.array([*starts, position])


def grow(path: Path, once: int, times: int) -> None:
    """Append changed copies of a capture's first bytes, a whole capture, until there are so many of them.

    Each copy has client addresses, randoms and session IDs of its own and follows the one before in time:
    its connections are others, to the same servers.
    """
    starts = record_starts(path, once)
    with path.open("r+b") as file:
        file.seek(0, 2)
        present = (file.tell() - PCAP_HEADER) // (once - PCAP_HEADER)
        bounds = np.unique(np.searchsorted(starts, np.arange(PCAP_HEADER, once + BLOCK, BLOCK)))
        bounds = np.unique(np.minimum(np.append(bounds, 0), len(starts) - 1))
        whole = np.memmap(path, np.uint8, "r")
        first, last = (_times(whole, starts[[number]])[0] for number in (0, -2))
        for copy in range(present, times):
            for begin, end in pairwise(bounds.tolist()):
                block = np.array(whole[starts[begin] : starts[end]])
                _change(block, starts[begin : end + 1] - starts[begin], copy, int(last - first + GAP) * copy)
                file.write(block.data)


def _times(octets: NDArray[np.uint8], starts: Positions) -> NDArray[np.int64]:
    """Return the records' times in microseconds."""
    fields = octets[starts[:, None] + np.arange(8)].view("<u4").astype(np.int64)
    return np.asarray(fields[:, 0] * MICROSECONDS + fields[:, 1])


def _change(octets: NDArray[np.uint8], bounds: Positions, copy: int, later: int) -> None:
    starts = bounds[:-1]
    times = _times(octets, starts) + later
    fields = np.stack((times // MICROSECONDS, times % MICROSECONDS), axis=1).astype("<u4")
    octets[starts[:, None] + np.arange(8)] = fields.view(np.uint8)
    for address in (starts + SOURCE, starts + DESTINATION):
        octets[address[octets[address] == CLIENT_NETWORK] + 1] = copy
    # The eight octets before are what the connections of one copy differ in.
    octets[hello_places(octets, bounds) + 8] ^= copy


def cut(path: Path, directory: Path, files: int) -> None:
    """Write the packets of a capture to so many files of about one size, as ``dumpcap -b`` does."""
    size = path.stat().st_size
    starts = record_starts(path, size)
    firsts = np.searchsorted(starts, PCAP_HEADER + (size - PCAP_HEADER) / files * np.arange(files + 1))
    whole = np.memmap(path, np.uint8, "r")
    header = whole[:PCAP_HEADER].tobytes()
    for number, (begin, end) in enumerate(pairwise(firsts.tolist()), 1):
        second = int(_times(whole, starts[[begin]])[0]) // MICROSECONDS
        name = f"egress_{number:05}_{datetime.fromtimestamp(second, UTC):%Y%m%d%H%M%S}.pcap"
        with (directory / name).open("wb") as file:
            file.write(header)
            file.write(whole[starts[begin] : starts[end]].data)

"""Cutting one large pcap file into slices that can be read side by side.

Where a record begins is guessed from how a run of records looks. Whether it does is known once the slice
before has been read: it ends there with a whole record, or all guesses are worth nothing.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.errors import CaptureError
from ocsp_pcap.capture.formats import PCAP_HEADER
from ocsp_pcap.capture.source import CaptureSource

SLICE: Final = 192 << 20
"""Bytes of a slice, about."""
WINDOWS: Final = (1 << 16, 1 << 20)
"""Bytes that are searched for the beginning of a record; more where few do not show one."""
RUN: Final = 12
"""Records in a row that a guess must see."""
MAX_RECORD: Final = 1 << 18
MAX_AGE: Final = 366 * 86_400
"""Seconds between the first packet of a file and any other."""

_FRACTIONS: Final = {0xA1B2C3D4: 10**6, 0xA1B23C4D: 10**9}
"""Magic number to how many parts a second has."""


def slices(source: CaptureSource) -> list[CaptureSource]:
    """Return slices of a file in order; the file alone where it is small or no plain pcap file."""
    size = source.size
    if size is None or size < 2 * SLICE or source.path is None:
        return [source]
    try:
        with source.path.open("rb") as file:
            head = file.read(PCAP_HEADER + 16)
            order = "<" if int.from_bytes(head[:4], "little") in _FRACTIONS else ">"
            magic, first = np.frombuffer(head, f"{order}u4")[[0, 6]].tolist()
            if magic not in _FRACTIONS:
                return [source]
            borders = [PCAP_HEADER]
            count = 2 * max(1, round(size / (2 * SLICE)))
            for position in (number * size // count for number in range(1, count)):
                for window in WINDOWS:
                    file.seek(position)
                    found = _first_record(file.read(window), order, _FRACTIONS[magic], first)
                    if found is not None:
                        borders.append(position + found)
                        break
    except OSError as error:
        raise CaptureError(f"{source.name}: {error.strerror or error}.") from error
    borders.append(size)
    return [replace(source, span=span) for span in pairwise(borders)]


def _first_record(data: bytes, order: str, parts: int, first_second: int) -> int | None:
    """Return where a run of records seems to begin; None where none is seen."""
    count = len(data) - 15
    if count <= 0:
        return None
    seconds, fraction, captured, original = (_words(data, at, count, order) for at in (0, 4, 8, 12))
    age = seconds.astype(np.int64) - first_second
    plausible = (fraction < parts) & (captured <= original) & (captured <= MAX_RECORD)
    plausible &= (captured > 0) & (original <= MAX_RECORD) & (abs(age) <= MAX_AGE)
    for begin in np.flatnonzero(plausible).tolist():
        position, run = begin, 0
        while position < count and plausible[position] and run < RUN:
            position += 16 + int(captured[position])
            run += 1
        if run == RUN:
            return int(begin)
    return None


def _words(data: bytes, offset: int, count: int, order: str) -> NDArray[np.uint32]:
    """Return the 32-bit number at each of ``count`` positions."""
    return np.ndarray((count,), f"{order}u4", data, offset, (1,))

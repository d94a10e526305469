"""Custom blocks of pcapng: numbered as frames, in their places, at a cost that many of them may have."""

from __future__ import annotations

import struct
import time
from pathlib import Path

from ocsp_pcap.capture import open_capture

SECTION = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
INTERFACE = struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20)
CUSTOM = struct.pack("<IIII", 0x0BAD, 16, 1, 16)
PACKET = struct.pack("<IIIIIII", 6, 36, 0, 0, 5, 4, 4) + b"data" + struct.pack("<I", 36)


def frames(path: Path, data: bytes) -> tuple[list[int], list[int], str | None]:
    path.write_bytes(data)
    lengths: list[int] = []
    times: list[int] = []
    with open_capture(path) as capture:
        for batch in capture:
            lengths += batch.captured_length.tolist()
            times += batch.time.tolist()
        return lengths, times, capture.summary.damage


def test_they_keep_their_places(tmp_path: Path) -> None:
    data = SECTION + INTERFACE + PACKET + CUSTOM * 2 + PACKET + CUSTOM
    assert frames(tmp_path / "a.pcapng", data) == ([4, 0, 0, 4, 0], [5000] * 5, None)


def test_those_behind_damage_do_not_count(tmp_path: Path) -> None:
    broken = struct.pack("<IIIIIII", 2, 36, 9, 0, 5, 4, 4) + b"data" + struct.pack("<I", 36)
    lengths, _, damage = frames(tmp_path / "a.pcapng", SECTION + INTERFACE + CUSTOM + broken + CUSTOM)
    assert lengths == [0]
    assert damage is not None


def test_half_a_million_take_seconds_at_most(tmp_path: Path) -> None:
    began = time.process_time()
    lengths, _, _ = frames(tmp_path / "a.pcapng", SECTION + INTERFACE + CUSTOM * 500_000)
    assert len(lengths) == 500_000
    assert time.process_time() - began < 5

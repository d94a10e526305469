"""Part of a pcap file, as a file."""

from __future__ import annotations

import io

from ocsp_pcap.capture.formats import PCAP_HEADER


class Slice(io.RawIOBase):
    """The file header of a pcap file, then some of its bytes."""

    def __init__(self, file: io.FileIO, start: int, stop: int) -> None:
        """``start`` and ``stop``: where in the file the bytes begin and end."""
        self._file = file
        self._head = file.read(PCAP_HEADER) or b""
        self._left = stop - start
        file.seek(start)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, target: object) -> int:
        """Fill ``target`` (a writable buffer) as far as one read goes; 0 means the end."""
        view = memoryview(target).cast("B")  # type: ignore[arg-type]
        if self._head:
            count = min(len(view), len(self._head))
            view[:count] = self._head[:count]
            self._head = self._head[count:]
            return count
        count = self._file.readinto(view[: self._left]) or 0
        self._left -= count
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

"""One direction's CRYPTO frames at one encryption level, put into order (RFC 9000 19.6)."""

from __future__ import annotations

import heapq

from ocsp_pcap.bounds import BOUNDS, reached


class CryptoStream:
    """Turns frames in any order, overlapping or repeated, into bytes in order, each once."""

    __slots__ = ("_buffered", "_next", "_pieces", "overflowed")

    def __init__(self) -> None:
        self._next = 0
        self._pieces: list[tuple[int, bytes]] = []
        self._buffered = 0
        self.overflowed = False
        """A bound was reached and bytes were dropped."""

    def receive(self, offset: int, data: bytes) -> bytes:
        """Take one frame; return the bytes that are in order now and were not before."""
        if offset + len(data) > BOUNDS.quic_crypto_bytes:
            reached("quic_crypto_bytes")
            self.overflowed = True
            return b""
        if offset > self._next:
            self._keep(offset, data)
            return b""
        if offset + len(data) <= self._next:
            return b""
        output = [data[self._next - offset :]]
        self._next = offset + len(data)
        while self._pieces and self._pieces[0][0] <= self._next:
            offset, data = heapq.heappop(self._pieces)
            self._buffered -= len(data)
            if offset + len(data) > self._next:
                output.append(data[self._next - offset :])
                self._next = offset + len(data)
        return output[0] if len(output) == 1 else b"".join(output)

    def _keep(self, offset: int, data: bytes) -> None:
        if not data or (offset, data) in self._pieces[:8]:
            return
        waits_too_much = self._buffered + len(data) > BOUNDS.quic_crypto_waiting
        if waits_too_much or len(self._pieces) >= BOUNDS.quic_crypto_pieces:
            reached("quic_crypto_waiting" if waits_too_much else "quic_crypto_pieces")
            self.overflowed = True
            return
        heapq.heappush(self._pieces, (offset, data))
        self._buffered += len(data)

    @property
    def held(self) -> int:
        """Bytes kept out of order."""
        return self._buffered

    @property
    def missing(self) -> int:
        """Bytes that are known to be missing in front of those kept out of order."""
        return self._pieces[0][0] - self._next if self._pieces else 0

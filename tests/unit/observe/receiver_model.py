"""A receiver of TCP, as plain as RFC 9293 3.10.7.4 lets it be: byte by byte, and one connection only."""

from __future__ import annotations

from tests.unit.observe.segments import Wire


class Receiver:
    """Takes the client's segments one by one; keeps the first copy of each byte that it takes."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.bytes: dict[int, int] = {}
        self.next = 0
        """Position of the first byte that is not there."""

    def takes(self, wire: Wire) -> bool:
        """Tell whether it looks at a segment at all."""
        if wire.checksum == "wrong" or "A" not in wire.flags or wire.heard != 0:
            return False
        first, last = wire.position, wire.position + len(wire.data) - 1
        return self.next <= last and first < self.next + self.window

    def receive(self, wire: Wire) -> None:
        """Take a segment, or drop it."""
        if not self.takes(wire):
            return
        for position, byte in enumerate(wire.data, wire.position):
            if self.next <= position < self.next + self.window:
                self.bytes.setdefault(position, byte)
        while self.next in self.bytes:
            self.next += 1

    def stream(self) -> bytes:
        """Return what it handed to whoever reads."""
        return bytes(self.bytes[position] for position in range(self.next))

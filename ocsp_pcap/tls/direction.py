"""The state of one direction of a TLS connection."""

from __future__ import annotations


class Direction:
    """The state of one direction: what it has shown so far."""

    __slots__ = (
        "application_data",
        "change_cipher_spec",
        "damaged",
        "done",
        "finished",
        "from_client",
        "protected",
        "protected_records",
    )

    def __init__(self, from_client: bool) -> None:
        self.from_client = from_client
        self.change_cipher_spec = False
        self.protected = False
        """TLS 1.2 and before: ChangeCipherSpec was seen."""
        self.protected_records = 0
        """Protected records that could not be opened, early data aside."""
        self.finished = False
        """Finished was inferred from records that could not be opened."""
        self.application_data = False
        self.damaged = False
        """Bytes were lost since the last ChangeCipherSpec."""
        self.done = False
        """No later byte can yield an event."""

    def copied(self) -> Direction:
        """Return a state of its own."""
        direction = Direction(self.from_client)
        for name in Direction.__slots__:
            setattr(direction, name, getattr(self, name))
        return direction

"""SYN segments that start a stream anew, by Wireshark's rule (see :mod:`ocsp_pcap.streams.flows`)."""

from __future__ import annotations

import numpy as np

from ocsp_pcap.decode.columns import ACK, SYN, TransportColumns
from ocsp_pcap.streams.distinct import among, distinct
from ocsp_pcap.streams.windows import MODULUS, Flags, Rows


class Restarts:
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
        """Base sequence number of both sides of the latest stream of each conversation."""
        self.learned: list[tuple[int, list[int | None]]] = []
        """A row of each stream walked, and the stream's base sequence numbers."""
        self.rebased: list[tuple[int, int]] = []
        """SYN/ACK rows whose number does not fit what their sender sent before, and its base till then."""
        self.starts: list[int] = []
        """Rows that start a new stream of a known conversation."""
        self.began: list[int] = []
        """For each row walked: the row that started its stream, -1 where that was before this batch."""

    def select(self, conversations: Rows, new: Rows) -> None:
        """Choose all rows of some conversations."""
        chosen = among(self.conversation, conversations)
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
        learning: dict[int, list[int | None]] = {}
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
            base = bases[side]
            if flags & SYN and base is not None and base != sequence:
                if flags & ACK:
                    self.rebased.append((row, base))
                    bases[side] = sequence
                else:
                    bases = self.bases[conversation] = [None, None]
                    latest[conversation] = row
                    self.starts.append(row)
            if learning.get(conversation) is not bases:
                learning[conversation] = bases
                self.learned.append((row, bases))
            self.began.append(latest.get(conversation, -1))
            if in_error:
                continue
            if bases[side] is None:
                bases[side] = sequence if flags & SYN else (sequence - 1) % MODULUS
            if bases[not side] is None and flags & ACK:
                bases[not side] = (acknowledgment - 1) % MODULUS

"""A reader: one capture, from its source to batches of packets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import PADDING, Bytes, Column, PacketBatch
from ocsp_pcap.capture.errors import CaptureError
from ocsp_pcap.capture.expand import source_named
from ocsp_pcap.capture.formats import is_capture, is_pcap
from ocsp_pcap.capture.parser import NOT_A_PACKET, BlockParser, FileDamage, Parsed
from ocsp_pcap.capture.pipe import ReadEnded, Wait, at_once, below
from ocsp_pcap.capture.source import CaptureSource, not_a_capture, read_head, stored_position, stream_damage

BLOCK_SIZE = 16 << 20
"""Bytes read at a time."""
ALIGNMENT = 64
"""Bytes of a line of the processor's cache: what is read to the beginning of one is copied fastest."""
BUFFER_LIMIT = (64 << 20) + (1 << 16)
"""A record that does not fit into a buffer of this size is damage."""
BATCH_ROWS = 1 << 15
"""Packets that a batch holds at most."""


class CaptureSummary(NamedTuple):
    """Findings about a capture so far: packets, times, drops, damage."""

    packets: int
    """Frames, as Wireshark counts them."""
    snaplen: int | None
    """The largest snapshot length of any interface; None where unlimited or unknown."""
    link_types: frozenset[int]
    """LINKTYPE_ values of the packets seen."""
    dropped: int | None
    """Packets that the capturing system reports as dropped; None where it reports nothing."""
    damage: str | None
    """Why the capture could not be read to its end, with byte offset and frame number."""
    secrets: tuple[bytes, ...]
    """TLS key log text of each Decryption Secrets Block, in file order."""
    size: int
    """Decompressed bytes read."""
    first_time: int | None
    """The earliest time of any packet, nanoseconds since the epoch."""
    last_time: int | None
    step_back: int = 0
    """Nanoseconds by which the time of a packet is before that of the one before it, at most."""
    time_at_start: int | None = None
    """Time of the first packet in the order of the file."""
    time_at_end: int | None = None
    evidence: str | None = None
    """What an evidence capture says of the capture from which its packets were chosen."""


def together(summaries: Sequence[CaptureSummary]) -> CaptureSummary:
    """Sum up the files of one capture; where each is damaged is not said here."""
    lengths = [summary.snaplen for summary in summaries]
    # The counters of a capturing program run on from file to file.
    dropped = [summary.dropped for summary in summaries if summary.dropped is not None]
    timed = [summary for summary in summaries if summary.time_at_start is not None]
    between = [(before.time_at_end or 0) - (after.time_at_start or 0) for before, after in pairwise(timed)]
    return CaptureSummary(
        packets=sum(summary.packets for summary in summaries),
        snaplen=None if None in lengths else max((length for length in lengths if length), default=None),
        link_types=frozenset[int]().union(*(summary.link_types for summary in summaries)),
        dropped=max(dropped, default=None),
        damage=None,
        secrets=tuple(secret for summary in summaries for secret in summary.secrets),
        size=sum(summary.size for summary in summaries),
        first_time=min((s.first_time for s in summaries if s.first_time is not None), default=None),
        last_time=max((s.last_time for s in summaries if s.last_time is not None), default=None),
        step_back=max(0, *between, *(summary.step_back for summary in summaries)),
        time_at_start=timed[0].time_at_start if timed else None,
        time_at_end=timed[-1].time_at_end if timed else None,
        evidence=summaries[0].evidence if len(summaries) == 1 else None,
    )


class CaptureReader:
    """Iterates, once, over the packets of one capture; made by :func:`open_capture`.

    The buffer of a batch is overwritten when the next batch is asked for. Damage ends the iteration
    and stands in :attr:`summary`; nothing is raised for it.
    """

    def __init__(
        self,
        name: str,
        stream: BinaryIO,
        head: bytes,
        block_size: int,
        interfaces: frozenset[int] | None = None,
    ) -> None:
        self.name = name
        self.part_of: CaptureSource | None = None
        """The source, where its file holds other captures besides."""
        self._frames_before = 0
        self._wait: Wait = at_once
        self._interrupted = False
        self._stream = stream
        self._pipe = below(stream)
        self._parser = _parser_of(head, interfaces)
        self._buffer = _aligned(max(block_size, len(head)) + PADDING)
        self._buffer[: len(head)] = np.frombuffer(head, np.uint8)
        self._filled = len(head)
        self._base = 0
        self._packets = self._held = 0
        self._damage: str | None = None
        self._link_types: set[int] = set()
        self._first_time: int | None = None
        self._last_time: int | None = None
        self._step_back = 0
        self._time_at_start: int | None = None
        self._time_at_end: int | None = None

    def __enter__(self) -> CaptureReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the source."""
        self._stream.close()

    @property
    def summary(self) -> CaptureSummary:
        """What was learned so far; complete once the iteration has ended."""
        return CaptureSummary(
            packets=self._packets if self.part_of is None else self._held,
            snaplen=self._parser.snaplen,
            link_types=frozenset(self._link_types),
            dropped=self._parser.dropped,
            damage=self._damage,
            secrets=tuple(self._parser.secrets),
            size=self._base + self._filled,
            first_time=self._first_time,
            last_time=self._last_time,
            step_back=self._step_back,
            time_at_start=self._time_at_start,
            time_at_end=self._time_at_end,
            evidence=self._parser.evidence,
        )

    @property
    def is_pipe(self) -> bool:
        """It is a pipe, which is read on for a moment where its watch is stopped."""
        return self._pipe is not None

    @property
    def interrupted(self) -> bool:
        """Reading was ended by what waits for its source."""
        return self._interrupted or (self._pipe is not None and self._pipe.interrupted)

    @property
    def position(self) -> int:
        """Bytes of the file, as it is stored, that were read so far."""
        return stored_position(self._stream, self._base + self._filled)

    @property
    def secrets(self) -> list[bytes]:
        """TLS key log text read so far, in file order; grows during iteration."""
        return self._parser.secrets

    def __iter__(self) -> Iterator[PacketBatch]:
        return self.batches()

    def batches(self, frames_before: int = 0, wait: Wait = at_once) -> Iterator[PacketBatch]:
        """Iterate over the packets.

        Args:
            frames_before: frames of earlier files that are counted before those of this one.
            wait: what waits for the source.
        """
        self._frames_before, self._wait = frames_before, wait
        if self._pipe is not None:
            self._pipe.wait = wait
        start, final = 0, False
        while True:
            final = self._fill() or final
            parsed = self._parser.parse(self._buffer, start, self._filled, final)
            yield from self._batches(parsed)
            if parsed.damage:
                self._tell(parsed.damage)
            if parsed.damage or final:
                break
            start = parsed.consumed
            if parsed.needed > BUFFER_LIMIT:
                self._tell(FileDamage(start, f"a record claims {parsed.needed} bytes"))
                break
            start = self._make_room(start, parsed.needed)
        self._tell_stream()
        self.close()

    def _fill(self) -> bool:
        """Read until the buffer is full; True where the source ends first."""
        room = self._buffer.data[: len(self._buffer) - PADDING]
        # A pipe gives what is there: readinto would wait for more, and lose it where that is interrupted.
        read = getattr(self._stream, "readinto1", None) or self._stream.readinto  # type: ignore[attr-defined]
        while self._filled < len(room):
            into = room[self._filled :]
            try:
                count = self._wait(partial(read, into)) if self._pipe is None else read(into)
            except ReadEnded:
                return True
            except (OSError, ValueError) as error:
                self._damage = f"reading failed at byte {self._base + self._filled}: {error}"
                return True
            self._interrupted |= count is None
            if not count:
                return True
            self._filled += count
        return False

    def _make_room(self, start: int, needed: int) -> int:
        """Carry the unread rest over to the front; grow the buffer where the next record needs it.

        Returns where the rest begins then: what is read next is aligned.
        """
        rest = self._buffer[start : self._filled].copy()
        begin = -len(rest) % ALIGNMENT
        size = begin + max(needed, len(rest) + 1) + PADDING
        if size > len(self._buffer):
            self._buffer = _aligned(max(size, min(2 * len(self._buffer), BUFFER_LIMIT + PADDING)))
        self._filled = begin + len(rest)
        self._buffer[begin : self._filled] = rest
        self._base += start - begin
        return begin

    def _batches(self, parsed: Parsed) -> Iterator[PacketBatch]:
        for low in range(0, len(parsed), BATCH_ROWS):
            rows = slice(low, low + BATCH_ROWS)
            batch = PacketBatch(
                self._buffer,
                self._frames_before + self._packets + 1,
                parsed.offset[rows],
                parsed.captured_length[rows],
                parsed.original_length[rows],
                parsed.time[rows],
                parsed.link_type[rows],
            )
            self._note(batch, None if parsed.timed is None else parsed.timed[rows])
            yield batch

    def _note(self, batch: PacketBatch, timed: NDArray[np.bool_] | None) -> None:
        self._packets += len(batch)
        if self.part_of is not None:
            self._held += int((batch.link_type != NOT_A_PACKET).sum())
        types = batch.link_type
        # Captures with one link type are the rule; np.unique would sort.
        found = {int(types[0])} if (types == types[0]).all() else set(np.unique(types).tolist())
        self._link_types |= found - {NOT_A_PACKET}
        times = batch.time if timed is None else batch.time[timed]
        if len(times):
            first, last = int(times.min()), int(times.max())
            self._first_time = first if self._first_time is None else min(first, self._first_time)
            self._last_time = last if self._last_time is None else max(last, self._last_time)
            self._note_steps(times)

    def _note_steps(self, times: Column) -> None:
        start, end = int(times[0]), int(times[-1])
        if self._time_at_end is None:
            self._time_at_start = start
        else:
            self._step_back = max(self._step_back, self._time_at_end - start)
        self._time_at_end = end
        if len(times) > 1:
            self._step_back = max(self._step_back, -int(np.diff(times).min()))

    def _tell(self, damage: FileDamage) -> None:
        place = f"at byte {self._base + damage.position}, where frame {self._packets + 1} should be"
        self._damage = f"{damage.reason} ({place})" + (f"; {self._damage}" if self._damage else "")

    def _tell_stream(self) -> None:
        reason = stream_damage(self._stream)
        if reason:
            self._damage = f"{self._damage}; {reason}" if self._damage else reason


def _aligned(size: int) -> Bytes:
    buffer = np.zeros(size + ALIGNMENT, np.uint8)
    begin = -buffer.ctypes.data % ALIGNMENT
    return buffer[begin : begin + size]


def _parser_of(head: bytes, interfaces: frozenset[int] | None) -> BlockParser:
    if is_pcap(head):
        from ocsp_pcap.capture.pcap import PcapParser

        return PcapParser()
    from ocsp_pcap.capture.pcapng import PcapngParser

    return PcapngParser(interfaces)


def open_capture(
    source: CaptureSource | str | Path, block_size: int = BLOCK_SIZE, wait: Wait = at_once
) -> CaptureReader:
    """Open a capture, compressed or not, and read its first bytes; ``wait`` waits for those of a pipe.

    Raises CaptureError where it cannot be opened, is empty or is no pcap or pcapng file.
    """
    if not isinstance(source, CaptureSource):
        source = source_named(str(source))
    stream = source.open(wait)
    try:
        head = read_head(stream)
    except OSError as error:
        stream.close()
        raise CaptureError(f"{source.name}: {error.strerror or error}.") from error
    if not is_capture(head):
        damage = stream_damage(stream)
        stream.close()
        raise not_a_capture(source, head, damage)
    reader = CaptureReader(source.name, stream, head, block_size, source.interfaces)
    reader.part_of = source if source.interfaces is not None else None
    return reader

"""The TLS record layer of one direction: bytes to records (RFC 8446 5.1, RFC 5246 6.2.1)."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.tls import sslv2
from ocsp_pcap.tls.handshake import plausible_message

CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
SSLV2_HELLO: Final = 0x80
"""Not a content type of TLS: a hello in SSL 2.0 form, whose fragment has its 2-byte header."""
BOUNDARY_LOST: Final = 0x100
"""Not a content type of TLS: here the reader lost synchronisation; the fragment says why, in ASCII."""

MAX_FRAGMENT: Final = (1 << 14) + 2048
"""Largest protected fragment (RFC 5246 6.2.3)."""


class Record(NamedTuple):
    """One record, or (``whole`` False) what a hole in the capture left of it."""

    content_type: int
    version: int
    fragment: bytes
    whole: bool


class RecordsState(Enum):
    """Where a reader stands in its byte stream."""

    START = 0
    """Before the first byte."""
    SYNCHRONISED = 1
    """At a record boundary or inside a record."""
    SEARCHING = 2
    """Record boundaries are lost: looking at segment starts."""
    DEAD = 3
    """Given up."""
    SSLV2 = 4
    """Inside a hello in SSL 2.0 form."""


def sane_header(data: bytes | bytearray, position: int = 0) -> bool:
    """Tell whether 5 bytes can be a record header: type, version SSL 3.0 to TLS 1.3 (or TLCP), length."""
    return (
        20 <= data[position] <= 24
        and (
            (data[position + 1] == 3 and data[position + 2] <= 4)
            or (data[position + 1] == 1 and data[position + 2] == 1)
        )
        and (data[position + 3] << 8 | data[position + 4]) <= MAX_FRAGMENT
    )


def plausible_record(data: bytes | bytearray) -> bool | None:
    """Tell whether bytes at a segment start begin a record; None: more bytes are needed to tell."""
    if len(data) < 5:
        return None
    if not sane_header(data):
        return False
    kind = data[0]
    length = data[3] << 8 | data[4]
    if kind == CHANGE_CIPHER_SPEC:
        if length != 1:
            return False
        return None if len(data) < 6 else data[5] == 1
    if kind == ALERT:
        return length == 2 or 16 <= length <= 320
    if kind == HANDSHAKE:
        if length < 4:
            return False
        return None if len(data) < 9 else plausible_message(data, 5)
    return length >= 16


def _boundary_lost(reason: bytes) -> Record:
    return Record(BOUNDARY_LOST, 0, reason, False)


class RecordReader:
    """Splits the bytes of one direction into records. Holds at most one record."""

    __slots__ = (
        "_buffer",
        "_need",
        "_rest",
        "_rest_type",
        "_rest_version",
        "_searched",
        "_segment",
        "state",
    )

    def __init__(self) -> None:
        self.state = RecordsState.START
        self._buffer: bytes | bytearray = b""
        self._need = 5
        self._rest = 0
        self._rest_type = 0
        self._rest_version = 0
        self._searched = 0
        self._segment = 0
        """Where in the buffer the latest segment starts, while the first record is awaited."""

    @property
    def held(self) -> int:
        """Bytes that wait for the rest of their record."""
        return len(self._buffer)

    def receive(self, data: bytes, segment_start: bool) -> list[Record]:
        """Take the next bytes and return the records that they complete."""
        records: list[Record] = []
        state = self.state
        if state is not RecordsState.SYNCHRONISED:
            if state is RecordsState.DEAD:
                return records
            if not self._synchronise(data, segment_start, records):
                return records
            data = bytes(self._buffer)
            self._buffer = b""
            if state is not RecordsState.SEARCHING and data[0] & 0x80:
                records.append(Record(SSLV2_HELLO, sslv2.SSL_2_0, data[: self._need], True))
                data = data[self._need :]
        else:
            if self._rest:
                taken = min(self._rest, len(data))
                if taken:
                    self._rest -= taken
                    records.append(Record(self._rest_type, self._rest_version, data[:taken], False))
                    data = data[taken:]
            held = self._buffer
            if held:
                if not isinstance(held, bytearray):
                    self._buffer = held = bytearray(held)
                held += data
                if len(held) < self._need:
                    return records
                data = bytes(held)
        self._split(data, records)
        return records

    def _split(self, data: bytes, records: list[Record]) -> None:
        position = 0
        size = len(data)
        need = 5
        while size - position >= 5:
            kind = data[position]
            minor = data[position + 2]
            length = data[position + 3] << 8 | data[position + 4]
            unusual = kind < 20 or kind > 24 or data[position + 1] != 3 or minor > 4 or length > MAX_FRAGMENT
            if unusual and not sane_header(data, position):
                records.append(_boundary_lost(b"bytes that are no TLS record follow a record"))
                self._lose()
                return
            end = position + 5 + length
            if end > size:
                need = end - position
                break
            records.append(Record(kind, data[position + 1] << 8 | minor, data[position + 5 : end], True))
            position = end
        self._need = need
        self._buffer = data[position:] if position < size else b""

    def _lose(self) -> None:
        self.state = RecordsState.SEARCHING
        self._buffer = b""
        self._need = 5
        self._rest = 0
        self._segment = 0

    def _synchronise(self, data: bytes, segment_start: bool, records: list[Record]) -> bool:
        """Decide whether the buffer, which starts at a segment start, begins a record."""
        if self.state is RecordsState.SSLV2:
            return self._sslv2(data)
        if self.state is RecordsState.START:
            if segment_start:
                self._segment = len(self._buffer)
        else:
            self._searched += len(data)
            if self._searched > BOUNDS.record_search:
                reached("record_search")
                self.state = RecordsState.DEAD
                self._buffer = b""
                return False
            if segment_start:
                self._buffer = b""
            elif not self._buffer:
                return False
        self._buffer = bytes(self._buffer) + data if self._buffer else data
        verdict = plausible_record(self._buffer)
        if verdict:
            self.state = RecordsState.SYNCHRONISED
            self._searched = 0
            return True
        if verdict is False:
            if self.state is RecordsState.START:
                size = sslv2.message_size(self._buffer)
                if size is not None:
                    self.state = RecordsState.SSLV2
                    self._need = size
                    return self._sslv2(b"")
                records.append(_boundary_lost(b"the stream does not start with a TLS record"))
            latest = self._buffer[self._segment :] if self._segment else b""
            self._lose()
            if latest:
                return self._synchronise(bytes(latest), True, records)
        return False

    def _sslv2(self, data: bytes) -> bool:
        """Gather a hello in SSL 2.0 form; tell whether it is whole."""
        held = self._buffer
        if not isinstance(held, bytearray):
            self._buffer = held = bytearray(held)
        held += data
        if len(held) < self._need:
            return False
        self.state = RecordsState.SYNCHRONISED
        return True

    def gap(self, length: int) -> tuple[Record | None, int | None]:
        """Note that the next ``length`` bytes are missing.

        Returns what was held of the record begun, and how many of the missing bytes belong to it;
        None where record boundaries are lost too.
        """
        if self.state is not RecordsState.SYNCHRONISED:
            if self.state is not RecordsState.DEAD:
                self._lose()
            return None, None
        part: Record | None = None
        held = self._buffer
        if self._rest:
            lacking = self._rest
        elif len(held) >= 5:
            lacking = self._need - len(held)
            self._rest_type = held[0]
            self._rest_version = held[1] << 8 | held[2]
            part = Record(held[0], self._rest_version, bytes(held[5:]), False)
        else:
            self._lose()
            return None, None
        self._buffer = b""
        self._need = 5
        if length > lacking:
            self._lose()
            return part, None
        self._rest = lacking - length
        return part, length

    def flush(self) -> Record | None:
        """Return what was held of the record begun, at the end of the stream."""
        held = bytes(self._buffer)
        self._buffer = b""
        synchronised = self.state is RecordsState.SYNCHRONISED
        self.state = RecordsState.DEAD
        if synchronised and len(held) > 5:
            return Record(held[0], held[1] << 8 | held[2], held[5:], False)
        return None

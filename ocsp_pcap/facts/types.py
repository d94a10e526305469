"""The meanings of integers and strings in facts: each is a type, and its form follows from it."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

TIME: Final = "time"
STATED: Final = "stated"
FRAME: Final = "frame"
STREAM: Final = "stream"
PORT: Final = "port"
SHA256: Final = "sha256"
HEX: Final = "hash"
SERIAL: Final = "serial"

Time: TypeAlias = Annotated[int, TIME]
"""When a packet was captured, or something it shows: nanoseconds since the Unix epoch, UTC."""
StatedTime: TypeAlias = Annotated[int, STATED]
"""A time that a document states (RFC 5280 4.1.2.5, RFC 6960 4.2.2.1, RFC 9110 5.6.7), in nanoseconds, too:
it is a whole second."""
Frame: TypeAlias = Annotated[int, FRAME]
"""1-based, as Wireshark's ``frame.number``."""
StreamNumber: TypeAlias = Annotated[int, STREAM]
"""As Wireshark's ``tcp.stream``, or ``udp.stream`` where the transport is UDP."""
Port: TypeAlias = Annotated[int, PORT]
Sha256: TypeAlias = Annotated[str, SHA256]
"""64 digits of lower-case hex."""
Hex: TypeAlias = Annotated[str, HEX]
"""Octets as lower-case hex."""
Serial: TypeAlias = Annotated[str, SERIAL]
"""A serial number as lower-case hex without leading zeros."""

"""The meanings of values in facts: each is a type, and its form follows from it."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

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

SignatureState: TypeAlias = Literal["valid", "invalid", "unverifiable"]
TcpOutcome: TypeAlias = Literal["established", "refused", "reset", "unanswered"]
Transport: TypeAlias = Literal["tcp", "udp"]
Side: TypeAlias = Literal["client", "server"]
CaptureRole: TypeAlias = Literal["child", "parent"]

Ender: TypeAlias = Side | None
"""Who first ended the connection, by FIN or RST; None: the capture shows no end."""
HopLimit: TypeAlias = int | None
"""Time to live, or hop limit, of the first packet that the client sent on this connection: hosts behind
one address (RFC 3022) often differ in it. None: the client sent nothing that the capture holds."""
AmbiguousFrames: TypeAlias = tuple[int, ...]
"""Frames that disagree about the same bytes (retransmissions and overlaps that differ), or of which a
receiver may have dropped one (checksum, hop limit, RST, urgent data): it may have read another message."""
RelayedFor: TypeAlias = str | None
"""For whom a proxy relayed a request: the first address of X-Forwarded-For or of Forwarded (RFC 7239),
else the value of Via (RFC 9110 7.6.3); None: the request names no other asker."""
AnsweredBy: TypeAlias = str | None
"""Header by which an answer shows a proxy. It wrote the answer itself: ``squid: X-Squid-Error …``,
``Proxy-Authenticate: …``, ``Proxy-Status: …`` with ``error=``, ``Server: …``. A proxy, or a content
delivery network, handed it on: ``Via: …``, ``X-Cache: …``, other ``Proxy-Status: …``. None: nothing tells
of one."""
HttpDate: TypeAlias = StatedTime | None
"""Time of the Date header of an answer (RFC 9110 6.6.1)."""

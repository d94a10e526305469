"""Hello messages in SSL 2.0 form, which old clients send to offer newer versions (RFC 5246 E.2)."""

from __future__ import annotations

from struct import unpack_from
from typing import Final

from ocsp_pcap.tls.events import Certificate, ClientHello, ServerHello, TlsEvent

SSL_2_0: Final = 0x0002
_CLIENT_HELLO: Final = 1
_SERVER_HELLO: Final = 4
_X509: Final = 1


def message_size(data: bytes | bytearray) -> int | None:
    """Return the size with header of the SSL 2.0 hello that 5 bytes begin; None: they begin none."""
    if not data[0] & 0x80:
        return None
    length = (data[0] & 0x7F) << 8 | data[1]
    if data[2] == _CLIENT_HELLO:
        version = data[3] << 8 | data[4]
        plausible = (version == SSL_2_0 or 0x0300 <= version <= 0x0304) and length >= 9 + 3 + 16
    else:
        plausible = data[2] == _SERVER_HELLO and data[3] <= 1 and data[4] <= _X509 and length >= 11
    return length + 2 if plausible else None


def _client_hello(data: bytes, frame: int, time: int) -> ClientHello | None:
    if len(data) < 11:
        return None
    version, specs, session, challenge = unpack_from(">HHHH", data, 3)
    position = 11
    end = position + specs
    if end + session + challenge > len(data) or specs % 3 or not 16 <= challenge <= 32:
        return None
    suites = tuple(
        int.from_bytes(data[start + 1 : start + 3], "big")
        for start in range(position, end, 3)
        if not data[start]
    )
    random = data[end + session : end + session + challenge].rjust(32, b"\0")
    session_id = data[end : end + session]
    return ClientHello(
        frame, time, random, session_id, version, (), suites, None, (), False, None, 0, False, False
    )


def _server_hello(data: bytes, frame: int, time: int) -> list[TlsEvent]:
    if len(data) < 13:
        return []
    version, length, specs, connection = unpack_from(">HHHH", data, 5)
    certificate = data[13 : 13 + length]
    if version != SSL_2_0 or 13 + length + specs + connection > len(data):
        return []
    end = 13 + length + specs
    events: list[TlsEvent] = [
        ServerHello(frame, time, data[end : end + connection], b"", SSL_2_0, 0, None, False, False, False)
    ]
    if data[4] == _X509 and certificate:
        events.append(Certificate(frame, time, False, (certificate,), (), False))
    return events


def read_hello(data: bytes, frame: int, time: int) -> list[TlsEvent]:
    """Read a whole SSL 2.0 hello with its 2-byte header; an empty list where it is malformed.

    A ClientHello's challenge stands as its random, padded on the left to 32 bytes (RFC 5246 E.2).
    """
    if data[2] == _CLIENT_HELLO:
        hello = _client_hello(data, frame, time)
        return [hello] if hello else []
    return _server_hello(data, frame, time)

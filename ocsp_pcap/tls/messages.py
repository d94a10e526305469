"""Bodies of single handshake messages: bytes to events.

Every reader takes the body without the 4-byte message header and returns what it could read plus
the fault that stopped it (None: none). None of them raises for bad input.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from struct import Struct, unpack_from
from typing import Final, TypeVar

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.tls.compression import CompressionError, decompress
from ocsp_pcap.tls.events import (
    Certificate,
    CertificateStatus,
    ClientHello,
    EncryptedExtensions,
    ServerHello,
)

HELLO_RETRY_REQUEST: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""ServerHello.random of a HelloRetryRequest (RFC 8446 4.1.3)."""

RANDOM: Final = slice(2, 34)
"""Where it stands in a hello."""
SESSION_ID: Final = 35
"""Where it begins."""

MORE_THAN: Final = "more than"
"""Begins a fault that is a bound of this program."""

Read = TypeVar("Read")
_MAX_REMEMBERED: Final = 512
"""Bytes of a list that is remembered."""

ENCRYPT_THEN_MAC: Final = 22
EXTENDED_MASTER_SECRET: Final = 23
_TYPE_AND_LENGTH: Final = Struct(">HH")
_SERVER_NAME: Final = 0
_STATUS_REQUEST: Final = 5
_SUPPORTED_GROUPS: Final = 10
_POINT_FORMATS: Final = 11
_ALPN: Final = 16
_STATUS_REQUEST_V2: Final = 17
_CERT_WITH_EXTERN_PSK: Final = 33
_SESSION_TICKET: Final = 35
_PRE_SHARED_KEY: Final = 41
_EARLY_DATA: Final = 42
_SUPPORTED_VERSIONS: Final = 43
_ENCRYPTED_SERVER_NAME: Final = 0xFFCE
_KEY_SHARE: Final = 51
_ENCRYPTED_CLIENT_HELLO: Final = 0xFE0D
_KEYS: Final = (_SESSION_TICKET, _KEY_SHARE, _ENCRYPTED_CLIENT_HELLO)
"""Extensions that are another one in each hello."""
_OLD_DRAFTS: Final = (0x7F, 0x7E)
"""High bytes of versions of TLS 1.3 that was being written."""
_CLIENT_HELLO: Final = 1


def is_tls13(version: int) -> bool:
    """Tell whether a negotiated version is TLS 1.3 or one of its drafts (0x7f.., 0xfb.., 0x7e..)."""
    return version == 0x0304 or version >> 8 in (0x7F, 0xFB, 0x7E)


def escaped(raw: bytes) -> str:
    r"""Return text as it is where it is printable ASCII, every other byte as ``\xNN``."""
    if raw.isascii():
        text = raw.decode("ascii")
        if text.isprintable():
            return text
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in raw)


def _extensions(body: bytes, position: int) -> tuple[dict[int, tuple[int, int]], str | None]:
    """Return type -> (start, end) of each extension in the block at ``position``, the first of each type."""
    found: dict[int, tuple[int, int]] = {}
    size = len(body)
    if position + 2 > size:
        return found, None if position == size else "the extension block is cut short"
    end = position + 2 + (body[position] << 8 | body[position + 1])
    fault = None
    if end > size:
        fault = "the extension block is longer than its message"
        end = size
    position += 2
    read_header = _TYPE_AND_LENGTH.unpack_from
    while position + 4 <= end:
        extension, length = read_header(body, position)
        position += 4
        following = position + length
        if following > end:
            return found, fault or "an extension is longer than the extension block"
        if extension not in found:
            found[extension] = (position, following)
        position = following
    return found, fault


def _server_name(body: bytes, start: int, end: int) -> str | None:
    """Return the host_name of a server_name extension (RFC 6066 3)."""
    position = start + 2
    while position + 3 <= end:
        length = body[position + 1] << 8 | body[position + 2]
        following = position + 3 + length
        if body[position] == 0:
            return escaped(body[position + 3 : min(following, end)])
        position = following
    return None


def _remembered(read: Callable[[bytes], Read]) -> Callable[[bytes], Read]:
    """Remember what was read of short lists: clients of a kind send the same ones."""
    known = lru_cache(maxsize=1024)(read)
    return lambda data: known(data) if len(data) <= _MAX_REMEMBERED else read(data)


@_remembered
def _alpn(data: bytes) -> tuple[str, ...]:
    """Return the protocol names of an ALPN extension (RFC 7301 3.1)."""
    names = []
    position, end = 2, len(data)
    while position < end:
        following = position + 1 + data[position]
        if following > end:
            break
        names.append(escaped(data[position + 1 : following]))
        position = following
    return tuple(names)


@_remembered
def _supported_versions(data: bytes) -> tuple[int, ...]:
    """Return the versions of a client's supported_versions extension (RFC 8446 4.2.1), without GREASE."""
    if not data:
        return ()
    count = min(data[0], len(data) - 1) // 2
    versions = unpack_from(f">{count}H", data, 1)
    return tuple([version for version in versions if version & 0x0F0F != 0x0A0A])


@_remembered
def _numbers(data: bytes) -> tuple[int, ...]:
    """Return the 16-bit numbers of a list."""
    return unpack_from(f">{len(data) // 2}H", data)


def _psk_ages(body: bytes, start: int, end: int) -> tuple[int, ...]:
    """Return the obfuscated_ticket_age of each identity that a client offers (RFC 8446 4.2.11)."""
    if start + 2 > end:
        return ()
    end = min(end, start + 2 + (body[start] << 8 | body[start + 1]))
    position = start + 2
    ages = []
    while position + 2 <= end:
        position += 6 + (body[position] << 8 | body[position + 1])
        ages.append(int.from_bytes(body[position - 4 : position]) if position <= end else -1)
    return tuple(ages)


def read_client_hello(body: bytes, frame: int, time: int) -> tuple[ClientHello | None, str | None]:
    """Read a ClientHello (RFC 8446 4.1.2); after a fault in the extensions those before it still count."""
    size = len(body)
    if size < 35:
        return None, "ClientHello is shorter than its fixed part"
    position = 35 + body[34]
    suites: tuple[int, ...] = ()
    extensions: dict[int, tuple[int, int]] = {}
    if position + 2 > size:
        fault: str | None = "ClientHello is cut short in its session id"
    else:
        length = body[position] << 8 | body[position + 1]
        position += 2
        fault = None
        if position + length > size:
            fault = "ClientHello is cut short in its cipher suites"
            length = size - position
        suites = _numbers(body[position : position + length])
        position += length
        if fault is None and position < size:
            extensions, fault = _extensions(body, position + 1 + body[position])
    get = extensions.get
    name = get(_SERVER_NAME)
    alpn = get(_ALPN)
    ticket = get(_SESSION_TICKET)
    psk = get(_PRE_SHARED_KEY)
    versions = get(_SUPPORTED_VERSIONS)
    groups, formats = get(_SUPPORTED_GROUPS), get(_POINT_FORMATS)
    ages = _psk_ages(body, *psk) if psk else ()
    return ClientHello(
        frame,
        time,
        body[2:34],
        body[35 : 35 + body[34]],
        body[0] << 8 | body[1],
        _supported_versions(body[versions[0] : versions[1]]) if versions else (),
        suites,
        _server_name(body, *name) if name else None,
        _alpn(body[alpn[0] : alpn[1]]) if alpn else (),
        _STATUS_REQUEST in extensions or _STATUS_REQUEST_V2 in extensions,
        ticket[1] - ticket[0] if ticket else None,
        len(ages),
        _EARLY_DATA in extensions,
        _ENCRYPTED_CLIENT_HELLO in extensions or _ENCRYPTED_SERVER_NAME in extensions,
        fault is None,
        ages,
        _CERT_WITH_EXTERN_PSK in extensions,
        tuple(extensions),
        _numbers(body[groups[0] + 2 : groups[1]]) if groups else (),
        tuple(body[formats[0] + 1 : formats[1]]) if formats else (),
    ), fault


def read_server_hello(body: bytes, frame: int, time: int) -> tuple[ServerHello | None, str | None]:
    """Read a ServerHello or HelloRetryRequest (RFC 8446 4.1.3, 4.1.4; RFC 5246 7.4.1.3; old drafts)."""
    size = len(body)
    if size < 36:
        return None, "ServerHello is shorter than its fixed part"
    version = body[0] << 8 | body[1]
    random = body[2:34]
    session_id = b""
    if body[0] in _OLD_DRAFTS:
        # Drafts before 22 negotiated in legacy_version and had neither session id nor compression.
        position = 36
        suite = body[34] << 8 | body[35]
    else:
        position = 35 + body[34]
        if position + 2 > size:
            return None, "ServerHello is cut short in its session id"
        session_id = body[35:position]
        suite = body[position] << 8 | body[position + 1]
        position += 3
    extensions, fault = _extensions(body, min(position, size))
    versions = extensions.get(_SUPPORTED_VERSIONS)
    if versions and versions[1] - versions[0] == 2:
        version = body[versions[0]] << 8 | body[versions[0] + 1]
    alpn = extensions.get(_ALPN)
    protocols = _alpn(body[alpn[0] : alpn[1]]) if alpn else ()
    psk = extensions.get(_PRE_SHARED_KEY)
    return ServerHello(
        frame,
        time,
        random,
        session_id,
        version,
        suite,
        protocols[0] if protocols else None,
        _PRE_SHARED_KEY in extensions,
        _STATUS_REQUEST in extensions or _STATUS_REQUEST_V2 in extensions,
        random == HELLO_RETRY_REQUEST,
        fault is None,
        body[psk[0]] << 8 | body[psk[0] + 1] if psk and psk[1] - psk[0] == 2 else None,
        _CERT_WITH_EXTERN_PSK in extensions,
    ), fault


def places_of_keys(kind: int, body: bytes) -> list[tuple[int, int]]:
    """Return where in a whole hello stand keys, tickets and ECH, each the first of its type.

    ``kind`` is that of the message, 1 for ClientHello. Of these no byte is read, only how many there are.
    """
    position = 35 + body[34]
    if kind == _CLIENT_HELLO:
        position += 2 + (body[position] << 8 | body[position + 1])
        position += 1 + body[position] if position < len(body) else 0
    else:
        position = 36 if body[0] in _OLD_DRAFTS else position + 3
    found, _ = _extensions(body, min(position, len(body)))
    return [found[each] for each in _KEYS if each in found]


def server_extensions(body: bytes) -> frozenset[int]:
    """Return the types of a ServerHello's extensions, in TLS 1.0 to 1.2."""
    return frozenset(_extensions(body, 38 + body[34])[0]) if len(body) > 38 else frozenset()


def read_encrypted_extensions(body: bytes, frame: int, time: int) -> tuple[EncryptedExtensions, str | None]:
    """Read EncryptedExtensions (RFC 8446 4.3.1)."""
    extensions, fault = _extensions(body, 0)
    alpn = extensions.get(_ALPN)
    protocols = _alpn(body[alpn[0] : alpn[1]]) if alpn else ()
    return EncryptedExtensions(
        frame, time, protocols[0] if protocols else None, _EARLY_DATA in extensions
    ), fault


def has_tls13_form(body: bytes) -> bool | None:
    """Tell by its lengths whether a whole Certificate body has the form of RFC 8446 4.4.2.

    False: that of RFC 5246 7.4.2; None: neither. No body can have both.
    """
    size = len(body)
    if size < 3:
        return None
    if body[0] << 16 | body[1] << 8 | body[2] == size - 3:
        return False
    start = 1 + body[0]
    if start + 3 <= size and int.from_bytes(body[start : start + 3], "big") == size - start - 3:
        return True
    return None


def _staple(body: bytes, start: int, end: int) -> bytes | None:
    """Return the OCSPResponse in the extensions of a CertificateEntry (RFC 8446 4.4.2.1)."""
    while start + 4 <= end:
        extension, length = unpack_from(">HH", body, start)
        start += 4
        if start + length > end:
            return None
        if extension == _STATUS_REQUEST and length >= 4 and body[start] == 1:
            response = int.from_bytes(body[start + 1 : start + 4], "big")
            return body[start + 4 : start + 4 + response] if response <= length - 4 else None
        start += length
    return None


def read_certificate(
    body: bytes, frame: int, time: int, from_client: bool, encrypted: bool, tls13: bool
) -> tuple[Certificate, str | None]:
    """Read a Certificate message, in the form of RFC 8446 4.4.2 or else of RFC 5246 7.4.2.

    After a fault the certificates before it count, and the event says that it is not complete.
    """
    size = len(body)
    start = 1 + body[0] if tls13 and size else 0
    certificates: list[bytes] = []
    staples: list[tuple[int, bytes]] = []
    fault: str | None = None
    if start + 3 > size:
        fault = "Certificate is shorter than its fixed part"
    else:
        position = start + 3
        end = position + (body[start] << 16 | body[start + 1] << 8 | body[start + 2])
        if end > size:
            fault = "the certificate list is longer than its message"
            end = size
        while position < end:
            if position + 3 > end:
                fault = fault or "a certificate's length is cut short"
                break
            length = body[position] << 16 | body[position + 1] << 8 | body[position + 2]
            position += 3
            if not length or position + length > end:
                fault = fault or "a certificate's length does not fit its message"
                break
            if len(certificates) == BOUNDS.certificates:
                fault = f"{MORE_THAN} {BOUNDS.certificates} certificates in one message"
                break
            certificates.append(body[position : position + length])
            position += length
            if tls13:
                if position + 2 > end:
                    fault = fault or "a certificate entry is cut short"
                    break
                length = body[position] << 8 | body[position + 1]
                position += 2
                staple = _staple(body, position, min(position + length, end))
                if staple is not None:
                    staples.append((len(certificates) - 1, staple))
                position += length
        if position > end:
            fault = fault or "a certificate entry's extensions do not fit its message"
    return Certificate(
        frame, time, from_client, tuple(certificates), tuple(staples), encrypted, fault is None
    ), fault


def read_compressed_certificate(
    body: bytes, frame: int, time: int, from_client: bool, encrypted: bool
) -> tuple[Certificate | None, str | None]:
    """Read a CompressedCertificate (RFC 8879 4), whose content has the form of RFC 8446 4.4.2."""
    if len(body) < 8:
        return None, "CompressedCertificate is shorter than its fixed part"
    algorithm = body[0] << 8 | body[1]
    size = int.from_bytes(body[2:5], "big")
    length = int.from_bytes(body[5:8], "big")
    if length != len(body) - 8:
        return None, "CompressedCertificate does not have the length it announces"
    try:
        content = decompress(algorithm, body[8:], size)
    except CompressionError as error:
        return None, f"CompressedCertificate: {error}"
    return read_certificate(content, frame, time, from_client, encrypted, True)


def read_certificate_status(
    body: bytes, frame: int, time: int, encrypted: bool
) -> tuple[CertificateStatus | None, str | None]:
    """Read a CertificateStatus, of type ocsp (RFC 6066 8) or ocsp_multi (RFC 6961 2.2)."""
    size = len(body)
    if size < 4:
        return None, "CertificateStatus is shorter than its fixed part"
    kind = body[0]
    end = 4 + int.from_bytes(body[1:4], "big")
    if kind == 1:
        if end > size:
            return None, "the OCSP response is longer than its CertificateStatus"
        return CertificateStatus(frame, time, (body[4:end],), encrypted), None
    if kind != 2:
        return None, f"CertificateStatus of unknown type {kind}"
    fault = None
    if end > size:
        fault = "the list of OCSP responses is longer than its CertificateStatus"
        end = size
    responses: list[bytes | None] = []
    position = 4
    while position + 3 <= end:
        if len(responses) == BOUNDS.certificates:
            fault = fault or f"{MORE_THAN} {BOUNDS.certificates} OCSP responses in one message"
            break
        length = int.from_bytes(body[position : position + 3], "big")
        position += 3
        if position + length > end:
            fault = fault or "an OCSP response is longer than its CertificateStatus"
            break
        responses.append(body[position : position + length] or None)
        position += length
    return CertificateStatus(frame, time, tuple(responses), encrypted), fault

"""Key derivation: the PRF of TLS 1.0 to 1.2 and the HKDF labels of TLS 1.3."""

from __future__ import annotations

import hashlib
import hmac
from struct import pack
from typing import Final

MASTER_SECRET_SIZE: Final = 48
_TLS_1_2: Final = 0x0303


def _expand(hash_name: str, secret: bytes, seed: bytes, size: int) -> bytes:
    """P_hash of RFC 5246 5."""
    output = b""
    chained = seed
    while len(output) < size:
        chained = hmac.digest(secret, chained, hash_name)
        output += hmac.digest(secret, chained + seed, hash_name)
    return output[:size]


def prf(version: int, hash_name: str, secret: bytes, label: bytes, seed: bytes, size: int) -> bytes:
    """The pseudorandom function of RFC 5246 5, or before TLS 1.2 that of RFC 2246 5."""
    seed = label + seed
    if version >= _TLS_1_2:
        return _expand(hash_name, secret, seed, size)
    half = (len(secret) + 1) // 2
    left = _expand("md5", secret[:half], seed, size)
    right = _expand("sha1", secret[len(secret) - half :], seed, size)
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def master_secret(
    version: int, hash_name: str, premaster: bytes, client_random: bytes, server_random: bytes
) -> bytes:
    """The master secret of RFC 5246 8.1."""
    return prf(
        version, hash_name, premaster, b"master secret", client_random + server_random, MASTER_SECRET_SIZE
    )


def extended_master_secret(version: int, hash_name: str, premaster: bytes, handshake: bytes) -> bytes:
    """The master secret of RFC 7627 4; ``handshake``: all messages up to ClientKeyExchange."""
    if version >= _TLS_1_2:
        session_hash = hashlib.new(hash_name, handshake).digest()
    else:
        session_hash = (
            hashlib.md5(handshake, usedforsecurity=False).digest()
            + hashlib.sha1(handshake, usedforsecurity=False).digest()
        )
    return prf(version, hash_name, premaster, b"extended master secret", session_hash, MASTER_SECRET_SIZE)


def is_draft_before(version: int, draft: int) -> bool:
    """Tell whether a version is a draft of TLS 1.3 before the one numbered ``draft``."""
    return version >> 8 == 0x7F and version & 0xFF < draft


def expand_label(hash_name: str, secret: bytes, label: bytes, size: int, version: int = 0x0304) -> bytes:
    """HKDF-Expand-Label of RFC 8446 7.1 with empty context; drafts before 20 had another prefix."""
    label = (b"TLS 1.3, " if is_draft_before(version, 20) else b"tls13 ") + label
    info = pack(">HB", size, len(label)) + label + b"\0"
    output = block = b""
    counter = 1
    while len(output) < size:
        block = hmac.digest(secret, block + info + bytes((counter,)), hash_name)
        output += block
        counter += 1
    return output[:size]

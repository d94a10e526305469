"""RSA private keys of servers: premaster secrets of RSA key exchange (RFC 5246 7.4.7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ocsp_pcap.bounds import BOUNDS, reached

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PREMASTER_SIZE: Final = 48


def load_rsa_key(data: bytes) -> RSAPrivateKey:
    """Load an RSA private key in PEM or DER form. Raises ValueError, in words, where it is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
    try:
        key = load(data, None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"not a readable private key: {error}") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the private key is not an RSA key")
    return key


def encrypted_premaster(body: bytes, version: int) -> bytes:
    """Return the encrypted premaster secret of a ClientKeyExchange; SSL 3.0 sends no length before it."""
    if version > 0x0300 and len(body) >= 2 and int.from_bytes(body[:2], "big") == len(body) - 2:
        return body[2:]
    return body


def decrypt_premaster(
    keys: Sequence[RSAPrivateKey], encrypted: bytes, versions: Sequence[int], certificate: bytes
) -> bytes | None:
    """Return the premaster secret, where one of the keys opens it.

    Args:
        keys: private keys; of several only those whose modulus stands in ``certificate`` are tried.
        encrypted: the encrypted premaster secret.
        versions: versions it may begin with: what the client offered, and by a known error of old
            clients what was negotiated.
        certificate: DER of the server's certificate; empty where it was not seen.
    """
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    for key in keys[: BOUNDS.rsa_keys]:
        size = (key.key_size + 7) // 8
        if len(encrypted) != size:
            continue
        if certificate:
            modulus = key.public_key().public_numbers().n.to_bytes(size, "big")
            if modulus not in certificate:
                continue
        try:
            premaster = key.decrypt(encrypted, PKCS1v15())
        except ValueError:
            continue
        # OpenSSL from 3.2 answers bad padding with random bytes instead of an error: only size and
        # version tell.
        if len(premaster) == PREMASTER_SIZE and int.from_bytes(premaster[:2], "big") in versions:
            return premaster
    if len(keys) > BOUNDS.rsa_keys:
        reached("rsa_keys")
    return None

"""Loading keys, and saying once what they opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ocsp_pcap.observe.tools import Tools


class KeySourceError(Exception):
    """A key log or private key cannot be used; the message says why."""


def load_keys(tools: Tools, key_logs: Sequence[Path], rsa_keys: Sequence[Path]) -> None:
    """Read key logs (NSS key log format) and RSA private keys.

    Raises:
        KeySourceError: a file cannot be read, or holds no key of the kind.
    """
    if key_logs:
        from ocsp_pcap.tls.keys import KeyLog

        tools.keys = KeyLog()
        for path in key_logs:
            tools.keys.add(_read(path), str(path))
            use = tools.keys.use()[-1]
            if use.junk_lines and not use.sessions:
                raise KeySourceError(
                    f'{path}: is no key log: none of its lines is of the form "LABEL CLIENT_RANDOM SECRET" '
                    "(NSS key log format)"
                )
    if rsa_keys:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import (
            load_der_private_key,
            load_pem_private_key,
        )

        loaded: list[RSAPrivateKey] = []
        for path in rsa_keys:
            content = _read(path)
            load = load_pem_private_key if b"-----BEGIN" in content else load_der_private_key
            try:
                key = load(content, None)
            except (ValueError, TypeError) as error:
                raise KeySourceError(f"{path}: is no private key that can be read: {error}") from error
            if not isinstance(key, RSAPrivateKey):
                raise KeySourceError(f"{path}: is no RSA key; only RSA key exchange can be opened with one")
            loaded.append(key)
        tools.rsa_keys = tuple(loaded)


def key_use_notes(tools: Tools) -> Iterator[str]:
    """Yield, for each source of keys, how many sessions it opened."""
    if tools.keys is None:
        return
    for use in tools.keys.use():
        words = f"{use.name}: opened {use.opened} of the {use.sessions} sessions it has keys for"
        if not use.sessions:
            words = f"{use.name}: holds no keys"
        elif not use.opened:
            words += "; none of them is in the captures, it may be of another time or host"
        if use.junk_lines:
            words += f"; {use.junk_lines} lines are not of the NSS key log format"
        if use.conflicting_lines:
            words += f"; {use.conflicting_lines} lines contradict others"
        yield words


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeySourceError(f"{path}: cannot be read: {error.strerror}") from error

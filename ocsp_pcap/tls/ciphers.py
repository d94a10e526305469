"""Record protection of each cipher suite: opening single records.

An opener holds the keys of one direction and epoch and the sequence number expected next. Its
``open`` tries that number and up to ``ahead`` later ones (records lost from the capture); only a
record whose tag or MAC verifies changes the state.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from struct import pack
from typing import TYPE_CHECKING, Any, Final, Protocol

from ocsp_pcap.tls.derivation import expand_label, is_draft_before
from ocsp_pcap.tls.suites import CIPHER_SUITES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

    Aead = AESCCM | AESGCM | ChaCha20Poly1305

_TLS_1_1: Final = 0x0302


class UnsupportedSuiteError(ValueError):
    """A cipher suite whose records this module cannot open."""


class Opener(Protocol):
    """Opens the records of one direction under one set of keys."""

    def open(self, content_type: int, version: int, fragment: bytes, ahead: int) -> tuple[int, bytes] | None:
        """Return content type and content of a record; None where it does not verify."""

    def skip(self, fragment: bytes) -> None:
        """Take note of a record that no opener could open."""


@dataclass(frozen=True, slots=True)
class SuiteParameters:
    """The meaning of a cipher suite for record protection; lengths in bytes."""

    cipher: str
    """A name of :mod:`cryptography`'s algorithms, or CHACHA20, or NULL."""
    mode: str
    """gcm, ccm, chacha, cbc, stream or null."""
    key_size: int
    block_size: int
    tag_size: int
    mac: str
    """Hash of the HMAC; empty for AEAD."""
    mac_size: int
    prf_hash: str
    rsa_key_exchange: bool

    @property
    def fixed_iv_size(self) -> int:
        """Bytes of IV from the key block (RFC 5246 6.3), where records carry the rest."""
        return {"gcm": 4, "ccm": 4, "chacha": 12}.get(self.mode, 0)


_CIPHERS: Final = {
    "AES_128": ("AES", 16, 16),
    "AES_256": ("AES", 32, 16),
    "3DES_EDE": ("TripleDES", 24, 8),
    "CAMELLIA_128": ("Camellia", 16, 16),
    "CAMELLIA_256": ("Camellia", 32, 16),
    "SEED": ("SEED", 16, 16),
    "IDEA": ("IDEA", 16, 8),
}
_MACS: Final = {"MD5": ("md5", 16), "SHA": ("sha1", 20), "SHA256": ("sha256", 32), "SHA384": ("sha384", 48)}


@cache
def suite_parameters(suite: int) -> SuiteParameters:
    """Return the parameters of a cipher suite, which its name spells out.

    Raises UnsupportedSuiteError for one that is unknown or whose cipher is not available.
    """
    name = CIPHER_SUITES.get(suite, "")
    exchange, separator, protection = name.removeprefix("TLS_").partition("_WITH_")
    if not separator:
        protection = exchange
    prf_hash = "sha384" if name.endswith("SHA384") else "sha256"
    rsa = exchange == "RSA" and bool(separator)
    cipher, _, hash_name = protection.rpartition("_")
    if protection.endswith(("_CCM", "_CCM_8")):
        cipher, hash_name = protection, ""
    if cipher == "CHACHA20_POLY1305":
        return SuiteParameters("CHACHA20", "chacha", 32, 0, 16, "", 0, prf_hash, rsa)
    mac = _MACS.get(hash_name)
    if cipher == "NULL" and mac:
        return SuiteParameters("NULL", "null", 0, 0, 0, *mac, prf_hash, rsa)
    if cipher == "RC4_128" and mac:
        return SuiteParameters("ARC4", "stream", 16, 0, 0, *mac, prf_hash, rsa)
    for prefix, (algorithm, key_size, block_size) in _CIPHERS.items():
        mode = cipher.removeprefix(prefix + "_")
        if mode == cipher:
            continue
        if mode == "GCM" and algorithm == "AES":
            return SuiteParameters(algorithm, "gcm", key_size, 0, 16, "", 0, prf_hash, rsa)
        if mode in ("CCM", "CCM_8") and algorithm == "AES":
            return SuiteParameters(
                algorithm, "ccm", key_size, 0, 8 if mode == "CCM_8" else 16, "", 0, prf_hash, rsa
            )
        if mode == "CBC" and mac:
            return SuiteParameters(algorithm, "cbc", key_size, block_size, 0, *mac, prf_hash, rsa)
    raise UnsupportedSuiteError(f"cipher suite {name or f'0x{suite:04x}'} is not supported")


def _algorithm(name: str) -> Callable[[bytes], Any]:
    """Return a cipher of :mod:`cryptography`, which moves old ones to another module from time to time."""
    from cryptography.hazmat.decrepit.ciphers import algorithms as decrepit
    from cryptography.hazmat.primitives.ciphers import algorithms

    found = getattr(decrepit, name, None) or getattr(algorithms, name, None)
    if found is None:
        raise UnsupportedSuiteError(f"cipher {name} is not supported")
    algorithm: Callable[[bytes], Any] = found
    return algorithm


def _decryptor(name: str, key: bytes, mode: Any) -> Any:
    """Return a decrypting context. Raises UnsupportedSuiteError where OpenSSL lacks the cipher."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.ciphers import Cipher

    try:
        return Cipher(_algorithm(name)(key), mode).decryptor()
    except UnsupportedAlgorithm as error:
        raise UnsupportedSuiteError(str(error)) from None


def _aead(parameters: SuiteParameters, key: bytes) -> Aead:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

    try:
        if parameters.mode == "gcm":
            return AESGCM(key)
        if parameters.mode == "ccm":
            return AESCCM(key, parameters.tag_size)
        return ChaCha20Poly1305(key)
    except UnsupportedAlgorithm as error:
        raise UnsupportedSuiteError(str(error)) from None


def _nonce(iv: bytes, sequence: int) -> bytes:
    """RFC 8446 5.3, RFC 7905 2."""
    return (int.from_bytes(iv, "big") ^ sequence).to_bytes(12, "big")


class Tls13Opener:
    """Record protection of TLS 1.3 (RFC 8446 5.2)."""

    __slots__ = ("_aead", "_bare", "_invalid", "_iv", "parameters", "secret", "sequence", "version")

    def __init__(self, parameters: SuiteParameters, secret: bytes, version: int = 0x0304) -> None:
        from cryptography.exceptions import InvalidTag

        hash_name = parameters.prf_hash
        self.parameters = parameters
        self.secret = secret
        self.version = version
        self.sequence = 0
        self._aead = _aead(parameters, expand_label(hash_name, secret, b"key", parameters.key_size, version))
        self._iv = expand_label(hash_name, secret, b"iv", 12, version)
        self._bare = is_draft_before(version, 25)
        self._invalid = InvalidTag

    def open(self, content_type: int, version: int, fragment: bytes, ahead: int) -> tuple[int, bytes] | None:
        """Return inner content type and content."""
        if len(fragment) <= self.parameters.tag_size:
            return None
        header = b"" if self._bare else pack(">BHH", content_type, version, len(fragment))
        for sequence in range(self.sequence, self.sequence + ahead + 1):
            try:
                inner = self._aead.decrypt(_nonce(self._iv, sequence), fragment, header)
            except self._invalid:
                continue
            self.sequence = sequence + 1
            inner = inner.rstrip(b"\0")
            return (inner[-1], inner[:-1]) if inner else (0, b"")
        return None

    def updated(self) -> Tls13Opener:
        """Return the opener that follows a KeyUpdate (RFC 8446 7.2)."""
        secret = expand_label(
            self.parameters.prf_hash, self.secret, b"traffic upd", len(self.secret), self.version
        )
        return Tls13Opener(self.parameters, secret, self.version)


class AeadOpener:
    """AEAD ciphers of TLS 1.2 (RFC 5288, RFC 6655, RFC 7905)."""

    __slots__ = ("_aead", "_explicit", "_invalid", "_iv", "_overhead", "sequence")

    def __init__(self, parameters: SuiteParameters, key: bytes, iv: bytes) -> None:
        from cryptography.exceptions import InvalidTag

        self.sequence = 0
        self._aead = _aead(parameters, key)
        self._iv = iv
        self._explicit = 0 if parameters.mode == "chacha" else 8
        self._overhead = self._explicit + parameters.tag_size
        self._invalid = InvalidTag

    def open(self, content_type: int, version: int, fragment: bytes, ahead: int) -> tuple[int, bytes] | None:
        """Return content type and content."""
        length = len(fragment) - self._overhead
        if length < 0:
            return None
        explicit = fragment[: self._explicit]
        for sequence in range(self.sequence, self.sequence + ahead + 1):
            nonce = self._iv + explicit if explicit else _nonce(self._iv, sequence)
            header = pack(">QBHH", sequence, content_type, version, length)
            try:
                content = self._aead.decrypt(nonce, fragment[self._explicit :], header)
            except self._invalid:
                continue
            self.sequence = sequence + 1
            return content_type, content
        return None

    def skip(self, fragment: bytes) -> None:
        """Nothing to note: a later record is found by trial."""


class _Mac:
    """The MAC of RFC 5246 6.2.3.1."""

    __slots__ = ("hash_name", "key", "size")

    def __init__(self, parameters: SuiteParameters, key: bytes) -> None:
        self.key = key
        self.hash_name = parameters.mac
        self.size = parameters.mac_size

    def find(
        self, sequence: int, ahead: int, content_type: int, version: int, content: bytes, mac: bytes
    ) -> int | None:
        """Return the sequence number for which the MAC is right."""
        rest = pack(">BHH", content_type, version, len(content)) + content
        for number in range(sequence, sequence + ahead + 1):
            if hmac.digest(self.key, pack(">Q", number) + rest, self.hash_name) == mac:
                return number
        return None


class CbcOpener:
    """CBC ciphers: MAC-then-encrypt (RFC 5246 6.2.3.2, RFC 2246 6.2.3.2) or encrypt-then-MAC (RFC 7366)."""

    __slots__ = ("_block", "_cipher", "_encrypt_then_mac", "_iv", "_mac", "_skipped", "sequence")

    def __init__(
        self,
        parameters: SuiteParameters,
        key: bytes,
        mac_key: bytes,
        iv: bytes,
        version: int,
        encrypt_then_mac: bool,
    ) -> None:
        from cryptography.hazmat.primitives.ciphers import modes

        name = parameters.cipher
        self._cipher: Callable[[bytes], Any] = lambda vector: _decryptor(name, key, modes.CBC(vector))
        self._block = parameters.block_size
        self._cipher(bytes(parameters.block_size))  # tells now whether the cipher is there
        self._mac = _Mac(parameters, mac_key)
        self._iv = b"" if version >= _TLS_1_1 else iv
        self._skipped = False
        self._encrypt_then_mac = encrypt_then_mac
        self.sequence = 0

    def open(self, content_type: int, version: int, fragment: bytes, ahead: int) -> tuple[int, bytes] | None:
        """Return content type and content."""
        mac = b""
        protected = fragment
        number: int | None = None
        if self._encrypt_then_mac:
            protected, mac = fragment[: -self._mac.size], fragment[-self._mac.size :]
            number = self._mac.find(self.sequence, ahead, content_type, version, protected, mac)
            if number is None:
                return None
            if self._iv and number != self.sequence and not self._skipped:
                # The IV is the last block of the record before, which the capture lost, and the MAC says
                # nothing of what is decrypted with another one.
                self.sequence = number + 1
                return None
        block = self._block
        iv = self._iv or protected[:block]
        encrypted = protected if self._iv else protected[block:]
        if not encrypted or len(encrypted) % block or len(iv) != block:
            return None
        plain = self._cipher(iv).update(encrypted)
        end = len(plain) - plain[-1] - 1
        if end < 0 or plain[end:] != plain[-1:] * (len(plain) - end):
            return None
        content = plain[:end]
        if number is None:
            if end < self._mac.size:
                return None
            content, mac = plain[: end - self._mac.size], plain[end - self._mac.size : end]
            number = self._mac.find(self.sequence, ahead, content_type, version, content, mac)
            if number is None:
                return None
        self.sequence = number + 1
        self._skipped = False
        if self._iv:
            self._iv = protected[-block:]
        return content_type, content

    def skip(self, fragment: bytes) -> None:
        """Keep the last block, the next record's IV in TLS 1.0."""
        if self._iv and len(fragment) >= self._block:
            end = len(fragment) - (self._mac.size if self._encrypt_then_mac else 0)
            self._iv = fragment[max(end, self._block) - self._block : max(end, self._block)]
            self._skipped = True


class StreamOpener:
    """Stream ciphers and the null cipher (RFC 5246 6.2.3.1). A lost record ends what RC4 can open."""

    __slots__ = ("_mac", "_update", "sequence")

    def __init__(self, parameters: SuiteParameters, key: bytes, mac_key: bytes) -> None:
        self._mac = _Mac(parameters, mac_key)
        self._update: Callable[[bytes], bytes] | None = None
        if parameters.mode == "stream":
            self._update = _decryptor(parameters.cipher, key, None).update
        self.sequence = 0

    def open(self, content_type: int, version: int, fragment: bytes, ahead: int) -> tuple[int, bytes] | None:
        """Return content type and content."""
        plain = self._update(fragment) if self._update else fragment
        end = len(plain) - self._mac.size
        if end < 0:
            return None
        number = self._mac.find(self.sequence, ahead, content_type, version, plain[:end], plain[end:])
        if number is None:
            return None
        self.sequence = number + 1
        return content_type, plain[:end]

    def skip(self, fragment: bytes) -> None:
        """Nothing to note."""


def legacy_opener(
    parameters: SuiteParameters, version: int, key_block: bytes, from_client: bool, encrypt_then_mac: bool
) -> Opener:
    """Return the opener of one direction in TLS 1.0 to 1.2; it cuts its keys from the key block."""
    mac_size, key_size = parameters.mac_size, parameters.key_size
    iv_size = parameters.fixed_iv_size or parameters.block_size
    first = 0 if from_client else 1
    mac_key = key_block[first * mac_size : (first + 1) * mac_size]
    start = 2 * mac_size + first * key_size
    key = key_block[start : start + key_size]
    start = 2 * (mac_size + key_size) + first * iv_size
    iv = key_block[start : start + iv_size]
    if parameters.mode == "cbc":
        return CbcOpener(parameters, key, mac_key, iv, version, encrypt_then_mac)
    if parameters.mode in ("stream", "null"):
        return StreamOpener(parameters, key, mac_key)
    return AeadOpener(parameters, key, iv)


def key_block_size(parameters: SuiteParameters) -> int:
    """Return how many bytes of key block the suite takes at most (RFC 5246 6.3)."""
    iv_size = parameters.fixed_iv_size or parameters.block_size
    return 2 * (parameters.mac_size + parameters.key_size + iv_size)

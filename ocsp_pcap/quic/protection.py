"""Packet protection (RFC 9001 5): keys from secrets, header protection, AEAD."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ocsp_pcap.quic.packets import Packet
from ocsp_pcap.quic.versions import Version

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

TAG_LENGTH: Final = 16
SAMPLE_LENGTH: Final = 16

AES_128_GCM_SHA256: Final = 0x1301
AES_256_GCM_SHA384: Final = 0x1302
CHACHA20_POLY1305_SHA256: Final = 0x1303
_SUITES: Final[dict[int, tuple[str, int]]] = {
    AES_128_GCM_SHA256: ("sha256", 16),
    AES_256_GCM_SHA384: ("sha384", 32),
    CHACHA20_POLY1305_SHA256: ("sha256", 32),
}
"""Hash of the key schedule, and key length in bytes, of each cipher suite (RFC 8446 B.4)."""


def hkdf_expand_label(algorithm: str, secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 7.1)."""
    full = b"tls13 " + label
    info = length.to_bytes(2) + bytes((len(full),)) + full + b"\x00"
    output = block = b""
    counter = 0
    while len(output) < length:
        counter += 1
        block = hmac.digest(secret, block + info + bytes((counter,)), algorithm)
        output += block
    return output[:length]


def suites_for_secret(secret: bytes) -> tuple[int, ...]:
    """Return the cipher suites a traffic secret of this length may belong to, the likelier first."""
    if len(secret) == hashlib.sha384().digest_size:
        return (AES_256_GCM_SHA384,)
    if len(secret) == hashlib.sha256().digest_size:
        return (AES_128_GCM_SHA256, CHACHA20_POLY1305_SHA256)
    return ()


@dataclass(frozen=True, slots=True)
class OpenedPacket:
    """The parts of a packet that packet protection hid."""

    number: int
    """The full packet number (RFC 9000 17.1)."""
    payload: bytes
    """Frames."""


class PacketKeys:
    """Keys of one direction at one encryption level; removes packet protection."""

    __slots__ = ("_aead", "_chacha_header_key", "_header_cipher", "_largest", "_made_of", "iv", "key")

    def __init__(self, version: Version, secret: bytes, suite: int = AES_128_GCM_SHA256) -> None:
        self._made_of = version, secret, suite
        algorithm, length = _SUITES[suite]
        self.key = hkdf_expand_label(algorithm, secret, version.label + b"key", length)
        self.iv = hkdf_expand_label(algorithm, secret, version.label + b"iv", 12)
        header_key = hkdf_expand_label(algorithm, secret, version.label + b"hp", length)
        self._largest = -1
        self._aead: AESGCM | ChaCha20Poly1305
        self._header_cipher: CipherContext | None = None
        self._chacha_header_key = b""
        if suite == CHACHA20_POLY1305_SHA256:
            from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

            self._aead = ChaCha20Poly1305(self.key)
            self._chacha_header_key = header_key
        else:
            from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._aead = AESGCM(self.key)
            # RFC 9001 5.4.3: the mask is one raw AES block, not data under ECB.
            self._header_cipher = Cipher(algorithms.AES(header_key), modes.ECB()).encryptor()  # noqa: S305

    def __reduce__(self) -> tuple[object, ...]:
        """Ciphers stay where they are; whoever gets these keys makes them anew."""
        return PacketKeys, self._made_of, self._largest

    def __setstate__(self, largest: int) -> None:
        self._largest = largest

    def header_mask(self, sample: bytes) -> bytes:
        """Return the mask of header protection, 5 bytes or more, for 16 sampled bytes (RFC 9001 5.4)."""
        if self._header_cipher is not None:
            return self._header_cipher.update(sample)
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

        chacha = Cipher(algorithms.ChaCha20(self._chacha_header_key, sample), mode=None)
        return chacha.encryptor().update(bytes(5))

    def open(self, packet: Packet) -> OpenedPacket | None:
        """Remove the protection of a packet; None where these keys do not open it.

        The packet number is completed from the largest one opened before (RFC 9000 A.3).
        """
        from cryptography.exceptions import InvalidTag

        data, offset = packet.data, packet.number_offset
        sample = data[offset + 4 : offset + 4 + SAMPLE_LENGTH]
        if not offset or len(sample) < SAMPLE_LENGTH:
            return None
        mask = self.header_mask(sample)
        first = data[0] ^ (mask[0] & (0x0F if data[0] & 0x80 else 0x1F))
        length = (first & 3) + 1
        start = offset + length
        if len(data) < start + TAG_LENGTH:
            return None
        truncated = int.from_bytes(data[offset:start]) ^ int.from_bytes(mask[1 : 1 + length])
        number = self._complete_number(truncated, 8 * length)
        header = bytes((first,)) + data[1:offset] + truncated.to_bytes(length)
        nonce = (int.from_bytes(self.iv) ^ number).to_bytes(12)
        try:
            payload = self._aead.decrypt(nonce, data[start:], header)
        except InvalidTag:
            return None
        self._largest = max(self._largest, number)
        return OpenedPacket(number, payload)

    def _complete_number(self, truncated: int, bits: int) -> int:
        if self._largest < 0:
            return truncated
        expected = self._largest + 1
        window = 1 << bits
        candidate = (expected & ~(window - 1)) | truncated
        if candidate <= expected - window // 2 and candidate < (1 << 62) - window:
            return candidate + window
        if candidate > expected + window // 2 and candidate >= window:
            return candidate - window
        return candidate


@dataclass(frozen=True, slots=True)
class InitialKeys:
    """Keys of both directions' Initial packets (RFC 9001 5.2)."""

    client: PacketKeys
    server: PacketKeys

    @classmethod
    def derive(cls, version: Version, salt: bytes, destination: bytes) -> InitialKeys:
        """Derive from the Destination Connection ID of the client's first Initial packet."""
        secret = hmac.digest(salt, destination, "sha256")
        return cls(
            PacketKeys(version, hkdf_expand_label("sha256", secret, b"client in", 32)),
            PacketKeys(version, hkdf_expand_label("sha256", secret, b"server in", 32)),
        )

"""Openers against records sealed here by the rules of the RFCs, with the primitives of ``cryptography``.

What OpenSSL itself seals is in ``test_decryption``; here are the suites that it no longer speaks, too.
"""

from __future__ import annotations

import hmac
import os
from struct import pack

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4, TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.tls.ciphers import (
    Opener,
    SuiteParameters,
    Tls13Opener,
    UnsupportedSuiteError,
    key_block_size,
    legacy_opener,
    suite_parameters,
)
from ocsp_pcap.tls.derivation import expand_label
from ocsp_pcap.tls.suites import CIPHER_SUITES

RC4_SHA, DES3_SHA, AES128_SHA, AES256_SHA256 = 0x0005, 0x000A, 0x002F, 0x003D
AES128_GCM, AES128_CCM_8, NULL_SHA = 0x009C, 0xC0A0, 0x0002
BLOCK = bytes(range(256))


class Sealer:
    """Seals records of one direction as a sender does."""

    def __init__(self, suite: int, version: int, from_client: bool, encrypt_then_mac: bool = False) -> None:
        self.parameters = parameters = suite_parameters(suite)
        self.version = version
        self.encrypt_then_mac = encrypt_then_mac
        self.sequence = 0
        half = 0 if from_client else 1
        mac, key = parameters.mac_size, parameters.key_size
        iv = parameters.fixed_iv_size or parameters.block_size
        self.mac_key = BLOCK[half * mac :][:mac]
        self.key = BLOCK[2 * mac + half * key :][:key]
        self.iv = BLOCK[2 * mac + 2 * key + half * iv :][:iv]
        self.stream = Cipher(ARC4(self.key), None).encryptor() if parameters.mode == "stream" else None

    def mac(self, kind: int, content: bytes) -> bytes:
        header = pack(">QBHH", self.sequence, kind, self.version, len(content))
        return hmac.digest(self.mac_key, header + content, self.parameters.mac)

    def seal(self, kind: int, content: bytes) -> bytes:
        fragment = self._seal(kind, content)
        self.sequence += 1
        return fragment

    def _seal(self, kind: int, content: bytes) -> bytes:
        mode = self.parameters.mode
        if mode in ("gcm", "ccm"):
            explicit = os.urandom(8)
            cipher = AESGCM(self.key) if mode == "gcm" else AESCCM(self.key, self.parameters.tag_size)
            header = pack(">QBHH", self.sequence, kind, self.version, len(content))
            return explicit + cipher.encrypt(self.iv + explicit, content, header)
        if mode == "null":
            return content + self.mac(kind, content)
        if self.stream is not None:
            return self.stream.update(content + self.mac(kind, content))
        plain = content if self.encrypt_then_mac else content + self.mac(kind, content)
        size = self.parameters.block_size
        padding = size - len(plain) % size
        plain += bytes((padding - 1,)) * padding
        iv = os.urandom(size) if self.version >= 0x0302 else self.iv
        algorithm = TripleDES(self.key) if self.parameters.cipher == "TripleDES" else AES(self.key)
        encrypted = Cipher(algorithm, modes.CBC(iv)).encryptor().update(plain)
        self.iv = encrypted[-size:]
        if self.version >= 0x0302:
            encrypted = iv + encrypted
        return encrypted + self.mac(kind, encrypted) if self.encrypt_then_mac else encrypted


def opener_of(sealer: Sealer, from_client: bool) -> Opener:
    return legacy_opener(sealer.parameters, sealer.version, BLOCK, from_client, sealer.encrypt_then_mac)


CASES = [
    (RC4_SHA, 0x0301, False),
    (RC4_SHA, 0x0303, False),
    (DES3_SHA, 0x0301, False),
    (DES3_SHA, 0x0303, True),
    (AES128_SHA, 0x0301, False),
    (AES128_SHA, 0x0301, True),
    (AES128_SHA, 0x0302, False),
    (AES256_SHA256, 0x0303, False),
    (AES256_SHA256, 0x0303, True),
    (AES128_GCM, 0x0303, False),
    (AES128_CCM_8, 0x0303, False),
    (NULL_SHA, 0x0302, False),
]


@pytest.mark.parametrize(("suite", "version", "encrypt_then_mac"), CASES)
@pytest.mark.parametrize("from_client", [True, False])
def test_records_in_order(suite: int, version: int, encrypt_then_mac: bool, from_client: bool) -> None:
    sealer = Sealer(suite, version, from_client, encrypt_then_mac)
    opener = opener_of(sealer, from_client)
    for number in range(5):
        content = bytes((number,)) * (number * 9)
        assert opener.open(23, version, sealer.seal(23, content), 0) == (23, content)


@pytest.mark.parametrize(
    ("suite", "version", "encrypt_then_mac"), [case for case in CASES if case[0] != RC4_SHA]
)
def test_records_after_a_loss(suite: int, version: int, encrypt_then_mac: bool) -> None:
    sealer = Sealer(suite, version, True, encrypt_then_mac)
    opener = opener_of(sealer, True)
    assert opener.open(22, version, sealer.seal(22, b"first"), 0) == (22, b"first")
    for _ in range(10):
        lost = sealer.seal(23, b"lost")
    opener.skip(lost)
    late = sealer.seal(23, b"late")
    assert opener.open(23, version, late, 9) is None
    assert opener.open(23, version, late, 64) == (23, b"late")
    assert opener.open(23, version, sealer.seal(23, b"next"), 0) == (23, b"next")


def test_a_wrong_iv_is_not_taken_for_right_because_the_mac_is() -> None:
    """TLS 1.0 with encrypt-then-MAC: the MAC is that of the ciphertext, the IV in the record before."""
    suite = next(suite for suite, version, then_mac in CASES if version == 0x0301 and then_mac)
    sealer = Sealer(suite, 0x0301, True, True)
    opener = opener_of(sealer, True)
    assert opener.open(22, 0x0301, sealer.seal(22, b"first"), 0) == (22, b"first")
    for _ in range(300):
        sealer.seal(23, b"lost")
        late = sealer.seal(23, b"")
        assert opener.open(23, 0x0301, late, 64) is None
        opener.skip(late)
        assert opener.open(23, 0x0301, sealer.seal(23, b"next"), 0) == (23, b"next")


@pytest.mark.parametrize(("suite", "version", "encrypt_then_mac"), CASES)
def test_what_does_not_verify_is_not_opened(suite: int, version: int, encrypt_then_mac: bool) -> None:
    fragment = Sealer(suite, version, True, encrypt_then_mac).seal(23, b"content " * 4)
    for position in range(len(fragment)):
        damaged = bytearray(fragment)
        damaged[position] ^= 0x41
        opener = opener_of(Sealer(suite, version, True, encrypt_then_mac), True)
        assert opener.open(23, version, bytes(damaged), 3) is None
        assert opener_of(Sealer(suite, version, True), True).open(23, version, fragment[:position], 0) is None


@given(st.sampled_from(CASES), st.binary(max_size=100), st.integers(0, 3))
def test_random_bytes_never_raise(case: tuple[int, int, bool], data: bytes, ahead: int) -> None:
    suite, version, encrypt_then_mac = case
    opener = opener_of(Sealer(suite, version, True, encrypt_then_mac), True)
    assert opener.open(23, version, data, ahead) is None
    opener.skip(data)


def test_tls_1_3_with_padding_and_a_key_update() -> None:
    parameters = suite_parameters(0x1301)
    secret = bytes(range(32))

    def seal(secret: bytes, sequence: int, inner: bytes) -> bytes:
        key, iv = expand_label("sha256", secret, b"key", 16), expand_label("sha256", secret, b"iv", 12)
        nonce = (int.from_bytes(iv, "big") ^ sequence).to_bytes(12, "big")
        return AESGCM(key).encrypt(nonce, inner, pack(">BHH", 23, 0x0303, len(inner) + 16))

    opener = Tls13Opener(parameters, secret)
    assert opener.open(23, 0x0303, seal(secret, 0, b"data\x17" + bytes(50)), 0) == (23, b"data")
    assert opener.open(23, 0x0303, seal(secret, 40, b"late\x16"), 64) == (22, b"late")
    assert opener.open(23, 0x0303, seal(secret, 41, bytes(20)), 0) == (0, b"")
    assert opener.open(23, 0x0303, b"short", 0) is None
    updated = expand_label("sha256", secret, b"traffic upd", 32)
    assert opener.updated().open(23, 0x0303, seal(updated, 0, b"new\x17"), 0) == (23, b"new")


@pytest.mark.parametrize(
    ("suite", "expected"),
    [
        (0x1301, ("AES", "gcm", 16, "sha256", False)),
        (0x1302, ("AES", "gcm", 32, "sha384", False)),
        (0x1303, ("CHACHA20", "chacha", 32, "sha256", False)),
        (0x1304, ("AES", "ccm", 16, "sha256", False)),
        (0x1305, ("AES", "ccm", 16, "sha256", False)),
        (0x002F, ("AES", "cbc", 16, "sha256", True)),
        (0xC028, ("AES", "cbc", 32, "sha384", False)),
        (0xC09D, ("AES", "ccm", 32, "sha256", True)),
        (0x0041, ("Camellia", "cbc", 16, "sha256", True)),
        (0x000A, ("TripleDES", "cbc", 24, "sha256", True)),
    ],
)
def test_parameters(suite: int, expected: tuple[str, str, int, str, bool]) -> None:
    found = suite_parameters(suite)
    assert (found.cipher, found.mode, found.key_size, found.prf_hash, found.rsa_key_exchange) == expected
    assert key_block_size(found) <= len(BLOCK)


def test_every_suite_has_parameters_or_is_refused() -> None:
    for suite in [*CIPHER_SUITES, 0xFFFF]:
        try:
            parameters = suite_parameters(suite)
            assert isinstance(parameters, SuiteParameters)
            legacy_opener(parameters, 0x0303, BLOCK, True, False)
        except UnsupportedSuiteError:
            continue

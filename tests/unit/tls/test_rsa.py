import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from ocsp_pcap.tls.rsa import decrypt_premaster, encrypted_premaster, load_rsa_key

from .wire import identity, vector

PREMASTER = b"\x03\x03" + bytes(range(46))


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    found = identity().key
    assert isinstance(found, RSAPrivateKey)
    return found


@pytest.fixture(scope="module")
def encrypted(key: RSAPrivateKey) -> bytes:
    return key.public_key().encrypt(PREMASTER, PKCS1v15())


def test_the_premaster_secret_comes_back(key: RSAPrivateKey, encrypted: bytes) -> None:
    assert decrypt_premaster([key], encrypted, (0x0303,), b"") == PREMASTER
    assert decrypt_premaster([key], encrypted, (0x0301, 0x0303), identity().der) == PREMASTER


def test_another_version_or_key_or_certificate_gives_nothing(key: RSAPrivateKey, encrypted: bytes) -> None:
    other = generate_private_key(65537, 2048)
    small = generate_private_key(65537, 1024)
    assert decrypt_premaster([key], encrypted, (0x0301,), b"") is None
    assert decrypt_premaster([other, small], encrypted, (0x0303,), b"") is None
    assert decrypt_premaster([key], encrypted, (0x0303,), b"of another server") is None
    assert decrypt_premaster([other, key], encrypted, (0x0303,), identity().der) == PREMASTER


def test_damage_never_raises(key: RSAPrivateKey, encrypted: bytes) -> None:
    for position in range(0, len(encrypted), 50):
        damaged = bytearray(encrypted)
        damaged[position] ^= 1
        assert decrypt_premaster([key], bytes(damaged), (0x0303,), b"") != PREMASTER
    assert decrypt_premaster([key], b"\xff" * len(encrypted), (0x0303,), b"") is None


def test_ssl_3_sends_no_length(encrypted: bytes) -> None:
    assert encrypted_premaster(vector(2, encrypted), 0x0303) == encrypted
    assert encrypted_premaster(encrypted, 0x0300) == encrypted
    assert encrypted_premaster(b"", 0x0303) == b""


def test_loading(key: RSAPrivateKey) -> None:
    numbers = key.private_numbers()
    for encoding in (Encoding.PEM, Encoding.DER):
        for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
            data = key.private_bytes(encoding, form, NoEncryption())
            assert load_rsa_key(data).private_numbers() == numbers
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    with pytest.raises(ValueError, match="not a readable private key"):
        load_rsa_key(locked)
    with pytest.raises(ValueError, match="not a readable private key"):
        load_rsa_key(b"junk")
    with pytest.raises(ValueError, match="not an RSA key"):
        load_rsa_key(identity("ec").pem.encode())

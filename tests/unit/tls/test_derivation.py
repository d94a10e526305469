"""Vectors: RFC 8448 3 (TLS 1.3), the test vector of the TLS 1.2 PRF that the IETF list published."""

from ocsp_pcap.tls.derivation import expand_label, is_draft_before, prf


def test_expand_label_gives_the_keys_of_rfc_8448() -> None:
    secret = bytes.fromhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
    assert expand_label("sha256", secret, b"key", 16).hex() == "3fce516009c21727d0f2e4e86ee403bc"
    assert expand_label("sha256", secret, b"iv", 12).hex() == "5d313eb2671276ee13000b30"


def test_old_drafts_have_another_prefix() -> None:
    secret = bytes(32)
    assert expand_label("sha256", secret, b"key", 16, 0x7F12) != expand_label("sha256", secret, b"key", 16)
    assert expand_label("sha256", secret, b"key", 16, 0x7F1C) == expand_label("sha256", secret, b"key", 16)
    assert is_draft_before(0x7F12, 20)
    assert not is_draft_before(0x0304, 20)


def test_prf_of_tls_1_2() -> None:
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    output = prf(0x0303, "sha256", secret, b"test label", seed, 100)
    assert output.hex().startswith("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a")


def test_prf_before_tls_1_2_mixes_md5_and_sha1() -> None:
    output = prf(0x0301, "sha256", bytes(47), b"label", b"seed", 100)
    assert output == prf(0x0302, "sha384", bytes(47), b"label", b"seed", 100)
    assert output != prf(0x0303, "sha256", bytes(47), b"label", b"seed", 100)

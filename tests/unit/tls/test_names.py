import pytest

from ocsp_pcap.tls.names import (
    alert_description_name,
    alert_level_name,
    cipher_suite_name,
    version_name,
)


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (0x0002, "SSL 2.0"),
        (0x0300, "SSL 3.0"),
        (0x0301, "TLS 1.0"),
        (0x0303, "TLS 1.2"),
        (0x0304, "TLS 1.3"),
        (0x7F1C, "TLS 1.3 (draft 28)"),
        (0x1234, "0x1234"),
    ],
)
def test_versions(version: int, name: str) -> None:
    assert version_name(version) == name


@pytest.mark.parametrize(
    ("suite", "name"),
    [
        (0x1301, "TLS_AES_128_GCM_SHA256"),
        (0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA"),
        (0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        (0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        (0x00FF, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
        (0xFFFE, "0xfffe"),
    ],
)
def test_cipher_suites(suite: int, name: str) -> None:
    assert cipher_suite_name(suite) == name


def test_alerts() -> None:
    assert alert_level_name(1) == "warning"
    assert alert_level_name(2) == "fatal"
    assert alert_level_name(7) == "7"
    assert alert_description_name(40) == "handshake_failure"
    assert alert_description_name(46) == "certificate_unknown"
    assert alert_description_name(113) == "bad_certificate_status_response"
    assert alert_description_name(255) == "255"

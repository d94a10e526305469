"""Fingerprints of ClientHellos: the same for one stack, whatever varies from visit to visit."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.tls.events import ClientHello
from ocsp_pcap.tls.fingerprint import hello_fingerprint


def hello(**other: Any) -> ClientHello:
    values: dict[str, Any] = {
        "random": bytes(32),
        "session_id": b"",
        "legacy_version": 0x0303,
        "supported_versions": (0x0304, 0x0303),
        "cipher_suites": (0x1301, 0xC02F),
        "server_name": "a.test",
        "alpn": ("h2",),
        "status_request": True,
        "session_ticket": None,
        "psk_identities": 0,
        "early_data": False,
        "encrypted_client_hello": False,
        "extensions": (0, 10, 11, 43, 51),
        "groups": (29, 23),
        "point_formats": (0,),
    }
    return ClientHello(1, 1, **values | other)


@pytest.mark.parametrize(
    "other",
    [
        {"random": bytes(31) + b"x", "session_id": b"x", "server_name": None},
        {"extensions": (51, 43, 11, 10)},
        {"extensions": (0, 16, 21, 10, 11, 42, 43, 51, 41)},
        {"extensions": (0x0A0A, 0, 10, 11, 43, 51, 0xFAFA)},
        {"cipher_suites": (0x2A2A, 0x1301, 0xC02F), "groups": (0x8A8A, 29, 23)},
    ],
)
def test_one_stack(other: dict[str, Any]) -> None:
    assert hello_fingerprint(hello(**other)) == hello_fingerprint(hello())


@pytest.mark.parametrize(
    "other",
    [
        {"legacy_version": 0x0301},
        {"supported_versions": (0x0303,)},
        {"cipher_suites": (0xC02F, 0x1301)},
        {"cipher_suites": (0x1A2A, 0x1301, 0xC02F)},
        {"extensions": (0, 10, 11, 43, 51, 5)},
        {"groups": (23, 29)},
        {"point_formats": (0, 1)},
    ],
)
def test_another_stack(other: dict[str, Any]) -> None:
    fingerprint = hello_fingerprint(hello(**other))
    assert fingerprint != hello_fingerprint(hello())
    assert fingerprint is not None
    assert len(bytes.fromhex(fingerprint)) == 16


def test_a_hello_that_is_cut_has_none() -> None:
    assert hello_fingerprint(hello(complete=False)) is None

"""Names of the numbers in TLS messages, as the RFCs and the IANA registries spell them."""

from __future__ import annotations

from typing import Final

from ocsp_pcap.tls.suites import CIPHER_SUITES

_VERSIONS: Final = {
    0x0002: "SSL 2.0",
    0x0101: "TLCP 1.1",
    0x0300: "SSL 3.0",
    0x0301: "TLS 1.0",
    0x0302: "TLS 1.1",
    0x0303: "TLS 1.2",
    0x0304: "TLS 1.3",
    0x7E01: "TLS 1.3 (Google experiment 1)",
    0x7E02: "TLS 1.3 (Google experiment 2)",
    0xFB17: "TLS 1.3 (Facebook draft 23)",
    0xFB1A: "TLS 1.3 (Facebook draft 26)",
}

_ALERT_LEVELS: Final = {1: "warning", 2: "fatal"}

_ALERT_DESCRIPTIONS: Final = {
    0: "close_notify",
    1: "end_of_early_data",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    52: "too_many_cids_requested",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    117: "general_error",
    120: "no_application_protocol",
    121: "ech_required",
}


def version_name(version: int) -> str:
    """Return the name of a protocol version, like ``TLS 1.2``; its hex value where it has none."""
    name = _VERSIONS.get(version)
    if name is not None:
        return name
    if version >> 8 == 0x7F:
        return f"TLS 1.3 (draft {version & 0xFF})"
    return f"0x{version:04x}"


def cipher_suite_name(suite: int) -> str:
    """Return the name of a cipher suite in the IANA registry; its hex value where it has none."""
    return CIPHER_SUITES.get(suite) or f"0x{suite:04x}"


def alert_level_name(level: int) -> str:
    """Return the name of an alert level (RFC 8446 6); the number where it has none."""
    return _ALERT_LEVELS.get(level) or str(level)


def alert_description_name(description: int) -> str:
    """Return the name of an alert description, like ``handshake_failure``; the number where it has none."""
    return _ALERT_DESCRIPTIONS.get(description) or str(description)

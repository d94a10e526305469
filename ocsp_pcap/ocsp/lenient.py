"""A second reader of OCSP responses, with ``asn1crypto``, for those that ``cryptography`` refuses."""

from __future__ import annotations

from typing import Any

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.facts import SingleFact
from ocsp_pcap.ocsp.model import OcspResponse
from ocsp_pcap.pki.cert_id import hash_name
from ocsp_pcap.pki.der import serial_text
from ocsp_pcap.pki.names import name_text, nanoseconds

_REASONS = {
    "unspecified": "unspecified",
    "key_compromise": "keyCompromise",
    "ca_compromise": "cACompromise",
    "affiliation_changed": "affiliationChanged",
    "superseded": "superseded",
    "cessation_of_operation": "cessationOfOperation",
    "certificate_hold": "certificateHold",
    "remove_from_crl": "removeFromCRL",
    "privilege_withdrawn": "privilegeWithdrawn",
    "aa_compromise": "aACompromise",
}


def read_leniently(response: OcspResponse, refusal: str) -> OcspResponse:
    """Fill in what asn1crypto can read of a response; never raises.

    ``refusal`` is why the first parser gave up: it becomes ``parse_error`` where this one gives up too.
    """
    from asn1crypto import ocsp

    try:
        data = ocsp.ResponseData.load(response.tbs_der)
        singles: list[SingleFact] = []
        for number, single in enumerate(data["responses"]):
            if number == BOUNDS.ocsp_singles:
                reached("ocsp_singles")
                break
            singles.append(_single(single))
        name = response.responder_name_der
        return response._replace(
            responder_id=response.responder_id if name is None else _responder_text(name),
            produced_at=nanoseconds(data["produced_at"].native),
            singles=tuple(singles),
        )
    except Exception:  # asn1crypto raises ValueError, TypeError, KeyError, OverflowError...
        return response._replace(parse_error=refusal)


def _single(single: Any) -> SingleFact:
    cert_id = single["cert_id"]
    status = single["cert_status"]
    revoked = status.chosen if status.name == "revoked" else None
    reason = revoked["revocation_reason"].native if revoked is not None else None
    next_update = single["next_update"].native
    return SingleFact(
        hash_algorithm=hash_name(cert_id["hash_algorithm"]["algorithm"].dotted),
        issuer_name_hash=cert_id["issuer_name_hash"].native.hex(),
        issuer_key_hash=cert_id["issuer_key_hash"].native.hex(),
        serial=serial_text(cert_id["serial_number"].contents),
        status=status.name,
        this_update=nanoseconds(single["this_update"].native),
        next_update=None if next_update is None else nanoseconds(next_update),
        revocation_time=None if revoked is None else nanoseconds(revoked["revocation_time"].native),
        revocation_reason=None if reason is None else _REASONS.get(reason, str(reason)),
    )


def _responder_text(name_der: bytes) -> str:
    """Return a responder's name as RFC 4514 text, as ``#hex`` where it cannot be read."""
    try:
        return name_text(name_der)
    except Exception:  # asn1crypto raises whatever its own code trips over
        return f"#{name_der.hex()}"

"""Responses of a run: each distinct one is parsed once, and verified until the outcome is final."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.ocsp.model import OcspResponse
from ocsp_pcap.pki.model import ParsedCertificate
from ocsp_pcap.pki.store import CertificateStore

if TYPE_CHECKING:
    from ocsp_pcap.ocsp.signature import Verification


class ResponseCache:
    """Parses and verifies by the bytes of the response, against the certificates of one store.

    Certificates that a response carries are not put into the store: what a response brings along
    must not vouch for it.
    """

    def __init__(self, store: CertificateStore, max_bytes: int | None = None) -> None:
        max_bytes = BOUNDS.response_bytes if max_bytes is None else max_bytes
        self._store = store
        self._max_bytes = max_bytes
        self._bytes = 0
        self._responses: dict[bytes, OcspResponse] = {}
        self._verified: dict[tuple[str, int | None], tuple[int, Verification]] = {}
        self._embedded = CertificateStore(max_bytes // 4)

    def __len__(self) -> int:
        return len(self._responses)

    def parse(self, der: bytes) -> OcspResponse:
        """Return the response of these bytes, parsed when they are seen for the first time."""
        known = self._responses.get(der)
        if known is not None:
            return known
        # cryptography takes a while to load, and many captures show no response.
        from ocsp_pcap.ocsp.response import parse_response

        response = parse_response(der)
        if self._bytes + len(der) <= self._max_bytes:
            self._bytes += len(der)
            self._responses[der] = response
        return response

    def verify(self, response: OcspResponse, at: int | None = None) -> Verification:
        """Verify against the store as it is now; see :func:`ocsp_pcap.ocsp.signature.verify`.

        An outcome is kept until the store grows: the issuer may come later in the capture than the
        response, so ask when the capture has been read.
        """
        key = (response.sha256, at)
        known = self._verified.get(key)
        if known is not None and (known[0] == len(self._store) or known[1].state == "valid"):
            return known[1]
        from ocsp_pcap.ocsp.signature import verify

        outcome = verify(
            response, self._candidates(response), at, parse=self._embedded.add, issued=self._store.issued_by
        )
        if len(self._verified) >= BOUNDS.verified_responses:
            self._verified.clear()
        self._verified[key] = (len(self._store), outcome)
        return outcome

    def _candidates(self, response: OcspResponse) -> list[ParsedCertificate]:
        found: dict[str, ParsedCertificate] = {}
        for single in response.singles:
            for candidate in self._store.authorities(
                single.hash_algorithm, single.issuer_name_hash, single.issuer_key_hash
            ):
                found[candidate.sha256] = candidate
        return list(found.values())

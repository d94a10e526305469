"""The facts of one capture as items to compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ocsp_pcap.crosscheck.labels import certificate_item, hello_item, request_item, response_item, url_item
from ocsp_pcap.crosscheck.model import Item
from ocsp_pcap.facts import HandshakeFact, OcspExchangeFact, ResponseFact


def handshake_items(handshakes: Iterable[HandshakeFact]) -> Iterator[Item]:
    """Yield the hello, the certificates and the staples of handshakes."""
    for fact in handshakes:
        place = fact.transport, fact.stream
        if fact.frames.client_hello is not None:
            yield hello_item(*place, fact.frames.client_hello, fact.sni or "", fact.client_random or "")
        for sha256 in fact.certificates:
            yield certificate_item(*place, fact.frames.certificate, sha256)
        for sha256 in fact.client_certificates:
            yield certificate_item(*place, None, sha256)
        for staple in fact.staples:
            frame = fact.frames.certificate_status
            yield response_item("staple", *place, frame, staple.response_status, _singles(staple))


def exchange_items(exchanges: Iterable[OcspExchangeFact]) -> Iterator[Item]:
    """Yield the requests and responses of exchanges.

    Wireshark does not look into the URL of a GET request (RFC 6960 A.1): there the URL is compared.
    """
    for fact in exchanges:
        if fact.requests and fact.method == "GET":
            yield url_item(fact.stream, fact.frames.request, fact.url or "")
        elif fact.requests:
            ids = [(c.issuer_name_hash, c.issuer_key_hash, c.serial) for c in fact.requests]
            yield request_item(fact.stream, fact.frames.request, ids)
        if fact.response is not None:
            status, singles = fact.response.response_status, _singles(fact.response)
            yield response_item("response", "tcp", fact.stream, fact.frames.response, status, singles)


def _singles(response: ResponseFact) -> Sequence[tuple[str, str, int | None, int | None]]:
    return [(s.serial, s.status, s.this_update, s.next_update) for s in response.singles]

from __future__ import annotations

from ocsp_pcap.ocsp.cache import ResponseCache
from ocsp_pcap.pki.store import CertificateStore
from tests.unit.pki.authority import Authority, new_key

from .messages import response_der

AUTHORITY = Authority()
DER = response_der(AUTHORITY, AUTHORITY.issue())


def test_parsed_once() -> None:
    cache = ResponseCache(CertificateStore())
    assert cache.parse(DER) is cache.parse(bytes(bytearray(DER)))
    assert len(cache) == 1


def test_issuer_that_comes_later() -> None:
    store = CertificateStore()
    cache = ResponseCache(store)
    response = cache.parse(DER)
    assert cache.verify(response).state == "unverifiable"
    store.add(AUTHORITY.der)
    assert cache.verify(response).state == "valid"
    assert cache.verify(response) is cache.verify(response)


def test_what_a_response_brings_along_is_not_believed() -> None:
    store = CertificateStore()
    cache = ResponseCache(store)
    key = new_key()
    der = response_der(AUTHORITY, AUTHORITY.issue(), signer_key=key, responder=AUTHORITY.responder(key))
    own = response_der(AUTHORITY, AUTHORITY.issue(), responder=AUTHORITY.certificate)
    for octets in (der, own, der, own):
        assert cache.verify(cache.parse(octets)).state == "unverifiable"
    assert len(store) == 0


def test_bound() -> None:
    cache = ResponseCache(CertificateStore(), max_bytes=10)
    assert cache.parse(DER).response_status == "successful"
    assert len(cache) == 0

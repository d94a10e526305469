"""Facts and items for the tests, and a Wireshark that says what it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ocsp_pcap.crosscheck.dissection import Dissection, DissectionOptions
from ocsp_pcap.crosscheck.model import Item
from ocsp_pcap.facts import HandshakeFact, HandshakeFrames

HASH = "ab" * 32
RANDOM = "17" * 32


def handshake(**changes: object) -> HandshakeFact:
    """A TLS 1.2 handshake with one certificate."""
    fact = HandshakeFact(
        capture="a.pcap",
        stream=3,
        transport="tcp",
        time=0,
        frames=HandshakeFrames(client_hello=4, server_hello=6, certificate=8),
        client="192.0.2.1",
        server="198.51.100.2",
        sni="host.test",
        connect_host=None,
        alpn=(),
        version="TLS 1.2",
        cipher=None,
        resumed=False,
        status_request=False,
        client_random=RANDOM,
        server_random=None,
        certificates=(HASH,),
        staples=(),
        client_certificates=(),
        certificate_encrypted=False,
        decrypted=False,
        complete=True,
        alerts=(),
        server_port=443,
    )
    return replace(fact, **changes)  # type: ignore[arg-type]


def seen(*items: Item, **changes: object) -> Dissection:
    """What Wireshark showed."""
    dissection = Dissection("4.0.17", list(items))
    for name, value in changes.items():
        setattr(dissection, name, value)
    return dissection


def asked(first: Dissection, second: Dissection | None = None) -> Callable[[DissectionOptions], Dissection]:
    """A witness that gives these answers; without ``second`` it must not be asked twice."""
    answers = [first, second]

    def ask(question: DissectionOptions) -> Dissection:
        answer = answers.pop(0)
        assert answer is not None, f"asked again: {question}"
        return answer

    return ask

"""The frozen, typed record of what was seen in captures: the layers below make it, those above read it.

Facts are the narrow waist of the program. Nothing above them opens a capture, so that facts can be
stored, shipped between machines and explained later; nothing below them knows what they will be used for,
so that they say what was seen and never what it means. Three rules follow:

- A fact holds plain values only: integers, strings, tuples of them, other facts. What an integer or a
  string means (a time, a frame, a hash) is its type in :mod:`ocsp_pcap.facts.types`, never its name.
- The forms of facts (JSON, tables, the JSON Schema) follow from one plan of these types
  (:mod:`ocsp_pcap.facts.plan`): who adds a field writes it down once.
- A field that is added has a default, which says what its absence means in facts that were stored before.
"""

from ocsp_pcap.facts.capture import AmbiguousStream, CaptureFact, CaptureFile, FileStream, UndecodedFact
from ocsp_pcap.facts.certificate import CertificateFact
from ocsp_pcap.facts.crl_fetch import CrlFetchFact
from ocsp_pcap.facts.dns_lookup import DnsLookupFact
from ocsp_pcap.facts.frames import ExchangeFrames, HandshakeFrames
from ocsp_pcap.facts.handshake import AlertFact, HandshakeFact
from ocsp_pcap.facts.model import Fact, Facts
from ocsp_pcap.facts.ocsp_exchange import OcspExchangeFact
from ocsp_pcap.facts.ocsp_response import CertIdFact, ResponseFact, SingleFact
from ocsp_pcap.facts.tcp_attempt import TcpAttemptFact
from ocsp_pcap.facts.types import CaptureRole, Side, SignatureState, TcpOutcome, Transport

__all__ = [
    "AlertFact",
    "AmbiguousStream",
    "CaptureFact",
    "CaptureFile",
    "CaptureRole",
    "CertIdFact",
    "CertificateFact",
    "CrlFetchFact",
    "DnsLookupFact",
    "ExchangeFrames",
    "Fact",
    "Facts",
    "FileStream",
    "HandshakeFact",
    "HandshakeFrames",
    "OcspExchangeFact",
    "ResponseFact",
    "Side",
    "SignatureState",
    "SingleFact",
    "TcpAttemptFact",
    "TcpOutcome",
    "Transport",
    "UndecodedFact",
]

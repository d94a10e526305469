"""Askers: the host whose question an OCSP request is, which need not be the one that sent it.

A proxy hands on what the hosts behind it ask over plain HTTP; a server asks about its own certificate
to staple the answer. What a host only relays proves nothing about it.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.hellos import Hellos
from ocsp_pcap.explain.matching import match_cert_id
from ocsp_pcap.explain.spans import Runs, between
from ocsp_pcap.explain.visits import Credit, Visit
from ocsp_pcap.facts import CertificateFact, OcspExchangeFact

RELAY: Final = 5 * SECOND
"""A proxy hands a request on within this time."""
LEAD: Final = SECOND
"""Clocks of two captures, corrected, may still differ by this."""
CAUSED_BY: Final = 30 * SECOND
"""A handshake that is relayed, and a query that follows within this time, belong together."""
SOME_PROXY: Final = ""
"""In place of a server's identity: whatever proxy a request was sent through."""

Meant: TypeAlias = frozenset[tuple[str, str]]
Moment: TypeAlias = Callable[[OcspExchangeFact], int]


def meant_by(exchange: OcspExchangeFact) -> Meant:
    """Return what an exchange is about: (serial number, issuer name hash) of every CertID."""
    ids = exchange.requests or (exchange.response.singles if exchange.response else ())
    return frozenset((cert_id.serial, cert_id.issuer_name_hash) for cert_id in ids)


class Askers:
    """Credits exchanges to their askers. Built once, only read afterwards."""

    def __init__(
        self,
        exchanges: Sequence[OcspExchangeFact],
        visits: Iterable[Visit],
        certificates: Mapping[str, CertificateFact],
        hellos: Hellos,
        identity: Callable[[str], str],
        moment: Moment,
        checks_tunnels: Callable[[str], bool],
    ) -> None:
        self._identity = identity
        self._moment = moment
        self._hellos = hellos
        self._certificates = certificates
        self._checks_tunnels = checks_tunnels
        self._by_serial: dict[str, list[CertificateFact]] = defaultdict(list)
        for certificate in certificates.values():
            self._by_serial[certificate.serial].append(certificate)
        self._sent_to: dict[tuple[str, Meant], list[OcspExchangeFact]] = defaultdict(list)
        for exchange in exchanges:
            if meant := meant_by(exchange):
                self._sent_to[identity(exchange.server), meant].append(exchange)
                if exchange.via_proxy:
                    self._sent_to[SOME_PROXY, meant].append(exchange)
        self._by_sender: dict[tuple[str, Meant], Runs[OcspExchangeFact]] = {}
        self._received: dict[tuple[str, str], list[Visit]] = defaultdict(list)
        self._presented: set[tuple[str, str]] = set()
        asked = {known.sha256 for exchange in exchanges for known in self.certificates_meant(exchange)}
        for visit in visits:
            handshake = visit.handshake
            if asked.isdisjoint(handshake.certificates):
                continue
            for sha256 in dict.fromkeys(handshake.certificates):
                self._received[identity(handshake.client), sha256].append(visit)
            if handshake.tunnel in (None, "starttls", "proxy-protocol"):
                # Behind a CONNECT the address is that of a proxy, not of whose certificate it is.
                self._presented.add((identity(handshake.server), handshake.certificates[0]))
        self._credits: dict[int, Credit] = {}
        for exchange in exchanges:
            self._credits[id(exchange)] = self._credit(exchange)

    def credit(self, exchange: OcspExchangeFact) -> Credit:
        """Return whose question an exchange is."""
        return self._credits[id(exchange)]

    def copied_from(self, exchange: OcspExchangeFact) -> OcspExchangeFact | None:
        """Return the request on the inner side of a proxy that this one hands on; None: none is in sight."""
        meant, sender, time = meant_by(exchange), self._identity(exchange.client), self._moment(exchange)
        found = self._sent_to.get((sender, meant), []) if meant else []
        near = [
            inner
            for inner in between(found, time - RELAY, time + LEAD, self._moment)
            if inner is not exchange and self._identity(inner.client) != sender
        ]
        return min(near, key=lambda inner: abs(time - self._moment(inner)), default=None)

    def asked_around(self, exchange: OcspExchangeFact) -> OcspExchangeFact | None:
        """Return another host's exchange about the same, around this one in time.

        With the same responder: a proxy that relays HTTP transparently does so, and two hosts that ask by
        themselves rarely do. Or through a proxy, of which this may be another address.
        """
        meant, time, ended = meant_by(exchange), exchange.time, exchange.response_time
        if not meant or ended is None:
            return None
        moment = self._moment(exchange)
        for server in (self._identity(exchange.server), SOME_PROXY):
            same = self._senders(server, meant)
            for around in same.others(self._identity(exchange.client), moment - RELAY, moment):
                if (
                    around.capture == exchange.capture
                    and around.response_time is not None
                    and around.time < time
                    and ended < around.response_time
                ):
                    return around
        return None

    def _senders(self, server: str, meant: Meant) -> Runs[OcspExchangeFact]:
        known = self._by_sender.get((server, meant))
        if known is None:
            sent = self._sent_to.get((server, meant), [])
            known = Runs(sent, lambda each: self._identity(each.client), self._moment)
            self._by_sender[server, meant] = known
        return known

    def with_serial(self, serial: str) -> Sequence[CertificateFact]:
        """Return the certificates of the captures with this serial number."""
        return self._by_serial.get(serial, ())

    def certificates_meant(self, exchange: OcspExchangeFact) -> list[CertificateFact]:
        """Return the certificates of the captures that the CertIDs of an exchange may mean."""
        ids = exchange.requests or (exchange.response.singles if exchange.response else ())
        return [
            certificate
            for cert_id in ids
            for certificate in self._by_serial.get(cert_id.serial, ())
            if match_cert_id(certificate, cert_id)
        ]

    def _credit(self, exchange: OcspExchangeFact) -> Credit:
        sender = self._identity(exchange.client)
        outer, inner = exchange, self.copied_from(exchange)
        if inner is not None:
            passed = {id(exchange)}
            while inner is not None and id(inner) not in passed:
                if len(passed) > BOUNDS.legs:
                    reached("legs")
                    break
                passed.add(id(inner))
                outer, inner = inner, self.copied_from(inner)
            asker = self._behind(outer) or self._identity(outer.client)
            return Credit(asker, relayed=True, why=f"{outer.client} asked it for the same")
        behind = self._behind(exchange)
        if behind is not None:
            why = f"the request says that it is handed on ({exchange.relayed_for})"
            return Credit(behind or None, relayed=True, why=why)
        meant = self.certificates_meant(exchange)
        if credit := self._through_tunnel(exchange, meant, sender):
            return credit
        received = any((sender, certificate.sha256) in self._received for certificate in meant)
        if not received and any((sender, certificate.sha256) in self._presented for certificate in meant):
            return Credit(sender, own_certificate=True, why="it is the server's own certificate")
        return Credit(sender)

    def _behind(self, exchange: OcspExchangeFact) -> str | None:
        """Return the identity that a request names as its origin; "": none; None: it is not relayed."""
        named = exchange.relayed_for
        if named is None:
            return None
        try:
            asker = self._identity(str(ipaddress.ip_address(named.strip("[]"))))
        except ValueError:
            return ""
        return None if asker == self._identity(exchange.client) else asker

    def _through_tunnel(
        self, exchange: OcspExchangeFact, meant: Iterable[CertificateFact], sender: str
    ) -> Credit | None:
        """The handshake that this query follows was only handed on: its client is the one that asks."""
        time = self._moment(exchange)
        before: list[Visit] = []
        for certificate in meant:
            visits = self._received.get((sender, certificate.sha256), [])
            position = bisect_left(visits, time, key=lambda visit: visit.time)
            before += visits[max(0, position - 1) : position]
        if not before:
            return None
        nearest = max(before, key=lambda visit: visit.time)
        first = self._hellos.first_leg(nearest)
        if first is nearest or time - nearest.time > CAUSED_BY or self._checks_tunnels(exchange.client):
            return None
        client = first.handshake.client
        why = f"{exchange.client} only hands on the ClientHello of {client}"
        return Credit(self._identity(client), relayed=True, why=why)

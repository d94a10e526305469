"""DNS lookups and TCP attempts, of those hosts that certificates and exchanges name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from ocsp_pcap.facts import (
    CertificateFact,
    CrlFetchFact,
    DnsLookupFact,
    ExchangeFrames,
    OcspExchangeFact,
    TcpAttemptFact,
)
from ocsp_pcap.observe.capture import Observation
from ocsp_pcap.observe.udp import DnsPacket

MAX_ATTEMPTS = 65_536


class ResponderTraffic:
    """Knows which hosts matter, and finds what else the captures hold about them."""

    def __init__(
        self,
        certificates: Iterable[CertificateFact],
        exchanges: Iterable[OcspExchangeFact],
        fetches: Iterable[CrlFetchFact],
    ) -> None:
        self._names: set[str] = set()
        self._addresses: set[str] = set()
        for certificate in certificates:
            for url in (*certificate.ocsp_urls, *certificate.crl_urls):
                self._learn(url)
        sent: list[OcspExchangeFact | CrlFetchFact] = [*exchanges, *fetches]
        for fact in sent:
            self._addresses.add(fact.server)
            if fact.url is not None:
                self._learn(fact.url)

    def _learn(self, url: str) -> None:
        try:
            host = urlsplit(url).hostname
        except ValueError:
            return
        if not host:
            return
        try:
            self._addresses.add(str(ipaddress.ip_address(host)))
        except ValueError:
            self._names.add(host.rstrip(".").lower())

    def lookups(self, observation: Observation) -> list[DnsLookupFact]:
        """Return the DNS lookups of hosts that matter, and learn their addresses for :meth:`attempts`."""
        if not observation.udp.dns or not self._names:
            return []
        from ocsp_pcap.dns.message import mentions, parse_message, wire_name

        wanted = set()
        for name in self._names:
            try:
                wanted.add(wire_name(name))
            except ValueError:
                continue
        open_lookups: dict[tuple[int, int, str, str], int] = {}
        found: list[DnsLookupFact] = []
        for packet in observation.udp.dns:
            if not mentions(packet.payload, wanted):
                continue
            message = parse_message(packet.payload)
            if message is None:
                continue
            key = (packet.stream, message.id, message.name, message.type)
            if not message.is_response:
                if key not in open_lookups:
                    open_lookups[key] = len(found)
                    found.append(_lookup(observation, packet, message.name, message.type))
                continue
            self._addresses.update(answer for answer in message.answers if _is_address(answer))
            index = open_lookups.pop(key, None)
            asked = found[index] if index is not None else None
            answered = _lookup(
                observation, packet, message.name, message.type, message.rcode, message.answers, asked
            )
            if index is None:
                found.append(answered)
            else:
                found[index] = answered
        return found

    def attempts(self, observation: Observation) -> Iterator[TcpAttemptFact]:
        """Yield the attempts to connect to hosts that matter; call :meth:`lookups` before."""
        flows = observation.tcp.flows
        numbers = sorted({number for address in self._addresses for number in flows.streams_with(address)})
        for number in numbers[:MAX_ATTEMPTS]:
            flow = flows.flow(number)
            outcome = flow.outcome
            if outcome is None:
                continue
            opener = 0 if flow.syn_counts[0] or not flow.syn_counts[1] else 1
            ends = flow.endpoints
            pair = ((ends.address_0, ends.port_0), (ends.address_1, ends.port_1))
            client, server = pair[opener], pair[1 - opener]
            if server[0] not in self._addresses:
                continue
            answer = flow.syn_ack_frame or (flow.reset_frame if outcome in ("refused", "reset") else None)
            started = flow.syn_times[opener]
            yield TcpAttemptFact(
                capture=observation.name,
                stream=observation.tcp_stream(number),
                time=started if started is not None else flow.first_time,
                frames=ExchangeFrames(flow.syn_frames[opener], answer),
                client=client[0],
                server=server[0],
                outcome=outcome,
                client_port=client[1],
                server_port=server[1],
                attempts=max(1, flow.syn_counts[opener]),
            )


def _lookup(
    observation: Observation,
    packet: DnsPacket,
    name: str,
    kind: str,
    rcode: str | None = None,
    answers: tuple[str, ...] = (),
    asked: DnsLookupFact | None = None,
) -> DnsLookupFact:
    ends = observation.udp.flows.endpoints(packet.stream)
    pair = (ends.address_0, ends.address_1)
    is_response = rcode is not None
    client = packet.direction ^ int(is_response)
    return DnsLookupFact(
        capture=observation.name,
        stream=packet.stream,
        time=asked.time if asked is not None else packet.time,
        frames=ExchangeFrames(
            asked.frames.request if asked is not None else None if is_response else packet.frame,
            packet.frame if is_response else None,
        ),
        client=pair[client],
        server=pair[1 - client],
        name=name,
        type=kind,
        rcode=rcode,
        answers=answers,
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

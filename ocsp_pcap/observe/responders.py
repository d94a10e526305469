"""DNS lookups and TCP attempts, of those hosts that certificates and exchanges name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.facts import (
    CertificateFact,
    CrlFetchFact,
    DnsLookupFact,
    ExchangeFrames,
    OcspExchangeFact,
    TcpAttemptFact,
)
from ocsp_pcap.facts.alike import Alike, patterns
from ocsp_pcap.facts.dns_lookup import is_address
from ocsp_pcap.facts.hosts import host_of
from ocsp_pcap.observe.capture import Observation
from ocsp_pcap.observe.dns_log import DnsPacket
from ocsp_pcap.streams.state import OUTCOMES

if TYPE_CHECKING:
    from ocsp_pcap.dns.message import DnsMessage


class ResponderTraffic:
    """Knows which hosts matter, and finds what else the captures hold about them."""

    def __init__(
        self,
        certificates: Iterable[CertificateFact],
        exchanges: Iterable[OcspExchangeFact],
        fetches: Iterable[CrlFetchFact],
        hosts: Iterable[str] = (),
    ) -> None:
        """``hosts``: names and addresses that matter besides."""
        self._names: set[str] = set()
        self._addresses: set[str] = set()
        self._responders: set[str] = set()
        """Names and addresses by which certificates name responders, and addresses of those names."""
        for certificate in certificates:
            self._responders |= {host for url in certificate.ocsp_urls if (host := host_of(url)) is not None}
            for url in (*certificate.ocsp_urls, *certificate.crl_urls):
                self._learn(url)
        for host in hosts:
            (self._addresses if is_address(host) else self._names).add(host.rstrip(".").lower())
        sent: list[OcspExchangeFact | CrlFetchFact] = [*exchanges, *fetches]
        for fact in sent:
            self._addresses.add(fact.server)
            if fact.url is not None:
                self._learn(fact.url)

    def _learn(self, url: str) -> None:
        host = host_of(url)
        if host is not None:
            (self._addresses if is_address(host) else self._names).add(host)

    def matters(self, host: str | None) -> bool:
        """Tell whether a host, given by name or address, is one of those that matter."""
        if host is None:
            return False
        bare = host.rstrip(".").lower()
        return bare in self._names or bare in self._responders or bare in self._addresses

    def asks_responder(self, exchange: OcspExchangeFact) -> bool:
        """Tell whether a responder that a certificate names was asked; call :meth:`lookups` before.

        Where the host is cut off, the address decides.
        """
        host = host_of(exchange.url)
        if (exchange.server if host is None else host) not in self._responders:
            return False
        self._addresses.add(exchange.server)
        return True

    def lookups(self, observation: Observation) -> list[DnsLookupFact]:
        """Return the DNS lookups of hosts that matter, and learn their addresses for :meth:`attempts`.

        The target of a CNAME matters like the name itself: some resolvers look it up by themselves.
        """
        packets = sorted(
            (*observation.udp.dns.packets, *observation.tcp.dns.packets), key=lambda packet: packet.frame
        )
        if not packets or not self._names:
            return []
        open_lookups: dict[tuple[str, int, int, str, str], int] = {}
        early: dict[tuple[str, int, int, str, str], int] = {}
        found: list[DnsLookupFact] = []
        for packet, message in self._messages(packets):
            key = (packet.transport, packet.stream, message.id, message.name, message.type)
            if not message.is_response:
                answer = early.pop(key, None)
                if answer is not None and packet.time < found[answer].time:
                    # Packets out of order: it was captured before its answer, and written after it.
                    found[answer] = replace(
                        found[answer],
                        time=packet.time,
                        frames=ExchangeFrames(packet.frame, found[answer].frames.response),
                    )
                elif key not in open_lookups:
                    open_lookups[key] = len(found)
                    found.append(_lookup(observation, packet, message, None))
                continue
            addresses = {answer for answer in message.answers if is_address(answer)}
            self._addresses |= addresses
            if message.name.rstrip(".").lower() in self._responders:
                self._responders |= addresses
            index = open_lookups.pop(key, None)
            answered = _lookup(observation, packet, message, found[index] if index is not None else None)
            if index is None:
                early[key] = len(found)
                found.append(answered)
            else:
                found[index] = answered
        return found

    def _messages(self, packets: Sequence[DnsPacket]) -> list[tuple[DnsPacket, DnsMessage]]:
        """Return the messages about names that matter, and learn the names to which these lead."""
        from ocsp_pcap.dns.message import mentions, parse_message

        parsed: dict[int, DnsMessage | None] = {}
        for _ in range(BOUNDS.cnames):
            known = len(self._names)
            wanted = _wire_names(self._names)
            for number, packet in enumerate(packets):
                if number in parsed or not mentions(packet.payload, wanted):
                    continue
                message = parsed[number] = parse_message(packet.payload)
                if message is None:
                    continue
                targets = {answer for answer in message.answers if not is_address(answer)} - self._names
                if targets and len(self._names) >= BOUNDS.responder_names:
                    reached("responder_names")
                elif targets:
                    self._names |= targets
                    wanted |= _wire_names(targets)
            if len(self._names) == known:
                break
        else:
            unread = (packet for number, packet in enumerate(packets) if number not in parsed)
            if any(mentions(packet.payload, wanted) for packet in unread):
                reached("cnames")
        return [(packets[number], message) for number in sorted(parsed) if (message := parsed[number])]

    def attempts(self, observation: Observation) -> list[int]:
        """Return the streams that were opened to hosts that matter; call :meth:`lookups` before."""
        numbers = observation.tcp.flows.opened_to(self._addresses)
        if len(numbers) > BOUNDS.attempts:
            reached("attempts", len(numbers) - BOUNDS.attempts)
        return numbers[: BOUNDS.attempts]


def attempts_of(observation: Observation, streams: Sequence[int]) -> Alike[TcpAttemptFact]:
    """Return the attempts to connect that streams open with."""
    numbers, table = np.array(streams, np.int64), observation.tcp.flows
    flows, (addresses, ports) = table.columns(numbers), table.ends(numbers)
    opener = flows.opener
    client, server = (np.arange(len(numbers)), opener), (np.arange(len(numbers)), 1 - opener)
    started, answered, outcomes = flows["syn_frame"][client], flows["syn_ack_frame"], flows.outcome
    ended = (outcomes == OUTCOMES.index("refused")) | (outcomes == OUTCOMES.index("reset"))
    answer = np.where((answered == 0) & ended, flows["reset_frame"], answered)
    shared = (outcomes, ports[server], flows["syn_count"][client], flows["hop_limit"][client])
    keys = list(zip(*(column.tolist() for column in shared), strict=True))

    def pattern(place: int) -> TcpAttemptFact:
        kind, server_port, attempts, hop_limit = keys[place]
        outcome = OUTCOMES[kind]
        assert outcome is not None
        return TcpAttemptFact(
            capture=observation.name,
            stream=0,
            time=0,
            frames=ExchangeFrames(),
            client="",
            server="",
            outcome=outcome,
            server_port=server_port,
            attempts=max(1, attempts),
            client_ttl=hop_limit or None,
        )

    return Alike(
        patterns(keys, pattern, {}),
        {
            "stream": observation.tcp_streams(numbers).tolist(),
            "time": np.where(started != 0, flows["syn_time"][client], flows["first_time"]).tolist(),
            "frames.request": [frame or None for frame in started.tolist()],
            "frames.response": [frame or None for frame in answer.tolist()],
            "client": addresses[client].tolist(),
            "server": addresses[server].tolist(),
            "client_port": ports[client].tolist(),
        },
    )


def _wire_names(names: Iterable[str]) -> set[bytes]:
    from ocsp_pcap.dns.message import wire_name

    wanted = set()
    for name in names:
        try:
            wanted.add(wire_name(name))
        except ValueError:
            continue
    return wanted


def _lookup(
    observation: Observation, packet: DnsPacket, message: DnsMessage, asked: DnsLookupFact | None
) -> DnsLookupFact:
    tcp = packet.transport == "tcp"
    flows = (observation.tcp if tcp else observation.udp).flows
    ends = flows.endpoints(packet.stream)
    pair = (ends.address_0, ends.address_1)
    client = packet.direction ^ int(message.is_response)
    return DnsLookupFact(
        capture=observation.name,
        stream=observation.tcp_stream(packet.stream) if tcp else observation.udp_stream(packet.stream),
        time=asked.time if asked is not None else packet.time,
        frames=ExchangeFrames(
            asked.frames.request if asked is not None else None if message.is_response else packet.frame,
            packet.frame if message.is_response else None,
        ),
        client=pair[client],
        server=pair[1 - client],
        name=message.name,
        type=message.type,
        rcode=message.rcode if message.is_response else None,
        answers=message.answers if message.is_response else (),
        transport=packet.transport,
        truncated=message.is_response and message.truncated,
        client_ttl=flows.hop_limit(packet.stream, client),
    )

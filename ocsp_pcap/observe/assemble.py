"""From what captures showed to facts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from ocsp_pcap.facts import (
    CaptureFact,
    CrlFetchFact,
    Facts,
    HandshakeFact,
    OcspExchangeFact,
    TcpAttemptFact,
)
from ocsp_pcap.facts.unheld import Unheld, lines_of
from ocsp_pcap.observe.ambiguity import Disagreements
from ocsp_pcap.observe.capture import Observation
from ocsp_pcap.observe.captures import capture_fact
from ocsp_pcap.observe.documents import Documents
from ocsp_pcap.observe.exchanges import (
    Peers,
    Sent,
    crl_fetch,
    exchanges_sent,
    ocsp_exchange,
    refused_tunnel,
)
from ocsp_pcap.observe.handshakes import HandshakeFacts
from ocsp_pcap.observe.responders import ResponderTraffic, attempts_of
from ocsp_pcap.ocsp.exchange import OcspExchange, RefusedTunnel
from ocsp_pcap.spoken.seen import Spoken
from ocsp_pcap.spoken.shared import Shared

_SentFact: TypeAlias = OcspExchangeFact | CrlFetchFact | TcpAttemptFact
_Made = TypeVar("_Made")


class FactAssembler:
    """Puts the observations of one or several captures into facts; call :meth:`facts` once."""

    def __init__(self, shared: Shared, hosts: Sequence[str] = ()) -> None:
        self._shared = shared
        self._hosts = hosts
        self._documents = Documents(shared)
        self._handshakes = HandshakeFacts(shared, self._documents)

    def facts(self, observations: Sequence[Observation]) -> Facts:
        """Return all facts, each kind in the order of capture and time."""
        handshakes: list[Sequence[HandshakeFact]] = []
        exchanges: list[tuple[OcspExchangeFact, bool]] = []
        crl_fetches: list[CrlFetchFact] = []
        refused: list[TcpAttemptFact] = []
        disagreements = [Disagreements(observation) for observation in observations]
        told = [_spoken_of(observation) for observation in observations]
        for observation, disagreement in zip(observations, disagreements, strict=True):
            sent = exchanges_sent(observation)
            handshakes.append(self._handshakes.of(observation, disagreement))
            of_capture = list(self._exchanges(observation, sent))
            facts = disagreement.marked([fact for fact, _ in of_capture])
            for fact, (_, doubtful) in zip(facts, of_capture, strict=True):
                if isinstance(fact, OcspExchangeFact):
                    exchanges.append((fact, doubtful))
                elif isinstance(fact, TcpAttemptFact):
                    refused.append(fact)
                else:
                    crl_fetches.append(fact)
        known = {certificate.sha256: certificate for certificate in self._shared.store}
        order = dict.fromkeys((*self._handshakes.certificates, *sorted(known)))
        certificates = {
            sha256: self._documents.certificate(known[sha256]) for sha256 in order if sha256 in known
        }
        sure = [fact for fact, doubtful in exchanges if not doubtful]
        traffic = ResponderTraffic(certificates.values(), sure, crl_fetches, self._hosts)
        captures: list[CaptureFact] = []
        attempts: list[Sequence[TcpAttemptFact]] = []
        lookups = [fact for observation in observations for fact in traffic.lookups(observation)]
        ocsp_exchanges = [
            fact for fact, doubtful in exchanges if not doubtful or traffic.asks_responder(fact)
        ]
        for observation, disagreement, (tcp_streams, udp_streams) in zip(
            observations, disagreements, told, strict=True
        ):
            tried = traffic.attempts(observation)
            tunnels = [
                fact for fact in refused if fact.capture == observation.name and traffic.matters(fact.host)
            ]
            made = Unheld[TcpAttemptFact](tried, partial(_attempts, observation))
            attempts.append(sorted((*made, *tunnels), key=attrgetter("time")) if tunnels else made)
            whole = capture_fact(observation, tcp_streams.union(tried), udp_streams)
            captures.append(replace(whole, ambiguous_streams=disagreement.left()))
        return Facts(
            captures=tuple(captures),
            certificates=certificates,
            handshakes=_together(handshakes),
            ocsp_exchanges=tuple(ocsp_exchanges),
            crl_fetches=tuple(crl_fetches),
            dns_lookups=tuple(lookups),
            tcp_attempts=_together(attempts),
        )

    def _exchanges(self, observation: Observation, found: list[Sent]) -> Iterator[tuple[_SentFact, bool]]:
        """Yield each exchange, and whether it counts only where the host asked is a responder."""
        flows = observation.tcp.flows.flows([stream.number for stream, _, _ in found])
        for (stream, item, client), flow in zip(found, flows, strict=True):
            if isinstance(item.exchange, OcspExchange):
                exchange, peers = item.exchange, Peers.of(flow, client)
                self._documents.learn(cert_id.hash_algorithm for cert_id in exchange.requests)
                answer = exchange.response
                response = None if answer is None else self._documents.response(answer)
                fact = ocsp_exchange(observation, stream, exchange, peers, response, decrypted=item.encrypted)
                yield fact, exchange.doubtful
            elif isinstance(item.exchange, RefusedTunnel):
                yield refused_tunnel(observation, stream, item.exchange, flow, client), False
            else:
                yield crl_fetch(observation, stream, item.exchange, Peers.of(flow, client)), False


def _together(parts: Sequence[Sequence[_Made]]) -> Sequence[_Made]:
    ends = list(accumulate(map(len, parts), initial=0))

    def make(places: range, *, lines: bool) -> Iterator[Any]:
        first = places.start
        while first < places.stop:
            at = bisect_right(ends, first)
            end, begin = min(ends[at], places.stop), ends[at - 1]
            some = parts[at - 1][first - begin : end - begin]
            yield from lines_of(some) if lines else some
            first = end

    return Unheld(range(ends[-1]), make)


def _attempts(observation: Observation, streams: Sequence[int], *, lines: bool) -> Iterator[Any]:
    return attempts_of(observation, streams).items(lines=lines)


def _spoken_of(observation: Observation) -> tuple[set[int], set[int]]:
    """Return, where a capture has several files, the TCP and UDP streams that facts speak of."""
    if len(observation.files) == 1:
        return set(), set()
    finished, udp = observation.tcp.streams.finished, observation.udp.finished
    others = {stream.number for stream in finished.others if _is_spoken_of(stream.spoken)}
    return others.union(finished.numbers.tolist()), {stream.number for stream in udp}


def _is_spoken_of(spoken: Spoken) -> bool:
    """Tell whether facts speak of a connection, refused tunnels aside."""
    if spoken.handshakes is not None:
        return True
    return not all(isinstance(found.exchange, RefusedTunnel) for found in spoken.exchanges)

"""Facts of TLS handshakes: what was seen of each, and what its connection came to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.facts import AlertFact, HandshakeFact, HandshakeFrames, ResponseFact, Side, Transport
from ocsp_pcap.facts.unheld import Unheld
from ocsp_pcap.observe.ambiguity import Disagreements
from ocsp_pcap.observe.capture import Observation
from ocsp_pcap.observe.documents import Documents
from ocsp_pcap.observe.exchanges import Peers, moved
from ocsp_pcap.observe.finished import FinishedStream, FinishedStreams
from ocsp_pcap.spoken.seen import SeenAlert, SeenHandshake, Spoken, Traits, Tunnel
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.distinct import among
from ocsp_pcap.streams.flow import Flow
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.tls.names import alert_description_name, alert_level_name

_Place: TypeAlias = tuple[int | None, int | None]
"""Frame and time of what a client sent."""
_NOWHERE: Final[_Place] = (None, None)


class _Source(NamedTuple):
    """The TCP or the UDP streams of a capture."""

    finished: FinishedStreams
    flows: FlowTable
    number: Callable[[int], int]
    """Makes of a stream's number the one that Wireshark shows."""
    make: Callable[[FinishedStream, Flow], Iterator[HandshakeFact]]

    @property
    def doubted(self) -> NDArray[np.bool_]:
        """Tell which of those that are packed may be disputed: packets disagree about their stream."""
        ambiguous = [stream.number for stream in self.finished.others if stream.ambiguous]
        return among(self.finished.numbers, np.array(ambiguous, np.int64))

    def each(self, streams: Sequence[FinishedStream]) -> Iterator[Iterator[HandshakeFact]]:
        """Yield the handshakes of each stream."""
        return map(self.make, streams, self.flows.flows([stream.number for stream in streams]))

    def facts(self, streams: Sequence[FinishedStream]) -> Iterator[HandshakeFact]:
        """Yield the handshakes of streams."""
        return chain.from_iterable(self.each(streams))


class HandshakeFacts:
    """Makes facts of the handshakes of captures."""

    def __init__(self, shared: Shared, documents: Documents) -> None:
        self._shared = shared
        self._documents = documents
        self._chains: dict[tuple[bytes, ...], tuple[str, ...]] = {(): ()}
        """Chains of certificates, and their hashes."""
        self._responses: dict[tuple[bytes, ...], tuple[ResponseFact, ...]] = {(): ()}
        self.certificates: dict[str, None] = {}
        """Hashes of certificates in the order in which handshakes showed them."""
        self._ports: dict[int, int] = {}
        """Ports of servers: one number for all that are equal."""

    def of(self, observation: Observation, disagreements: Disagreements) -> Sequence[HandshakeFact]:
        """Return the handshakes of a capture in the order of time.

        Most are made when somebody goes through them: what was observed of them takes less memory.
        """
        tcp, udp = observation.tcp, observation.udp
        sources = (
            _Source(tcp.streams.finished, tcp.flows, observation.tcp_stream, partial(self._tcp, observation)),
            _Source(udp.finished, udp.flows, observation.udp_stream, partial(self._udp, observation)),
        )
        packed = [np.flatnonzero(~source.doubted) for source in sources]
        made = [fact for source in sources for fact in self._learned(source)]
        made = disagreements.marked(sorted(made, key=attrgetter("time", "stream")))
        numbers, times = [fact.stream for fact in made], [fact.time for fact in made]
        streams, begun = [np.array(numbers, np.int64)], [np.array(times, np.int64)]
        for source, some in zip(sources, packed, strict=True):
            streams.append(np.fromiter(map(source.number, source.finished.numbers[some]), np.int64))
            begun.append(source.finished.times[some])
        places = np.concatenate([-1 - np.arange(len(made)), packed[0] * 2, packed[1] * 2 + 1])
        """Counted from -1 downwards, of those that are made; twice those in their source, 1 added for UDP."""
        places = places[np.lexsort((np.concatenate(streams), np.concatenate(begun)))]
        self._note_certificates(
            made[~place] if place < 0 else sources[place & 1].finished.traits[place >> 1]
            for place in places.tolist()
        )

        def make(some: NDArray[np.int64]) -> Iterator[HandshakeFact]:
            wanted = some.tolist()
            fresh = [
                source.facts([source.finished.packed(at >> 1) for at in wanted if at >= 0 and at & 1 == own])
                for own, source in enumerate(sources)
            ]
            return (made[~place] if place < 0 else next(fresh[place & 1]) for place in wanted)

        return Unheld(places, make)

    def _note_certificates(self, handshakes: Iterable[HandshakeFact | Traits]) -> None:
        noted: set[int] = set()
        for each in handshakes:
            if id(each) in noted:
                continue
            noted.add(id(each))
            if isinstance(each, HandshakeFact):
                shown = each.certificates + each.client_certificates
            else:
                shown = self._chain(each.certificates) + self._chain(each.client_certificates)
            self.certificates.update(dict.fromkeys(shown))

    def _learned(self, source: _Source) -> Iterator[HandshakeFact]:
        """Learn what streams showed, and yield the handshakes of those that are not packed, or doubted."""
        # Of several possible issuers the first counts, and that is not to hang on which stream ended first.
        finished = source.finished
        first: dict[int, tuple[int, Traits]] = {}
        for number, traits in zip(finished.numbers.tolist(), finished.traits, strict=True):
            known = first.get(id(traits))
            if known is None or number < known[0]:
                first[id(traits)] = number, traits
        streams = [*finished.others, *map(finished.packed, np.flatnonzero(source.doubted).tolist())]
        streams.sort(key=attrgetter("number"))
        facts = source.each(streams)
        shown: list[tuple[int, Traits | FinishedStream]] = [*first.values()]
        shown += ((stream.number, stream) for stream in streams)
        for _, item in sorted(shown, key=itemgetter(0)):
            if isinstance(item, FinishedStream):
                yield from next(facts)
            else:
                self._chain(item.certificates)
                self._staples(item.staples)
                self._chain(item.client_certificates)

    def _tcp(self, observation: Observation, stream: FinishedStream, flow: Flow) -> Iterator[HandshakeFact]:
        return self._spoken_handshakes(observation, stream, flow, stream.spoken, None)

    def _spoken_handshakes(
        self,
        observation: Observation,
        stream: FinishedStream,
        flow: Flow,
        spoken: Spoken,
        outer_client: int | None,
    ) -> Iterator[HandshakeFact]:
        client = spoken.client if outer_client is None else outer_client
        if spoken.handshakes:
            # Inside decrypted data, directions are named from the outer client's point of view.
            side = client ^ int(spoken.swapped) if outer_client is None else client
            *others, last = spoken.handshakes
            for handshake in others:
                yield self._handshake(observation, stream, flow, side, handshake, spoken.tunnel, last=False)
            yield self._handshake(observation, stream, flow, side, last, spoken.tunnel, last=True)
        if spoken.inner is not None:
            yield from self._spoken_handshakes(observation, stream, flow, spoken.inner, client)

    def _handshake(
        self,
        observation: Observation,
        stream: FinishedStream,
        flow: Flow,
        client: int,
        handshake: SeenHandshake,
        tunnel: Tunnel | None,
        *,
        last: bool,
    ) -> HandshakeFact:
        peers = Peers.of(flow, client)
        return self._handshake_fact(
            observation.name,
            observation.tcp_stream(stream.number),
            "tcp",
            handshake,
            (peers.client, peers.client_port),
            (peers.server, peers.server_port),
            tunnel=tunnel,
            one_sided=flow.one_sided or 0 in flow.payload_packets,
            started_mid_stream=stream.started_mid_stream,
            closed=_closed(flow) if last else None,
            frames_before=stream.frames_before,
            end=(peers.closed_by, peers.closed_time) if last else (None, None),
            last_data=(flow.data_frames[client], flow.data_times[client])
            if last and not handshake.traits.decrypted
            else (0, 0),
            client_ttl=peers.client_ttl,
        )

    def _udp(self, observation: Observation, stream: FinishedStream, flow: Flow) -> Iterator[HandshakeFact]:
        ends = flow.endpoints
        client, server = (ends.address_0, ends.port_0), (ends.address_1, ends.port_1)
        if stream.spoken.client:
            client, server = server, client
        for handshake in stream.spoken.handshakes or ():
            yield self._handshake_fact(
                observation.name,
                observation.udp_stream(stream.number),
                "udp",
                handshake,
                client,
                server,
                tunnel=None,
                one_sided=0 in flow.packets,
                started_mid_stream=not handshake.traits.has_client_hello,
                closed=None,
                frames_before=stream.frames_before,
                client_ttl=flow.hop_limits[stream.spoken.client] or None,
            )

    def _handshake_fact(
        self,
        capture: str,
        number: int,
        transport: Transport,
        handshake: SeenHandshake,
        client: tuple[str, int],
        server: tuple[str, int],
        *,
        tunnel: Tunnel | None,
        one_sided: bool,
        started_mid_stream: bool,
        closed: Literal["fin", "rst"] | None,
        frames_before: int,
        end: tuple[Side | None, int | None] = (None, None),
        last_data: tuple[int, int] = (0, 0),
        client_ttl: int | None = None,
    ) -> HandshakeFact:
        handshake = handshake.counted_behind(frames_before)
        traits = handshake.traits
        client_random, server_random = handshake.client_random, handshake.server_random
        first_data, last_of_data = _client_data(handshake, last_data)
        complete = traits.complete
        return HandshakeFact(
            capture=capture,
            stream=number,
            transport=transport,
            time=handshake.time,
            frames=HandshakeFrames(
                client_hello=handshake.client_hello_frame,
                server_hello=handshake.server_hello_frame,
                certificate=handshake.certificate_frame,
                certificate_status=handshake.staple_frame,
                finished=handshake.finished_frame,
                client_finished=handshake.client_finished,
            ),
            client=client[0],
            server=server[0],
            sni=traits.sni,
            connect_host=tunnel.host if tunnel is not None else None,
            alpn=traits.alpn,
            version=traits.version,
            cipher=traits.cipher,
            resumed=traits.resumption is not None,
            status_request=traits.status_request,
            client_random=client_random.hex() if client_random is not None else None,
            server_random=server_random.hex() if server_random is not None else None,
            certificates=self._chain(traits.certificates),
            staples=self._staples(traits.staples),
            client_certificates=self._chain(traits.client_certificates),
            certificate_encrypted=traits.certificate_encrypted,
            decrypted=traits.decrypted,
            complete=complete,
            alerts=tuple([_alert(alert) for alert in handshake.alerts]) if handshake.alerts else (),
            client_port=client[1],
            server_port=self._ports.setdefault(server[1], server[1]),
            connect_frame=moved(tunnel.frame, frames_before) if tunnel is not None else None,
            connect_port=tunnel.port if tunnel is not None else None,
            connect_status=tunnel.status if tunnel is not None else None,
            connect_via=tunnel is not None and tunnel.via,
            tunnel=tunnel.kind if tunnel is not None else None,
            resumption=traits.resumption,
            offered_resumption=traits.offered_resumption,
            encrypted_client_hello=traits.encrypted_client_hello,
            client_hello_cut=traits.client_hello_cut,
            missing_bytes=traits.missing_bytes,
            given_up=traits.given_up,
            one_sided=one_sided,
            started_mid_stream=started_mid_stream,
            end_time=handshake.last_time,
            application_data=handshake.application_data_frame is not None,
            closed=closed,
            early_end=closed is not None and not complete and handshake.application_data_frame is None,
            application_data_frame=handshake.application_data_frame,
            application_data_time=handshake.application_data_time,
            client_data_time=first_data[1],
            client_data_frame=first_data[0],
            client_data_last_time=last_of_data[1],
            client_data_last_frame=last_of_data[0],
            server_data_time=handshake.server_data_time,
            closed_by=end[0],
            closed_time=end[1],
            server_hello_cut=traits.server_hello_cut,
            psk_with_certificate=traits.psk_with_certificate,
            external_psk=traits.external_psk,
            client_ttl=client_ttl,
            hello_fingerprint=traits.hello_fingerprint,
        )

    def _staples(self, ders: tuple[bytes, ...]) -> tuple[ResponseFact, ...]:
        """Return the facts of stapled responses, whose signatures are verified the first time."""
        known = self._responses.get(ders)
        if known is None:
            parse = self._shared.responses.parse
            known = self._responses[ders] = tuple([self._documents.response(parse(der)) for der in ders])
        return known

    def _chain(self, ders: tuple[bytes, ...]) -> tuple[str, ...]:
        """Return the hashes of certificates, which are known from then on."""
        known = self._chains.get(ders)
        if known is None:
            known = self._chains[ders] = tuple([self._shared.store.add(der).sha256 for der in ders])
        return known


def _client_data(handshake: SeenHandshake, last_data: tuple[int, int]) -> tuple[_Place, _Place]:
    """Return frame and time of the first and of the last application data of the client.

    ``last_data`` is where the connection has it; frame 0: nowhere.
    """
    first = handshake.client_data
    if first is None:
        return _NOWHERE, _NOWHERE
    return first, max(first, handshake.client_data_last or first, last_data)


def _alert(alert: SeenAlert) -> AlertFact:
    frame, from_client, level, description = alert
    return AlertFact(
        frame=frame,
        sender="client" if from_client else "server",
        level=None if level is None else alert_level_name(level),
        description=None if description is None else alert_description_name(description),
    )


def _closed(flow: Flow) -> Literal["fin", "rst"] | None:
    if flow.reset_frame:
        return "rst"
    return "fin" if any(flow.fin_frames) else None

"""Facts of TLS handshakes: what was seen of each, and what its connection came to."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from ocsp_pcap.facts import AlertFact, HandshakeFact, HandshakeFrames, Side
from ocsp_pcap.observe.capture import Observation
from ocsp_pcap.observe.documents import Documents
from ocsp_pcap.observe.exchanges import Peers, moved
from ocsp_pcap.observe.tcp_stream import FinishedStream
from ocsp_pcap.observe.udp_stream import UdpStream
from ocsp_pcap.spoken.seen import SeenHandshake, Spoken, Tunnel
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.flow import Flow
from ocsp_pcap.tls.names import alert_description_name, alert_level_name


class HandshakeFacts:
    """Makes facts of the handshakes of captures."""

    def __init__(self, shared: Shared, documents: Documents) -> None:
        self._shared = shared
        self._documents = documents
        self._chains: dict[tuple[bytes, ...], tuple[str, ...]] = {(): ()}
        """Chains of certificates, and their hashes."""
        self._ports: dict[int, int] = {}
        """Ports of servers: one number for all that are equal."""

    def of(self, observation: Observation) -> list[HandshakeFact]:
        """Return the handshakes of a capture in the order of time. What was observed of them is gone then."""
        return sorted(
            (*self._tcp_handshakes(observation), *self._udp_handshakes(observation)),
            key=lambda handshake: (handshake.time, handshake.stream),
        )

    def _tcp_handshakes(self, observation: Observation) -> Iterator[HandshakeFact]:
        # Of several possible issuers the first counts, and that is not to hang on which stream ended first.
        streams = sorted(observation.tcp.streams.finished, key=attrgetter("number"), reverse=True)
        # What was observed goes as its fact is made: of all streams, both take twice the memory.
        observation.tcp.streams.finished = []
        flows = observation.tcp.flows.flows([stream.number for stream in reversed(streams)])
        for flow in flows:
            stream = streams.pop()
            yield from self._spoken_handshakes(observation, stream, flow, stream.spoken, None)

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
            last_data=_last_data(flow, client) if last and not handshake.decrypted else None,
            client_ttl=peers.client_ttl,
        )

    def _udp_handshakes(self, observation: Observation) -> Iterator[HandshakeFact]:
        streams = sorted(observation.udp.finished, key=attrgetter("number"))
        observation.udp.finished = []
        flows = observation.udp.flows.flows([stream.number for stream in streams])
        for stream, flow in zip(streams, flows, strict=True):
            yield from self._udp_stream(observation, stream, flow)

    def _udp_stream(self, observation: Observation, stream: UdpStream, flow: Flow) -> Iterator[HandshakeFact]:
        ends = flow.endpoints
        client, server = (ends.address_0, ends.port_0), (ends.address_1, ends.port_1)
        if stream.client:
            client, server = server, client
        for handshake in stream.handshakes:
            yield self._handshake_fact(
                observation.name,
                observation.udp_stream(stream.number),
                "udp",
                handshake,
                client,
                server,
                tunnel=None,
                one_sided=0 in flow.packets,
                started_mid_stream=not handshake.has_client_hello,
                closed=None,
                frames_before=stream.frames_before,
                client_ttl=flow.hop_limits[1 if stream.client else 0],
            )

    def _handshake_fact(
        self,
        capture: str,
        number: int,
        transport: str,
        handshake: SeenHandshake,
        client: tuple[str, int],
        server: tuple[str, int],
        *,
        tunnel: Tunnel | None,
        one_sided: bool,
        started_mid_stream: bool,
        closed: str | None,
        frames_before: int,
        end: tuple[Side | None, int | None] = (None, None),
        last_data: tuple[int, int] | None = None,
        client_ttl: int | None = None,
    ) -> HandshakeFact:
        data = _client_data(handshake, frames_before, last_data)
        complete = handshake.complete
        return HandshakeFact(
            capture=capture,
            stream=number,
            transport="tcp" if transport == "tcp" else "udp",
            time=handshake.time,
            frames=HandshakeFrames(
                client_hello=moved(handshake.client_hello_frame, frames_before),
                server_hello=moved(handshake.server_hello_frame, frames_before),
                certificate=moved(handshake.certificate_frame, frames_before),
                certificate_status=moved(handshake.staple_frame, frames_before),
                finished=moved(handshake.finished_frame, frames_before),
                client_finished=moved(handshake.client_finished, frames_before),
            ),
            client=client[0],
            server=server[0],
            sni=handshake.sni,
            connect_host=tunnel.host if tunnel is not None else None,
            alpn=handshake.alpn,
            version=handshake.version,
            cipher=handshake.cipher,
            resumed=handshake.resumption is not None,
            status_request=handshake.status_request,
            client_random=handshake.client_random,
            server_random=handshake.server_random,
            certificates=self._chain(handshake.certificates),
            staples=tuple(
                [self._documents.response(self._shared.responses.parse(der)) for der in handshake.staples]
            ),
            client_certificates=self._chain(handshake.client_certificates),
            certificate_encrypted=handshake.certificate_encrypted,
            decrypted=handshake.decrypted,
            complete=complete,
            alerts=tuple(
                [
                    AlertFact(
                        frame=alert.frame + frames_before,
                        sender="client" if alert.from_client else "server",
                        level=alert_level_name(alert.level) if alert.level is not None else None,
                        description=(
                            alert_description_name(alert.description)
                            if alert.description is not None
                            else None
                        ),
                    )
                    for alert in handshake.alerts
                ]
            ),
            client_port=client[1],
            server_port=self._ports.setdefault(server[1], server[1]),
            connect_frame=moved(tunnel.frame, frames_before) if tunnel is not None else None,
            connect_port=tunnel.port if tunnel is not None else None,
            connect_status=tunnel.status if tunnel is not None else None,
            connect_via=tunnel is not None and tunnel.via,
            tunnel=tunnel.kind if tunnel is not None else None,
            resumption=handshake.resumption,
            offered_resumption=handshake.offered_resumption,
            encrypted_client_hello=handshake.encrypted_client_hello,
            client_hello_cut=handshake.client_hello_cut,
            missing_bytes=handshake.missing_bytes,
            given_up=handshake.given_up,
            one_sided=one_sided,
            started_mid_stream=started_mid_stream,
            end_time=handshake.last_time,
            application_data=handshake.application_data_frame is not None,
            closed="rst" if closed == "rst" else "fin" if closed == "fin" else None,
            early_end=closed is not None and not complete and handshake.application_data_frame is None,
            application_data_frame=moved(handshake.application_data_frame, frames_before),
            application_data_time=handshake.application_data_time,
            client_data_time=data[0][1] if data is not None else None,
            client_data_frame=data[0][0] if data is not None else None,
            client_data_last_time=data[1][1] if data is not None else None,
            client_data_last_frame=data[1][0] if data is not None else None,
            server_data_time=handshake.server_data_time,
            closed_by=end[0],
            closed_time=end[1],
            server_hello_cut=handshake.server_hello_cut,
            psk_with_certificate=handshake.psk_with_certificate,
            external_psk=handshake.external_psk,
            client_ttl=client_ttl,
            hello_fingerprint=handshake.hello_fingerprint,
        )

    def _chain(self, ders: tuple[bytes, ...]) -> tuple[str, ...]:
        """Return the hashes of certificates, which are known from then on."""
        known = self._chains.get(ders)
        if known is None:
            known = self._chains[ders] = tuple([self._shared.store.add(der).sha256 for der in ders])
        return known


def _client_data(
    handshake: SeenHandshake, frames_before: int, last_data: tuple[int, int] | None
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return frame and time of the first and of the last application data of the client."""
    if handshake.client_data is None:
        return None
    first, last = handshake.client_data, handshake.client_data_last or handshake.client_data
    if frames_before:
        first, last = (first[0] + frames_before, first[1]), (last[0] + frames_before, last[1])
    found = [first, last]
    return first, max(found if last_data is None else [*found, last_data])


def _last_data(flow: Flow, client: int) -> tuple[int, int] | None:
    """Return frame and time of the last new bytes of the client."""
    frame, time = flow.data_frames[client], flow.data_times[client]
    return None if frame is None or time is None else (frame, time)


def _closed(flow: Flow) -> str | None:
    if flow.reset_frame is not None:
        return "rst"
    return "fin" if any(flow.fin_frames) else None

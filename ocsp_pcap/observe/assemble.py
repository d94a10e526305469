"""From what captures showed to facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from ocsp_pcap.facts import (
    AlertFact,
    CaptureFact,
    CertificateFact,
    CrlFetchFact,
    ExchangeFrames,
    Facts,
    HandshakeFact,
    HandshakeFrames,
    OcspExchangeFact,
    ResponseFact,
    Side,
    TcpAttemptFact,
)
from ocsp_pcap.observe.ambiguity import Disagreements
from ocsp_pcap.observe.capture import Observation
from ocsp_pcap.observe.captures import capture_fact
from ocsp_pcap.observe.responders import ResponderTraffic
from ocsp_pcap.observe.tcp_stream import TcpStream
from ocsp_pcap.observe.udp_stream import UdpStream
from ocsp_pcap.ocsp.exchange import CrlFetch, OcspExchange, Outline, RefusedTunnel
from ocsp_pcap.ocsp.model import OcspResponse
from ocsp_pcap.pki.cert_id import key_hash, name_hash
from ocsp_pcap.pki.model import ParsedCertificate
from ocsp_pcap.spoken.conversation import Conversation, Found, Tunnel
from ocsp_pcap.spoken.handshakes import Handshake
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.flow import Flow
from ocsp_pcap.tls.fingerprint import hello_fingerprint
from ocsp_pcap.tls.names import (
    alert_description_name,
    alert_level_name,
    cipher_suite_name,
    version_name,
)

_SentFact: TypeAlias = OcspExchangeFact | CrlFetchFact | TcpAttemptFact


class _Peers(NamedTuple):
    """Who speaks on a TCP connection, and who ended it first."""

    client: str
    client_port: int
    server: str
    server_port: int
    closed_by: Side | None
    closed_time: int | None
    client_ttl: int | None

    @classmethod
    def of(cls, flow: Flow, client: int) -> _Peers:
        """Return the peers of a connection, of which ``client`` is the client's direction."""
        ends, by = flow.endpoints, flow.ended_by
        pair = ((ends.address_0, ends.port_0), (ends.address_1, ends.port_1))
        return cls(
            *pair[client],
            *pair[1 - client],
            None if by is None else "client" if by == client else "server",
            None if by is None else flow.end_time,
            flow.hop_limits[client],
        )


class FactAssembler:
    """Puts the observations of one or several captures into facts; call :meth:`facts` once."""

    def __init__(self, shared: Shared, hosts: Sequence[str] = ()) -> None:
        self._shared = shared
        self._hosts = hosts
        self._algorithms: dict[str, None] = {"sha1": None}
        self._responses: dict[str, ResponseFact] = {}

    def facts(self, observations: Sequence[Observation]) -> Facts:
        """Return all facts, each kind in the order of capture and time."""
        handshakes: list[HandshakeFact] = []
        exchanges: list[tuple[OcspExchangeFact, bool]] = []
        crl_fetches: list[CrlFetchFact] = []
        refused: list[TcpAttemptFact] = []
        disagreements = [Disagreements(observation) for observation in observations]
        for observation, disagreement in zip(observations, disagreements, strict=True):
            handshakes += disagreement.marked(
                sorted(
                    (*self._tcp_handshakes(observation), *self._udp_handshakes(observation)),
                    key=lambda handshake: (handshake.time, handshake.stream),
                )
            )
            of_capture = list(self._exchanges(observation))
            facts = disagreement.marked([fact for fact, _ in of_capture])
            for fact, (_, doubtful) in zip(facts, of_capture, strict=True):
                if isinstance(fact, OcspExchangeFact):
                    exchanges.append((fact, doubtful))
                elif isinstance(fact, TcpAttemptFact):
                    refused.append(fact)
                else:
                    crl_fetches.append(fact)
        known = {certificate.sha256: certificate for certificate in self._shared.store}
        shown = (sha256 for h in handshakes for sha256 in (*h.certificates, *h.client_certificates))
        order = dict.fromkeys((*shown, *sorted(known)))
        certificates = {sha256: self._certificate(known[sha256]) for sha256 in order if sha256 in known}
        sure = [fact for fact, doubtful in exchanges if not doubtful]
        traffic = ResponderTraffic(certificates.values(), sure, crl_fetches, self._hosts)
        captures: list[CaptureFact] = []
        attempts: list[TcpAttemptFact] = []
        lookups = [fact for observation in observations for fact in traffic.lookups(observation)]
        ocsp_exchanges = [
            fact for fact, doubtful in exchanges if not doubtful or traffic.asks_responder(fact)
        ]
        for observation, disagreement in zip(observations, disagreements, strict=True):
            tried = traffic.attempts(observation)
            tunnels = [
                fact for fact in refused if fact.capture == observation.name and traffic.matters(fact.host)
            ]
            attempts += (
                sorted((*tried.values(), *tunnels), key=attrgetter("time")) if tunnels else tried.values()
            )
            tcp_streams = {s.number for s in observation.tcp.finished if _is_told(s.conversation)}
            tcp_streams |= tried.keys()
            udp_streams = {stream.number for stream in observation.udp.finished}
            whole = capture_fact(observation, tcp_streams, udp_streams)
            captures.append(replace(whole, ambiguous_streams=disagreement.left()))
        return Facts(
            captures=tuple(captures),
            certificates=certificates,
            handshakes=tuple(handshakes),
            ocsp_exchanges=tuple(ocsp_exchanges),
            crl_fetches=tuple(crl_fetches),
            dns_lookups=tuple(lookups),
            tcp_attempts=tuple(attempts),
        )

    def _tcp_handshakes(self, observation: Observation) -> Iterator[HandshakeFact]:
        # Of several possible issuers the first counts, and that is not to hang on which stream ended first.
        streams = sorted(observation.tcp.finished, key=attrgetter("number"))
        flows = observation.tcp.flows.flows([stream.number for stream in streams])
        for stream, flow in zip(streams, flows, strict=True):
            yield from self._conversation_handshakes(observation, stream, flow, stream.conversation, None)

    def _conversation_handshakes(
        self,
        observation: Observation,
        stream: TcpStream,
        flow: Flow,
        conversation: Conversation,
        outer_client: int | None,
    ) -> Iterator[HandshakeFact]:
        client = conversation.client if outer_client is None else outer_client
        if conversation.tracker is not None:
            # Inside decrypted data, directions are told from the outer client's point of view.
            side = client ^ int(conversation.swapped) if outer_client is None else client
            # What was observed goes as its fact is made: of all streams, both take twice the memory.
            handshakes, conversation.tracker.handshakes = conversation.tracker.handshakes, []
            for number, handshake in enumerate(handshakes):
                last = number == len(handshakes) - 1
                yield self._handshake(
                    observation, stream, flow, side, handshake, conversation.tunnel, last=last
                )
        if conversation.inner is not None:
            yield from self._conversation_handshakes(observation, stream, flow, conversation.inner, client)

    def _handshake(
        self,
        observation: Observation,
        stream: TcpStream,
        flow: Flow,
        client: int,
        handshake: Handshake,
        tunnel: Tunnel | None,
        *,
        last: bool,
    ) -> HandshakeFact:
        ends = flow.endpoints
        addresses, ports = (ends.address_0, ends.address_1), (ends.port_0, ends.port_1)
        one_sided = flow.one_sided or 0 in flow.payload_packets
        closed = _closed(flow) if last else None
        peers = _Peers.of(flow, client)
        return self._handshake_fact(
            observation.name,
            observation.tcp_stream(stream.number),
            "tcp",
            handshake,
            (addresses[client], ports[client]),
            (addresses[1 - client], ports[1 - client]),
            tunnel=tunnel,
            one_sided=one_sided,
            started_mid_stream=stream.started_mid_stream,
            closed=closed,
            frames_before=stream.frames_before,
            end=(peers.closed_by, peers.closed_time) if last else (None, None),
            last_data=_last_data(flow, client) if last and not handshake.decrypted else None,
            client_ttl=peers.client_ttl,
        )

    def _udp_handshakes(self, observation: Observation) -> Iterator[HandshakeFact]:
        streams = sorted(observation.udp.finished, key=attrgetter("number"))
        flows = observation.udp.flows.flows([stream.number for stream in streams])
        for stream, flow in zip(streams, flows, strict=True):
            yield from self._udp_stream(observation, stream, flow)

    def _udp_stream(self, observation: Observation, stream: UdpStream, flow: Flow) -> Iterator[HandshakeFact]:
        ends = flow.endpoints
        client, server = (ends.address_0, ends.port_0), (ends.address_1, ends.port_1)
        if stream.client:
            client, server = server, client
        for handshake in stream.tracker.handshakes:
            yield self._handshake_fact(
                observation.name,
                observation.udp_stream(stream.number),
                "udp",
                handshake,
                client,
                server,
                tunnel=None,
                one_sided=0 in flow.packets,
                started_mid_stream=handshake.client_hello is None,
                closed=None,
                frames_before=stream.frames_before,
                client_ttl=flow.hop_limits[1 if stream.client else 0],
            )

    def _handshake_fact(
        self,
        capture: str,
        number: int,
        transport: str,
        handshake: Handshake,
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
        hello, answer = handshake.client_hello, handshake.server_hello
        version = handshake.version
        alpn = (handshake.alpn,) if handshake.alpn else hello.alpn if hello is not None else ()
        offered = hello is not None and bool(hello.session_id or hello.session_ticket or hello.psk_identities)
        resumption, complete = handshake.resumption, handshake.complete
        store = self._shared.store
        return HandshakeFact(
            capture=capture,
            stream=number,
            transport="tcp" if transport == "tcp" else "udp",
            time=handshake.time,
            frames=HandshakeFrames(
                client_hello=_moved(handshake.client_hello_frame, frames_before),
                server_hello=_moved(answer.frame, frames_before) if answer is not None else None,
                certificate=_moved(handshake.certificate_frame, frames_before),
                certificate_status=_moved(handshake.staple_frame, frames_before),
                finished=_moved(handshake.finished_frame, frames_before),
                client_finished=_moved(handshake.client_finished, frames_before),
            ),
            client=client[0],
            server=server[0],
            sni=hello.server_name if hello is not None else None,
            connect_host=tunnel.host if tunnel is not None else None,
            alpn=alpn,
            version=version_name(version) if version is not None else None,
            cipher=cipher_suite_name(answer.cipher_suite) if answer is not None else None,
            resumed=resumption is not None,
            status_request=hello is not None and hello.status_request,
            client_random=hello.random.hex() if hello is not None and hello.random else None,
            server_random=answer.random.hex() if answer is not None and version is not None else None,
            certificates=tuple([store.add(der).sha256 for der in handshake.certificates]),
            staples=tuple([self._response(self._shared.responses.parse(der)) for der in handshake.staples]),
            client_certificates=tuple([store.add(der).sha256 for der in handshake.client_certificates]),
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
            server_port=server[1],
            connect_frame=_moved(tunnel.frame, frames_before) if tunnel is not None else None,
            connect_port=tunnel.port if tunnel is not None else None,
            connect_status=tunnel.status if tunnel is not None else None,
            connect_via=tunnel is not None and tunnel.via,
            tunnel=tunnel.kind if tunnel is not None else None,
            resumption=resumption,
            offered_resumption=offered,
            encrypted_client_hello=hello is not None and hello.encrypted_client_hello,
            client_hello_cut=hello is not None and not hello.complete,
            missing_bytes=handshake.missing_bytes,
            one_sided=one_sided,
            started_mid_stream=started_mid_stream,
            end_time=handshake.last_time,
            application_data=handshake.application_data_frame is not None,
            closed="rst" if closed == "rst" else "fin" if closed == "fin" else None,
            early_end=closed is not None and not complete and handshake.application_data_frame is None,
            application_data_frame=_moved(handshake.application_data_frame, frames_before),
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
            hello_fingerprint=hello_fingerprint(hello) if hello is not None else None,
        )

    def _exchanges(self, observation: Observation) -> Iterator[tuple[_SentFact, bool]]:
        """Yield each exchange, and whether it counts only where the host asked is a responder."""
        found: list[tuple[TcpStream, Found, int]] = []
        for stream in observation.tcp.finished:
            found += [(stream, item, item.client) for item in stream.conversation.exchanges]
            inner = stream.conversation.inner
            while inner is not None:
                outer = stream.conversation.client
                found += [(stream, item, outer) for item in inner.exchanges]
                inner = inner.inner
        found.sort(key=lambda item: (item[1].exchange.moment, item[0].number))
        flows = observation.tcp.flows.flows([stream.number for stream, _, _ in found])
        for (stream, item, client), flow in zip(found, flows, strict=True):
            if isinstance(item.exchange, OcspExchange):
                fact = self._ocsp_exchange(
                    observation, stream, item.exchange, _Peers.of(flow, client), item.encrypted
                )
                yield fact, item.exchange.doubtful
            elif isinstance(item.exchange, RefusedTunnel):
                yield _refused_tunnel(observation, stream, item.exchange, flow, client), False
            else:
                yield _crl_fetch(observation, stream, item.exchange, _Peers.of(flow, client)), False

    def _ocsp_exchange(
        self,
        observation: Observation,
        stream: TcpStream,
        exchange: OcspExchange,
        peers: _Peers,
        encrypted: bool,
    ) -> OcspExchangeFact:
        http = exchange.http
        for cert_id in exchange.requests:
            self._algorithms[cert_id.hash_algorithm] = None
        return OcspExchangeFact(
            capture=observation.name,
            stream=observation.tcp_stream(stream.number),
            time=http.time,
            frames=_exchange_frames(http, stream.frames_before),
            client=peers.client,
            server=peers.server,
            method=http.method,
            url=http.url,
            via_proxy=http.via_proxy,
            requests=exchange.requests,
            nonce=exchange.nonce,
            http_status=http.http_status,
            response=self._response(exchange.response) if exchange.response is not None else None,
            client_port=peers.client_port,
            server_port=peers.server_port,
            response_time=http.response_time,
            request_error=exchange.request_error,
            content_type=http.content_type,
            location=http.location,
            max_age=http.max_age,
            missing_bytes=http.missing_bytes,
            closed=http.closed,
            decrypted=encrypted,
            expires=http.expires if http.max_age is None else None,
            relayed_for=http.relayed_for,
            answered_by=http.answered_by,
            date=http.date,
            user_agent=http.user_agent,
            closed_by=peers.closed_by,
            closed_time=peers.closed_time,
            client_ttl=peers.client_ttl,
            unread_request=exchange.unread,
        )

    def _response(self, response: OcspResponse) -> ResponseFact:
        known = self._responses.get(response.sha256)
        if known is not None:
            return known
        verification = self._shared.responses.verify(response)
        singles = response.singles
        self._algorithms.update((single.hash_algorithm, None) for single in singles)
        fact = ResponseFact(
            response_status=response.response_status,
            responder_id=response.responder_id,
            produced_at=response.produced_at,
            hash_algorithm=singles[0].hash_algorithm if singles else None,
            signature=verification.state,
            signer=verification.signer,
            singles=singles,
            parse_error=response.parse_error,
            sha256=response.sha256,
            signature_note=verification.note or None,
            signer_not_after=verification.signer_not_after,
            nonce=response.nonce,
        )
        self._responses[response.sha256] = fact
        return fact

    def _certificate(self, certificate: ParsedCertificate) -> CertificateFact:
        issuer = self._shared.store.issuer(certificate)
        return CertificateFact(
            sha256=certificate.sha256,
            subject=certificate.subject,
            issuer=certificate.issuer,
            serial=certificate.serial,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            sans=certificate.sans,
            ocsp_urls=certificate.ocsp_urls,
            crl_urls=certificate.crl_urls,
            must_staple=certificate.must_staple,
            is_ca=certificate.is_ca,
            self_signed=certificate.self_signed,
            parse_error=certificate.parse_error,
            issuer_name_hashes=_hashes(
                self._algorithms, lambda algorithm: name_hash(certificate.issuer_der, algorithm)
            ),
            issuer_key_hashes=()
            if issuer is None
            else _hashes(self._algorithms, lambda algorithm: key_hash(issuer, algorithm)),
            authority_key_id=certificate.authority_key_id,
            subject_key_id=certificate.subject_key_id,
            issuer_sha256=issuer.sha256 if issuer is not None else None,
            no_check=certificate.no_check,
            ca_issuers_urls=certificate.ca_issuers_urls,
            scts=certificate.scts,
            public_key_sha256=sha256(certificate.key_info_der).hexdigest()
            if certificate.key_info_der
            else None,
        )


def _hashes(algorithms: Iterable[str], digest: Callable[[str], str | None]) -> tuple[tuple[str, str], ...]:
    found = ((algorithm, digest(algorithm)) for algorithm in algorithms)
    return tuple((algorithm, value) for algorithm, value in found if value is not None)


def _moved(frame: int | None, frames_before: int) -> int | None:
    """Count a frame through all files of a capture."""
    return None if frame is None else frame + frames_before


def _client_data(
    handshake: Handshake, frames_before: int, last_data: tuple[int, int] | None
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return frame and time of the first and of the last application data of the client."""
    if handshake.client_data is None:
        return None
    first = handshake.client_data[0] + frames_before, handshake.client_data[1]
    last = handshake.client_data_last or handshake.client_data
    found = [first, (last[0] + frames_before, last[1])]
    return first, max(found if last_data is None else [*found, last_data])


def _last_data(flow: Flow, client: int) -> tuple[int, int] | None:
    """Return frame and time of the last new bytes of the client."""
    frame, time = flow.data_frames[client], flow.data_times[client]
    return None if frame is None or time is None else (frame, time)


def _exchange_frames(http: Outline, frames_before: int) -> ExchangeFrames:
    request, response = http.request_frame, http.response_frame
    return ExchangeFrames(_moved(request, frames_before), _moved(response, frames_before))


def _closed(flow: Flow) -> str | None:
    if flow.reset_frame is not None:
        return "rst"
    return "fin" if any(flow.fin_frames) else None


def _is_told(conversation: Conversation) -> bool:
    """Tell whether facts speak of a connection, refused tunnels aside."""
    if conversation.tracker is not None:
        return True
    return not all(isinstance(found.exchange, RefusedTunnel) for found in conversation.exchanges)


def _refused_tunnel(
    observation: Observation, stream: TcpStream, tunnel: RefusedTunnel, flow: Flow, client: int
) -> TcpAttemptFact:
    peers = _Peers.of(flow, client)
    was_reset = flow.reset_frame is not None and flow.reset_direction != client
    return TcpAttemptFact(
        capture=observation.name,
        stream=observation.tcp_stream(stream.number),
        time=tunnel.time,
        frames=ExchangeFrames(
            _moved(tunnel.request_frame, stream.frames_before),
            _moved(tunnel.response_frame, stream.frames_before),
        ),
        client=peers.client,
        server=peers.server,
        outcome="refused" if tunnel.status is not None else "reset" if was_reset else "unanswered",
        client_port=peers.client_port,
        server_port=peers.server_port,
        client_ttl=peers.client_ttl,
        tunnel=tunnel.kind,
        host=tunnel.host,
        port=tunnel.port,
        status=tunnel.status,
    )


def _crl_fetch(
    observation: Observation,
    stream: TcpStream,
    fetch: CrlFetch,
    peers: _Peers,
) -> CrlFetchFact:
    http, crl = fetch.http, fetch.crl
    return CrlFetchFact(
        capture=observation.name,
        stream=observation.tcp_stream(stream.number),
        time=http.time,
        frames=_exchange_frames(http, stream.frames_before),
        client=peers.client,
        server=peers.server,
        via_proxy=http.via_proxy,
        url=http.url,
        http_status=http.http_status,
        issuer=crl.issuer if crl is not None else None,
        this_update=crl.this_update if crl is not None else None,
        next_update=crl.next_update if crl is not None else None,
        client_port=peers.client_port,
        server_port=peers.server_port,
        revoked_serials=crl.entries if crl is not None else None,
        parse_error=crl.parse_error if crl is not None else None,
        relayed_for=http.relayed_for,
        answered_by=http.answered_by,
        date=http.date,
        user_agent=http.user_agent,
        closed_by=peers.closed_by,
        closed_time=peers.closed_time,
        client_ttl=peers.client_ttl,
    )

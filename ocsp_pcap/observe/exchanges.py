"""Facts of OCSP exchanges, fetched lists and refused tunnels, and who speaks on their connections."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from ocsp_pcap.facts import CrlFetchFact, ExchangeFrames, OcspExchangeFact, ResponseFact, Side, TcpAttemptFact
from ocsp_pcap.observe.capture import Observation
from ocsp_pcap.observe.finished import FinishedStream
from ocsp_pcap.ocsp.exchange import CrlFetch, OcspExchange, Outline, RefusedTunnel
from ocsp_pcap.spoken.seen import Found
from ocsp_pcap.streams.flow import Flow

Sent: TypeAlias = tuple[FinishedStream, Found, int]
"""An exchange, the stream that it was seen on, and the direction of its client."""


class Peers(NamedTuple):
    """Who speaks on a TCP connection, and who ended it first."""

    client: str
    client_port: int
    server: str
    server_port: int
    closed_by: Side | None
    closed_time: int | None
    client_ttl: int | None

    @classmethod
    def of(cls, flow: Flow, client: int) -> Peers:
        """Return the peers of a connection, of which ``client`` is the client's direction."""
        ends, by = flow.endpoints, flow.ended_by
        pair = ((ends.address_0, ends.port_0), (ends.address_1, ends.port_1))
        return cls(
            *pair[client],
            *pair[1 - client],
            None if by is None else "client" if by == client else "server",
            None if by is None else flow.end_time,
            flow.hop_limits[client] or None,
        )


def exchanges_sent(observation: Observation) -> list[Sent]:
    """Return the exchanges of a capture in the order of time."""
    found: list[Sent] = []
    for stream in observation.tcp.streams.finished.others:
        spoken = stream.spoken
        if spoken.exchanges:
            found += [(stream, item, item.client) for item in spoken.exchanges]
        inner = spoken.inner
        while inner is not None:
            found += [(stream, item, spoken.client) for item in inner.exchanges]
            inner = inner.inner
    found.sort(key=lambda item: (item[1].exchange.moment, item[0].number))
    return found


def moved(frame: int | None, frames_before: int) -> int | None:
    """Count a frame through all files of a capture."""
    # A sum would be another number in memory.
    return frame if frame is None or not frames_before else frame + frames_before


def _exchange_frames(http: Outline, frames_before: int) -> ExchangeFrames:
    """Return the frames of a request and of its response, counted through all files of a capture."""
    request, response = http.request_frame, http.response_frame
    return ExchangeFrames(moved(request, frames_before), moved(response, frames_before))


def ocsp_exchange(
    observation: Observation,
    stream: FinishedStream,
    exchange: OcspExchange,
    peers: Peers,
    response: ResponseFact | None,
    *,
    decrypted: bool,
) -> OcspExchangeFact:
    """Return the fact of an OCSP request and its response (RFC 6960, Appendix A)."""
    http = exchange.http
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
        response=response,
        client_port=peers.client_port,
        server_port=peers.server_port,
        response_time=http.response_time,
        request_error=exchange.request_error,
        content_type=http.content_type,
        location=http.location,
        max_age=http.max_age,
        missing_bytes=http.missing_bytes,
        closed=http.closed,
        decrypted=decrypted,
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


def refused_tunnel(
    observation: Observation, stream: FinishedStream, tunnel: RefusedTunnel, flow: Flow, client: int
) -> TcpAttemptFact:
    """Return the fact of a tunnel that was asked for and not opened."""
    peers = Peers.of(flow, client)
    was_reset = flow.reset_frame and flow.reset_direction != client
    return TcpAttemptFact(
        capture=observation.name,
        stream=observation.tcp_stream(stream.number),
        time=tunnel.time,
        frames=ExchangeFrames(
            moved(tunnel.request_frame, stream.frames_before),
            moved(tunnel.response_frame, stream.frames_before),
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


def crl_fetch(
    observation: Observation,
    stream: FinishedStream,
    fetch: CrlFetch,
    peers: Peers,
) -> CrlFetchFact:
    """Return the fact of a fetched certificate revocation list (RFC 5280, Section 5)."""
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

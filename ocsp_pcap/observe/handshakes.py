"""Facts of TLS handshakes: what was seen of each, and what its connection came to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.facts import AlertFact, HandshakeFact, HandshakeFrames, ResponseFact, Side, Transport
from ocsp_pcap.facts.alike import Alike, Pattern, patterns
from ocsp_pcap.facts.lines import line_of
from ocsp_pcap.facts.unheld import Unheld
from ocsp_pcap.observe.ambiguity import Disagreements
from ocsp_pcap.observe.capture import Observation
from ocsp_pcap.observe.documents import Documents
from ocsp_pcap.observe.exchanges import moved
from ocsp_pcap.observe.finished import FinishedStream, FinishedStreams
from ocsp_pcap.spoken.seen import SeenAlert, SeenHandshake, Traits, Tunnel
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.distinct import among
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.tls.names import alert_description_name, alert_level_name

_Numbers: TypeAlias = NDArray[np.int64]
_Row: TypeAlias = tuple[int, int, bool, bool, Tunnel | None, SeenHandshake]
"""Stream, direction of the client, whether it started in the middle, and whether nothing comes behind."""
_NOWHERE: Final = (None, None)
_SHARED: Final = attrgetter("kind", "host", "port", "status", "via")
"""Of tunnels."""
_CLOSED: Final[tuple[Literal["fin", "rst"] | None, ...]] = (None, "fin", "rst")
_CLOSERS: Final[tuple[Side | None, ...]] = (None, "client", "server")


class _Kind(NamedTuple):
    """What streams may have in common."""

    closed: int
    """Its place in ``_CLOSED``."""
    closed_by: int
    """Its place in ``_CLOSERS``."""
    one_sided: bool
    hop_limit: int
    server_port: int


@dataclass(slots=True, eq=False)
class _Source:
    """The TCP or the UDP streams of a capture."""

    capture: str
    transport: Transport
    finished: FinishedStreams
    flows: FlowTable
    shown_as: Callable[[_Numbers], _Numbers]
    """Makes of numbers of streams those that Wireshark shows."""
    known: dict[Hashable, Pattern[HandshakeFact]] = field(default_factory=dict)

    @property
    def doubted(self) -> NDArray[np.bool_]:
        """Tell which of those that are packed may be disputed: packets disagree about their stream."""
        ambiguous = [stream.number for stream in self.finished.others if stream.ambiguous]
        return among(self.finished.numbers, np.array(ambiguous, np.int64))


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

    def of(self, observation: Observation, disagreements: Disagreements) -> Sequence[HandshakeFact]:
        """Return the handshakes of a capture in the order of time.

        Most are made when somebody goes through them: what was observed of them takes less memory.
        """
        tcp, udp, name = observation.tcp, observation.udp, observation.name
        sources = (
            _Source(name, "tcp", tcp.streams.finished, tcp.flows, observation.tcp_streams),
            _Source(name, "udp", udp.finished, udp.flows, observation.udp_streams),
        )
        packed = [np.flatnonzero(~source.doubted) for source in sources]
        made = [fact for source in sources for fact in self._learned(source)]
        made = disagreements.marked(sorted(made, key=attrgetter("time", "stream")))
        streams = [np.array([fact.stream for fact in made], np.int64)]
        begun = [np.array([fact.time for fact in made], np.int64)]
        for source, some in zip(sources, packed, strict=True):
            streams.append(source.shown_as(source.finished.numbers[some]))
            begun.append(source.finished.times[some])
        places = np.concatenate([-1 - np.arange(len(made)), packed[0] * 2, packed[1] * 2 + 1])
        """Counted from -1 downwards, of those that are made; twice those in their source, 1 added for UDP."""
        places = places[np.lexsort((np.concatenate(streams), np.concatenate(begun)))]
        self._note_certificates(
            made[~place] if place < 0 else sources[place & 1].finished.traits[place >> 1]
            for place in places.tolist()
        )

        def make(some: _Numbers, *, lines: bool) -> Iterator[Any]:
            wanted = some.tolist()
            fresh = []
            for own, source in enumerate(sources):
                streams = [source.finished.packed(at >> 1) for at in wanted if at >= 0 and at & 1 == own]
                fresh.append(self._alike(source, streams).items(lines=lines))
            told = line_of if lines else lambda fact: fact
            return (told(made[~place]) if place < 0 else next(fresh[place & 1]) for place in wanted)

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
        """Learn what streams showed, and return the handshakes of those that are not packed, or doubted."""
        # Of several possible issuers the first counts, and that is not to hang on which stream ended first.
        finished = source.finished
        first: dict[int, tuple[int, Traits]] = {}
        for number, traits in zip(finished.numbers.tolist(), finished.traits, strict=True):
            known = first.get(id(traits))
            if known is None or number < known[0]:
                first[id(traits)] = number, traits
        streams = [*finished.others, *map(finished.packed, np.flatnonzero(source.doubted).tolist())]
        streams.sort(key=attrgetter("number"))
        shown = [*first.values()]
        shown += ((stream.number, row[-1].traits) for stream in streams for row in _rows(stream))
        for _, traits in sorted(shown, key=itemgetter(0)):
            self._chain(traits.certificates)
            self._staples(traits.staples)
            self._chain(traits.client_certificates)
        return self._alike(source, streams).facts()

    def _alike(self, source: _Source, streams: Iterable[FinishedStream]) -> Alike[HandshakeFact]:
        """Return the handshakes of streams."""
        rows = [row for stream in streams for row in _rows(stream)]
        if not rows:
            return Alike([], {})
        numbers, sides, middle, last, tunnels, handshakes = zip(*rows, strict=True)
        shown = dict(zip(SeenHandshake._fields, zip(*handshakes, strict=True), strict=True))
        number, every = np.array(numbers, np.int64), np.arange(len(rows))
        client, server = (every, np.array(sides)), (every, 1 - np.array(sides))
        flows, (addresses, ports) = source.flows.columns(number), source.flows.ends(number)
        unheard = flows["payload_packets" if source.transport == "tcp" else "packets"] == 0
        ended_by = np.where(last, flows.ended_by, -1)
        closed_by = np.where(ended_by < 0, 0, np.where(ended_by == client[1], 1, 2))
        closed = np.where(flows["reset_frame"] != 0, 2, (flows["fin_frame"] != 0).any(axis=1))
        one_sided = flows.one_sided | unheard.any(axis=1)
        shared = (np.where(last, closed, 0), closed_by, one_sided, flows["hop_limit"][client], ports[server])
        kinds = list(map(_Kind, *(column.tolist() for column in shared)))
        # Without keys, the connection has where the last of it is.
        hidden = last & np.array([not handshake.traits.decrypted for handshake in handshakes])
        ends = (flows[name][client] * hidden for name in ("data_frame", "data_time"))
        on_wire = zip(*(column.tolist() for column in ends), strict=True)
        first = [place or _NOWHERE for place in shown["client_data"]]
        latest = [
            place if place is _NOWHERE else max(place, other or place, there)
            for place, other, there in zip(first, shown["client_data_last"], on_wire, strict=True)
        ]

        def pattern(place: int) -> HandshakeFact:
            return self._pattern(source, kinds[place], middle[place], tunnels[place], handshakes[place])

        end_times = flows["end_time"].tolist()
        # Traits are the same object wherever they are equal, and stay while their streams do.
        ways = (tunnel and _SHARED(tunnel) for tunnel in tunnels)
        keys = (
            (id(seen.traits), seen.application_data_frame is None, seen.alerts, *key)
            for seen, *key in zip(handshakes, middle, ways, kinds, strict=True)
        )
        own = {
            "stream": source.shown_as(number).tolist(),
            "time": shown["time"],
            "frames.client_hello": shown["client_hello_frame"],
            "frames.server_hello": shown["server_hello_frame"],
            "frames.certificate": shown["certificate_frame"],
            "frames.certificate_status": shown["staple_frame"],
            "frames.finished": shown["finished_frame"],
            "frames.client_finished": shown["client_finished"],
            "client": addresses[client].tolist(),
            "server": addresses[server].tolist(),
            "client_random": [each and each.hex() for each in shown["client_random"]],
            "server_random": [each and each.hex() for each in shown["server_random"]],
            "client_port": ports[client].tolist(),
            "connect_frame": [tunnel and tunnel.frame for tunnel in tunnels],
            "end_time": shown["last_time"],
            "application_data_frame": shown["application_data_frame"],
            "application_data_time": shown["application_data_time"],
            "client_data_time": [time for _, time in first],
            "client_data_frame": [frame for frame, _ in first],
            "client_data_last_time": [time for _, time in latest],
            "client_data_last_frame": [frame for frame, _ in latest],
            "server_data_time": shown["server_data_time"],
            "closed_time": [
                time if kind.closed_by else None for time, kind in zip(end_times, kinds, strict=True)
            ],
        }
        return Alike(patterns(keys, pattern, source.known), own)

    def _pattern(
        self,
        source: _Source,
        kind: _Kind,
        started_mid_stream: bool,
        tunnel: Tunnel | None,
        handshake: SeenHandshake,
    ) -> HandshakeFact:
        """Return what handshakes share that are alike in all this."""
        traits, has_data = handshake.traits, handshake.application_data_frame is not None
        closed = _CLOSED[kind.closed]
        return HandshakeFact(
            capture=source.capture,
            stream=0,
            transport=source.transport,
            time=0,
            frames=HandshakeFrames(),
            client="",
            server="",
            sni=traits.sni,
            connect_host=tunnel.host if tunnel is not None else None,
            alpn=traits.alpn,
            version=traits.version,
            cipher=traits.cipher,
            resumed=traits.resumption is not None,
            status_request=traits.status_request,
            client_random=None,
            server_random=None,
            certificates=self._chain(traits.certificates),
            staples=self._staples(traits.staples),
            client_certificates=self._chain(traits.client_certificates),
            certificate_encrypted=traits.certificate_encrypted,
            decrypted=traits.decrypted,
            complete=traits.complete,
            alerts=tuple(map(_alert, handshake.alerts)),
            server_port=kind.server_port,
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
            one_sided=kind.one_sided,
            started_mid_stream=started_mid_stream
            if source.transport == "tcp"
            else not traits.has_client_hello,
            application_data=has_data,
            closed=closed,
            early_end=closed is not None and not traits.complete and not has_data,
            closed_by=_CLOSERS[kind.closed_by],
            server_hello_cut=traits.server_hello_cut,
            psk_with_certificate=traits.psk_with_certificate,
            external_psk=traits.external_psk,
            client_ttl=kind.hop_limit or None,
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


def _rows(stream: FinishedStream) -> Iterator[_Row]:
    """Yield the handshakes of a stream, those inside decrypted data, too."""
    spoken, before, middle = stream.spoken, stream.frames_before, stream.started_mid_stream
    client, inside = spoken.client ^ spoken.swapped, spoken
    while True:
        tunnel, left = inside.tunnel, len(inside.handshakes or ())
        if before and tunnel is not None:
            tunnel = tunnel._replace(frame=moved(tunnel.frame, before))
        for handshake in inside.handshakes or ():
            left -= 1
            yield stream.number, client, middle, not left, tunnel, handshake.counted_behind(before)
        if inside.inner is None:
            return
        # Inside decrypted data, directions are named from the outer client's point of view.
        inside, client = inside.inner, spoken.client


def _alert(alert: SeenAlert) -> AlertFact:
    frame, from_client, level, description = alert
    return AlertFact(
        frame=frame,
        sender="client" if from_client else "server",
        level=None if level is None else alert_level_name(level),
        description=None if description is None else alert_description_name(description),
    )

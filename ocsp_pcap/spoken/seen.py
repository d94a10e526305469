"""What is kept of a connection that is over: of each handshake what its fact will say, and no message.

A run holds one such record for each handshake until all captures are read, so it is small: what is its own
are numbers and two randoms; of its traits (names, versions, chains, staples) one copy does for all handshakes
that have the same.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from ocsp_pcap.ocsp.exchange import Exchange
from ocsp_pcap.spoken.handshakes import Handshake
from ocsp_pcap.tls.fingerprint import hello_fingerprint
from ocsp_pcap.tls.names import cipher_suite_name, version_name

Value = TypeVar("Value", bytes, tuple[bytes, ...], tuple[str, ...], str, "Traits")
SeenAlert: TypeAlias = tuple[int, bool, int | None, int | None]
"""Frame, whether the client sent it, level and description."""


class Same(Protocol):
    """Gives one copy for all values that are equal."""

    def __call__(self, value: Value, /) -> Value:
        """Return the value that was given first of those equal to this one."""


class Traits(NamedTuple):
    """What a handshake may have in common with others between the same hosts."""

    sni: str | None
    alpn: tuple[str, ...]
    version: str | None
    cipher: str | None
    status_request: bool
    certificates: tuple[bytes, ...]
    staples: tuple[bytes, ...]
    client_certificates: tuple[bytes, ...]
    certificate_encrypted: bool
    decrypted: bool
    complete: bool
    resumption: Literal["session-id", "ticket", "psk"] | None
    offered_resumption: bool
    encrypted_client_hello: bool
    has_client_hello: bool
    client_hello_cut: bool
    server_hello_cut: bool
    missing_bytes: int
    given_up: str | None
    psk_with_certificate: bool
    external_psk: bool
    hello_fingerprint: str | None

    def made_of(self, same: Same) -> Traits:
        """Return the same, made of the one copy that there is of each text and document."""
        return self._replace(
            sni=None if self.sni is None else same(self.sni),
            alpn=same(self.alpn),
            certificates=_shared(self.certificates, same),
            staples=_shared(self.staples, same),
            client_certificates=_shared(self.client_certificates, same),
        )


class SeenHandshake(NamedTuple):
    """A handshake; frames and times are those of the file in which it was read."""

    time: int
    last_time: int
    client_hello_frame: int | None
    server_hello_frame: int | None
    certificate_frame: int | None
    staple_frame: int | None
    finished_frame: int | None
    client_finished: int | None
    client_random: bytes | None
    server_random: bytes | None
    alerts: tuple[SeenAlert, ...]
    application_data_frame: int | None
    application_data_time: int | None
    server_data_time: int | None
    client_data: tuple[int, int] | None
    """Frame and time of the first application data of the client."""
    client_data_last: tuple[int, int] | None
    traits: Traits

    @property
    def is_unanswered(self) -> bool:
        """Nothing of it is in the capture but ClientHellos."""
        answered = self.server_hello_frame is not None or self.traits.certificates or self.alerts
        return self.traits.has_client_hello and not answered

    def counted_behind(self, frames: int) -> SeenHandshake:
        """Return the same where so many frames of other files come before those of its file."""
        if not frames:
            return self
        moved: dict[str, Any] = {
            name: None if (frame := getattr(self, name)) is None else frame + frames for name in _FRAMES
        }
        for name in ("client_data", "client_data_last"):
            place: tuple[int, int] | None = getattr(self, name)
            moved[name] = None if place is None else (place[0] + frames, place[1])
        alerts = tuple([(alert[0] + frames, *alert[1:]) for alert in self.alerts])
        return self._replace(alerts=alerts, **moved)


_FRAMES: Final = tuple(
    name for name in SeenHandshake._fields if name.endswith("_frame") or name == "client_finished"
)


class Tunnel(NamedTuple):
    """The prefix that a handshake travels behind."""

    kind: str
    """connect, socks, proxy-protocol or starttls."""
    host: str | None = None
    port: int | None = None
    frame: int | None = None
    status: int | None = None
    via: bool = False
    """The request bore Via or X-Forwarded-For."""


class Found(NamedTuple):
    """An OCSP exchange or CRL download, and the direction in which its client sent."""

    exchange: Exchange
    client: int
    encrypted: bool
    """It travelled inside TLS and was decrypted."""


class Spoken(NamedTuple):
    """What was spoken on a connection, or in what was decrypted of it."""

    client: int
    """The direction in which the client of the last protocol sent."""
    swapped: bool
    """The client of TLS was the other side than the first bytes said."""
    tunnel: Tunnel | None
    handshakes: tuple[SeenHandshake, ...] | None
    """None: TLS was not spoken."""
    exchanges: tuple[Found, ...]
    inner: Spoken | None
    """What decrypted application data contained."""

    @property
    def is_unanswered(self) -> bool:
        """Nothing was spoken but ClientHellos."""
        spoke = self.exchanges or self.inner is not None
        return (
            bool(self.handshakes) and not spoke and all(each.is_unanswered for each in self.handshakes or ())
        )


def seen(handshake: Handshake, same: Same) -> SeenHandshake:
    """Return what facts say of a handshake that is over; ``same`` gives one copy for all that is equal."""
    hello, answer, version = handshake.client_hello, handshake.server_hello, handshake.version
    traits = Traits(
        sni=hello.server_name if hello is not None else None,
        alpn=(handshake.alpn,) if handshake.alpn else hello.alpn if hello is not None else (),
        version=version_name(version) if version is not None else None,
        cipher=cipher_suite_name(answer.cipher_suite) if answer is not None else None,
        status_request=hello is not None and hello.status_request,
        certificates=handshake.certificates,
        staples=handshake.staples,
        client_certificates=handshake.client_certificates,
        certificate_encrypted=handshake.certificate_encrypted,
        decrypted=handshake.decrypted,
        complete=handshake.complete,
        resumption=handshake.resumption,
        offered_resumption=hello is not None
        and bool(hello.session_id or hello.session_ticket or hello.psk_identities),
        encrypted_client_hello=hello is not None and hello.encrypted_client_hello,
        has_client_hello=hello is not None,
        client_hello_cut=hello is not None and not hello.complete,
        server_hello_cut=handshake.server_hello_cut,
        missing_bytes=handshake.missing_bytes,
        given_up=handshake.given_up,
        psk_with_certificate=handshake.psk_with_certificate,
        external_psk=handshake.external_psk,
        hello_fingerprint=hello_fingerprint(hello) if hello is not None else None,
    )
    return SeenHandshake(
        time=handshake.time,
        last_time=handshake.last_time,
        client_hello_frame=handshake.client_hello_frame,
        server_hello_frame=answer.frame if answer is not None else None,
        certificate_frame=handshake.certificate_frame,
        staple_frame=handshake.staple_frame,
        finished_frame=handshake.finished_frame,
        client_finished=handshake.client_finished,
        client_random=hello.random or None if hello is not None else None,
        server_random=answer.random if answer is not None and version is not None else None,
        alerts=tuple([(each.frame, each.from_client, each.level, each.description) for each in alerts])
        if (alerts := handshake.alerts)
        else (),
        application_data_frame=handshake.application_data_frame,
        application_data_time=handshake.application_data_time,
        server_data_time=handshake.server_data_time,
        client_data=handshake.client_data,
        client_data_last=handshake.client_data_last,
        traits=same(traits),
    )


def _shared(ders: tuple[bytes, ...], same: Same) -> tuple[bytes, ...]:
    return same(tuple([same(der) for der in ders])) if ders else ()

"""The state that all connections of a run share: parsed certificates and responses, and keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.ocsp.cache import ResponseCache
from ocsp_pcap.pki.store import CertificateStore
from ocsp_pcap.spoken.seen import Traits, Value

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from ocsp_pcap.tls.keys import KeyLog

_MOST_SMALL: Final = 32_768
"""Texts and traits of which one copy is kept for all: where hardly any comes twice, the record of them costs
more."""


class RsaKey(NamedTuple):
    """A server's private key, and how its certificates are known."""

    name: str
    key: RSAPrivateKey
    public_key_sha256: str
    """Of the SubjectPublicKeyInfo."""


@dataclass(slots=True, eq=False, repr=False)
class Shared:
    """Each distinct certificate and response is parsed once a run, through these."""

    store: CertificateStore = field(default_factory=CertificateStore)
    responses: ResponseCache = field(init=False)
    keys: KeyLog | None = None
    rsa_keys: tuple[RSAPrivateKey, ...] = ()
    rsa_key_files: tuple[RsaKey, ...] = ()
    cut_key_logs: set[str] = field(default_factory=set)
    """Names of key logs that end in the middle of a line."""
    _same: dict[Any, Any] = field(default_factory=dict)
    _small: int = 0
    _unanswered: int = 0

    def __post_init__(self) -> None:
        self.responses = ResponseCache(self.store)

    def has_room(self) -> bool:
        """Count a connection that shows nothing but a ClientHello; tell whether it is to be kept."""
        self._unanswered += 1
        if self._unanswered <= BOUNDS.unanswered_hellos:
            return True
        reached("unanswered_hellos")
        return False

    def same(self, value: Value, /) -> Value:
        """Return the value that was given first of those equal to this one, which then can go."""
        known: Value | None = self._same.get(value)
        if known is not None:
            return known
        if isinstance(value, Traits):
            value = value.made_of(self.same)
        if isinstance(value, str | Traits):
            if self._small >= _MOST_SMALL:
                return value
            self._small += 1
        self._same[value] = value
        return value

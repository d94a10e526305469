"""The NSS key log format: secrets of TLS and QUIC sessions, by client random.

One line a secret: a label, the client random in hex, the secret in hex. Nothing here decrypts.
"""

from __future__ import annotations

from binascii import Error as HexError
from binascii import unhexlify
from collections import deque
from dataclasses import dataclass
from typing import Final

from ocsp_pcap.bounds import BOUNDS, reached

CLIENT_RANDOM: Final = "CLIENT_RANDOM"
PREMASTER_BY_RANDOM: Final = "PMS_CLIENT_RANDOM"
RSA_PREMASTER: Final = "RSA"
CLIENT_EARLY: Final = "CLIENT_EARLY_TRAFFIC_SECRET"
CLIENT_HANDSHAKE: Final = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
SERVER_HANDSHAKE: Final = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
CLIENT_TRAFFIC: Final = "CLIENT_TRAFFIC_SECRET_0"
SERVER_TRAFFIC: Final = "SERVER_TRAFFIC_SECRET_0"

_MASTER_SECRET_SIZES: Final = frozenset((48,))
_TRAFFIC_SECRET_SIZES: Final = frozenset((32, 48))
_ANY_SIZE: Final = frozenset(range(1, 1025))
_SECRET_SIZES: Final = {
    CLIENT_RANDOM: _MASTER_SECRET_SIZES,
    PREMASTER_BY_RANDOM: _ANY_SIZE,
    RSA_PREMASTER: _MASTER_SECRET_SIZES,
    CLIENT_EARLY: _TRAFFIC_SECRET_SIZES,
    CLIENT_HANDSHAKE: _TRAFFIC_SECRET_SIZES,
    SERVER_HANDSHAKE: _TRAFFIC_SECRET_SIZES,
    CLIENT_TRAFFIC: _TRAFFIC_SECRET_SIZES,
    SERVER_TRAFFIC: _TRAFFIC_SECRET_SIZES,
}
_UNUSED_LABELS: Final = frozenset(
    ("EARLY_EXPORTER_SECRET", "EXPORTER_SECRET", "EARLY_EXPORTER_MASTER_SECRET", "ECH_SECRET", "ECH_CONFIG")
)
"""Labels of the format that open no record."""
_LATER_SECRETS: Final = ("CLIENT_TRAFFIC_SECRET_", "SERVER_TRAFFIC_SECRET_")
"""OpenSSL logs secrets after a KeyUpdate under these with N: they follow from secret 0 (RFC 8446 7.2)."""
_RANDOM_SIZE: Final = 32
_RSA_PREFIX_SIZE: Final = 8


@dataclass(frozen=True, slots=True)
class KeySourceUse:
    """How many sessions one key log holds secrets for, and how many of them it opened."""

    name: str
    sessions: int
    """Distinct sessions for which it holds secrets; lines of label RSA count where it has no others."""
    opened: int
    """Those of them whose records a secret opened."""
    junk_lines: int
    """Lines that are not of the format."""
    conflicting_lines: int
    """Lines whose secret differs from one known for the same label and session: both are tried."""
    unopened: frozenset[bytes] = frozenset()
    """The sessions that it opened nothing of."""
    opened_sessions: frozenset[bytes] = frozenset()
    """Those that it opened."""


class _Source:
    """One key log."""

    __slots__ = ("conflicting_lines", "junk_lines", "name", "sessions")

    def __init__(self, name: str) -> None:
        self.name = name
        self.sessions: set[bytes] = set()
        self.junk_lines = 0
        self.conflicting_lines = 0


class KeyLog:
    """Secrets of any number of key logs, and which sessions they opened.

    A session is known by its client random; in lines of label RSA by the first 8 bytes of the
    encrypted premaster secret.
    """

    __slots__ = ("_cut", "_opened", "_secrets", "_sources", "_unopened")

    def __init__(self) -> None:
        self._secrets: dict[str, dict[bytes, tuple[bytes, ...]]] = {label: {} for label in _SECRET_SIZES}
        self._sources: list[_Source] = []
        self._opened: set[bytes] = set()
        self._unopened: dict[str, deque[bytes]] = {}
        """What :meth:`unopened` goes through, by label; opened sessions drop out as it meets them."""
        self._cut: set[tuple[str, bytes]] = set()
        """Labels and sessions of which not all secrets are kept."""

    @classmethod
    def parse(cls, text: bytes, source_name: str) -> KeyLog:
        """Return the secrets of one key log."""
        log = cls()
        log.add(text, source_name)
        return log

    def add(self, text: bytes, source_name: str) -> None:
        """Add the secrets of one key log; lines that are not of the format are counted and skipped.

        Text of the same source may come in several calls, each of whole lines.
        """
        source = next((known for known in self._sources if known.name == source_name), None)
        if source is None:
            source = _Source(source_name)
            self._sources.append(source)
        for line in text.removeprefix(b"\xef\xbb\xbf").splitlines():
            words = line.split()
            if words and not words[0].startswith(b"#"):
                self._line(words, source)

    def _line(self, words: list[bytes], source: _Source) -> None:
        label = words[0].decode("ascii", "replace")
        if label in _UNUSED_LABELS:
            return
        sizes = _SECRET_SIZES.get(label)
        if sizes is None and label.startswith(_LATER_SECRETS):
            return
        if sizes is None or len(words) != 3:
            source.junk_lines += 1
            return
        try:
            session = unhexlify(words[1])
            secret = unhexlify(words[2])
        except HexError:
            source.junk_lines += 1
            return
        if len(secret) not in sizes or len(session) != (
            _RSA_PREFIX_SIZE if label == RSA_PREMASTER else _RANDOM_SIZE
        ):
            source.junk_lines += 1
            return
        source.sessions.add(session)
        secrets = self._secrets[label]
        known = secrets.get(session, ())
        if secret not in known:
            if known:
                source.conflicting_lines += 1
            elif label in self._unopened:
                self._unopened[label].append(session)
            if len(known) >= BOUNDS.key_log_secrets:
                self._cut.add((label, session))
            secrets[session] = (*known, secret)[-BOUNDS.key_log_secrets :]

    def __len__(self) -> int:
        """Return the number of (label, session) pairs with a secret."""
        return sum(map(len, self._secrets.values()))

    def secret(self, label: str, client_random: bytes) -> bytes | None:
        """Return the secret with this label of the key log format; the latest where lines differ."""
        known = self._secrets[label].get(client_random) if label in self._secrets else None
        return known[-1] if known else None

    def secrets(self, label: str, client_random: bytes) -> tuple[bytes, ...]:
        """Return all secrets with this label, the latest first: more than one where lines differ."""
        if (label, client_random) in self._cut:
            reached("key_log_secrets")
        return self._secrets[label].get(client_random, ())[::-1]

    def knows(self, client_random: bytes) -> bool:
        """Tell whether there is any secret of a session."""
        return any(client_random in known for known in self._secrets.values())

    @property
    def has_premaster_secrets(self) -> bool:
        """There are lines from which the master secret is yet to be derived (RFC 5246 8.1)."""
        return bool(self._secrets[RSA_PREMASTER] or self._secrets[PREMASTER_BY_RANDOM])

    def unopened(self, label: str) -> tuple[list[tuple[bytes, bytes]], bool]:
        """Return (client random, secret) with this label of sessions that are not opened yet.

        Return also whether there are more than the bound allows. For captures without the client's side,
        where only trial tells which session it is.
        """
        if label not in self._unopened:
            self._unopened[label] = deque(self._secrets[label])
        waiting = self._unopened[label]
        found: list[bytes] = []
        while waiting and (len(found) < BOUNDS.tried_sessions or waiting[0] in self._opened):
            session = waiting.popleft()
            if session not in self._opened:
                found.append(session)
        more = bool(waiting)
        waiting.extendleft(reversed(found))
        return [(session, self._secrets[label][session][-1]) for session in found], more

    def opened(self, session: bytes) -> None:
        """Note that a secret of this session (its client random) opened a record."""
        self._opened.add(session)

    def use(self) -> tuple[KeySourceUse, ...]:
        """Return for each source, in the order added, how many sessions it holds and how many it opened."""
        return tuple(self._use(source) for source in self._sources)

    def _use(self, source: _Source) -> KeySourceUse:
        # A session of RSA key exchange often has two lines, under its client random and its premaster.
        sessions = {one for one in source.sessions if len(one) == _RANDOM_SIZE} or source.sessions
        unopened = frozenset(sessions - self._opened)
        return KeySourceUse(
            source.name,
            len(sessions),
            len(sessions) - len(unopened),
            source.junk_lines,
            source.conflicting_lines,
            unopened,
            frozenset(sessions - unopened),
        )

    def sessions(self) -> frozenset[bytes]:
        """Return all sessions for which there are secrets."""
        return frozenset[bytes]().union(*(source.sessions for source in self._sources))

"""Decryption of one TLS connection: from secrets to the content of protected records.

The handshake messages of both directions tell what to look for; whatever secrets there are become
candidates, and only a record that verifies decides between them. So conflicting key log lines,
changed keys (RFC 8446 4.6.3), rejected early data (RFC 8446 4.2.10) and lost records are one matter:
later epochs and sequence numbers are tried, within bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.tls.ciphers import (
    Opener,
    Tls13Opener,
    UnsupportedSuiteError,
    key_block_size,
    legacy_opener,
    suite_parameters,
)
from ocsp_pcap.tls.derivation import extended_master_secret, master_secret, prf
from ocsp_pcap.tls.handshake import (
    CERTIFICATE,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    FINISHED,
    HELLO_REQUEST,
    SERVER_HELLO,
)
from ocsp_pcap.tls.keys import (
    CLIENT_EARLY,
    CLIENT_HANDSHAKE,
    CLIENT_RANDOM,
    CLIENT_TRAFFIC,
    PREMASTER_BY_RANDOM,
    RSA_PREMASTER,
    SERVER_HANDSHAKE,
    SERVER_TRAFFIC,
    KeyLog,
)
from ocsp_pcap.tls.messages import (
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    is_tls13,
    read_certificate,
    read_client_hello,
    read_server_hello,
    server_extensions,
)
from ocsp_pcap.tls.rsa import decrypt_premaster, encrypted_premaster

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_TLS_1_0: Final = 0x0301
_SUITES_BY_SECRET_SIZE: Final = {32: (0x1301, 0x1303, 0x1304, 0x1305), 48: (0x1302,)}


_Epoch: TypeAlias = tuple[str, list[tuple[bytes, Tls13Opener]]]
"""A label of the key log, and for each secret that may be it the session it stands under and an opener."""


class _Side:
    """The protection of one direction."""

    __slots__ = (
        "candidates",
        "epochs",
        "failures",
        "given_up",
        "lossy",
        "opened",
        "searched",
        "started",
        "untried",
    )

    def __init__(self) -> None:
        self.candidates: list[tuple[bytes, Opener]] = []
        self.epochs: list[_Epoch] = []
        self.searched = False
        self.failures = 0
        self.lossy = False
        self.opened = False
        self.given_up = False
        self.started = False
        self.untried = False
        """There are sessions of the key log that were not made candidates."""

    def end_handshake(self) -> None:
        """Give up after Finished of TLS 1.3 where no secret of application data follows."""
        if len(self.epochs) == 1 and self.epochs[0][0] in (CLIENT_HANDSHAKE, SERVER_HANDSHAKE):
            self.given_up = True
            self.opened = False


class Decryption:
    """Opens the protected records of one connection, with key logs and RSA keys."""

    __slots__ = (
        "_certificate",
        "_client_random",
        "_client_version",
        "_derived",
        "_early_data",
        "_encrypt_then_mac",
        "_extended_master_secret",
        "_keys",
        "_premaster_prefix",
        "_rsa_keys",
        "_server_random",
        "_sides",
        "_suite",
        "_transcripts",
        "_version",
        "handshake_opened",
        "problem",
    )

    def __init__(self, keys: KeyLog | None, rsa_keys: Sequence[RSAPrivateKey]) -> None:
        self._keys = keys if keys is not None else KeyLog()
        self._rsa_keys = rsa_keys
        self._sides = {True: _Side(), False: _Side()}
        self._client_random = b""
        self._client_version = 0
        self._early_data = False
        self._server_random = b""
        self._version = 0
        self._suite = 0
        self._certificate = b""
        self._encrypt_then_mac = False
        self._extended_master_secret = False
        self._transcripts: dict[bool, bytearray] = {True: bytearray(), False: bytearray()}
        self._derived: list[tuple[bytes, bytes]] = []
        self._premaster_prefix = b""
        self.handshake_opened = False
        """A record of the handshake was opened: not only application data."""
        self.problem: str | None = None
        """Why keys that are there open nothing; the caller takes it and sets it to None."""

    def message(self, from_client: bool, kind: int, message: bytes) -> None:
        """Take a handshake message with its header, in either direction, as it was parsed."""
        body = message[4:]
        if kind == CLIENT_HELLO:
            client, _ = read_client_hello(body, 0, 0)
            if client is not None:
                self._client_random = client.random
                self._client_version = client.legacy_version
                self._early_data = client.early_data
                self._derived = []
                self._premaster_prefix = b""
                self._transcripts = {True: bytearray(), False: bytearray()}
        elif kind == SERVER_HELLO:
            server, _ = read_server_hello(body, 0, 0)
            if server is not None:
                self._server_random = server.random
                self._version = server.version
                self._suite = server.cipher_suite
                extensions = server_extensions(body)
                self._encrypt_then_mac = ENCRYPT_THEN_MAC in extensions
                self._extended_master_secret = EXTENDED_MASTER_SECRET in extensions
                self._certificate = b""
        elif kind == CERTIFICATE and not from_client and self._rsa_keys and not is_tls13(self._version):
            certificates = read_certificate(body, 0, 0, False, False, False)[0].certificates
            self._certificate = certificates[0] if certificates else b""
        if is_tls13(self._version):
            if kind == FINISHED:
                self._sides[from_client].end_handshake()
            return
        if not self._derives:
            return
        transcript = self._transcripts[from_client]
        if kind != HELLO_REQUEST and not self._derived:
            if len(transcript) + len(message) <= BOUNDS.transcript:
                transcript += message
            else:
                reached("transcript")
        if kind == CLIENT_KEY_EXCHANGE:
            self._key_exchange(body)

    def change_cipher_spec(self, from_client: bool) -> None:
        """Note ChangeCipherSpec of TLS 1.0 to 1.2: the records that follow are under the new keys."""
        if not self._server_random or is_tls13(self._version):
            return
        side = self._sides[from_client]
        side.started = True
        side.opened = side.lossy = side.given_up = False
        side.failures = 0
        side.candidates = []
        secrets = self._find_master_secrets(side)
        if not secrets:
            return
        if self._version < _TLS_1_0:
            self.problem = "decryption of SSL 3.0 is not supported"
            return
        try:
            parameters = suite_parameters(self._suite)
            for session, client_random, secret in secrets:
                block = prf(
                    self._version,
                    parameters.prf_hash,
                    secret,
                    b"key expansion",
                    self._server_random + client_random,
                    key_block_size(parameters),
                )
                opener = legacy_opener(parameters, self._version, block, from_client, self._encrypt_then_mac)
                side.candidates.append((session, opener))
        except UnsupportedSuiteError as error:
            self.problem = str(error)

    def hopeful(self, from_client: bool) -> bool:
        """Tell whether there are keys that may open records of this direction."""
        side = self._sides[from_client]
        return not side.given_up and bool(side.candidates or side.epochs)

    def has_opened(self, from_client: bool) -> bool:
        """Tell whether a record of this direction was opened under the keys now in use."""
        return self._sides[from_client].opened

    def lost(self, from_client: bool) -> None:
        """Note that bytes of this direction are missing."""
        self._sides[from_client].lossy = True

    def open(
        self, from_client: bool, content_type: int, version: int, fragment: bytes
    ) -> tuple[int, bytes] | None:
        """Return type and content of a protected record; None where no key there is opens it."""
        side = self._sides[from_client]
        if side.given_up:
            return None
        ahead = BOUNDS.missing_records if side.lossy or (side.opened and side.failures) else 0
        if side.started:
            opened = self._open_legacy(side, content_type, version, fragment, ahead)
        else:
            opened = self._open_tls13(from_client, side, content_type, version, fragment, ahead)
        if opened is not None:
            side.failures = 0
            side.lossy = False
            side.opened = True
            return opened
        if side.untried and not side.opened:
            side.untried = False
            reached("tried_sessions")
        side.failures += 1
        if side.opened and side.failures == 1:
            self.problem = "a protected record does not open: it is damaged, or records before it are missing"
        early = from_client and self._early_data and not side.opened
        if side.failures > (BOUNDS.early_failures if early else BOUNDS.decryption_failures):
            side.given_up = True
            if early and side.epochs:
                reached("early_failures")
            if side.opened:
                reached("missing_records")
                self.problem = "records no longer open with the keys there are"
        return None

    def _open_legacy(
        self, side: _Side, content_type: int, version: int, fragment: bytes, ahead: int
    ) -> tuple[int, bytes] | None:
        for candidate in side.candidates:
            session, opener = candidate
            opened = opener.open(content_type, version, fragment, ahead)
            if opened is not None:
                if not side.opened:
                    self._keys.opened(session)
                    if self._premaster_prefix:
                        self._keys.opened(self._premaster_prefix)
                    self._client_random = self._client_random or session
                side.candidates = [candidate]
                self.handshake_opened = True
                return opened
        for _, opener in side.candidates:
            opener.skip(fragment)
        return None

    def _open_tls13(
        self, from_client: bool, side: _Side, content_type: int, version: int, fragment: bytes, ahead: int
    ) -> tuple[int, bytes] | None:
        if not side.searched or not side.epochs:
            side.searched = True
            self._find_epochs(from_client, side)
        for index, (label, openers) in enumerate(side.epochs):
            for session, opener in openers:
                opened = opener.open(content_type, version, fragment, ahead)
                if opened is None:
                    continue
                if not self._client_random:
                    self._client_random = session
                    self._find_epochs(from_client, side)
                if not side.opened:
                    self._keys.opened(session)
                side.epochs = [(label, [(session, opener)]), *side.epochs[index + 1 :]]
                if len(side.epochs) == 1 and label in (CLIENT_TRAFFIC, SERVER_TRAFFIC):
                    side.epochs.append((label, [(session, opener.updated())]))
                if label in (CLIENT_HANDSHAKE, SERVER_HANDSHAKE):
                    self.handshake_opened = True
                return opened
        return None

    def _find_epochs(self, from_client: bool, side: _Side) -> None:
        """Make openers for all secrets of a direction, in the order in which they come into use."""
        labels = [CLIENT_HANDSHAKE, CLIENT_TRAFFIC] if from_client else [SERVER_HANDSHAKE, SERVER_TRAFFIC]
        if from_client and self._early_data:
            labels.insert(0, CLIENT_EARLY)
        side.epochs = []
        random = self._client_random
        for label in labels:
            secrets: list[tuple[bytes, bytes]] = []
            if random:
                secrets = [(random, secret) for secret in self._keys.secrets(label, random)]
            elif is_tls13(self._version):
                secrets, side.untried = self._keys.unopened(label)
            openers = [found for session, secret in secrets for found in self._tls13_openers(session, secret)]
            if openers:
                side.epochs.append((label, openers))

    def _tls13_openers(self, session: bytes, secret: bytes) -> list[tuple[bytes, Tls13Opener]]:
        """Return an opener for the suite negotiated, or where it is not known for each one possible."""
        known = is_tls13(self._version)
        suites = (self._suite,) if known else _SUITES_BY_SECRET_SIZE.get(len(secret), ())
        openers = []
        for suite in suites:
            try:
                parameters = suite_parameters(suite)
                opener = Tls13Opener(parameters, secret, self._version if known else 0x0304)
                openers.append((session, opener))
            except UnsupportedSuiteError as error:
                self.problem = str(error)
        return openers

    def _find_master_secrets(self, side: _Side) -> list[tuple[bytes, bytes, bytes]]:
        """Return (session in the key log, client random, master secret) of all that may be in use."""
        random = self._client_random
        if not random:
            # Without the client's side only trial tells which session it is.
            tried, side.untried = self._keys.unopened(CLIENT_RANDOM)
            return [(session, session, secret) for session, secret in tried]
        found = [(random, random, secret) for secret in self._keys.secrets(CLIENT_RANDOM, random)]
        return found + [(session, random, secret) for session, secret in self._derived]

    @property
    def _derives(self) -> bool:
        """Master secrets may have to be derived from premaster secrets."""
        return bool(self._rsa_keys) or self._keys.has_premaster_secrets

    def _key_exchange(self, body: bytes) -> None:
        """Derive the master secrets that the premaster secrets at hand give."""
        random = self._client_random
        premasters = [(random, secret) for secret in self._keys.secrets(PREMASTER_BY_RANDOM, random)]
        try:
            parameters = suite_parameters(self._suite)
        except UnsupportedSuiteError:
            return
        if parameters.rsa_key_exchange:
            encrypted = encrypted_premaster(body, self._version)
            prefix = self._premaster_prefix = encrypted[:8]
            premasters += [(prefix, secret) for secret in self._keys.secrets(RSA_PREMASTER, prefix)]
            versions = (self._client_version, self._version)
            secret = decrypt_premaster(self._rsa_keys, encrypted, versions, self._certificate)
            if secret is not None:
                premasters.append((random, secret))
        client = self._transcripts[True]
        hello_end = 4 + int.from_bytes(client[1:4], "big")
        handshake = bytes(client[:hello_end] + self._transcripts[False] + client[hello_end:])
        for session, premaster in premasters:
            if self._extended_master_secret:
                master = extended_master_secret(self._version, parameters.prf_hash, premaster, handshake)
            else:
                master = master_secret(
                    self._version, parameters.prf_hash, premaster, random, self._server_random
                )
            self._derived.append((session, master))

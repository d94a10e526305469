"""Key logs and private keys: loaded once, and one sentence each on what they opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ocsp_pcap.facts import Facts

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from ocsp_pcap.spoken.shared import RsaKey, Shared
    from ocsp_pcap.tls.keys import KeySourceUse


class KeySourceError(Exception):
    """A key log or private key cannot be used; the message says why."""


class KeyNote(NamedTuple):
    """One sentence about what a source of keys gave."""

    sentence: str
    useless: bool
    """It opened nothing."""
    capture: str | None = None
    """Path of the capture that holds what it opened; None: it opened nothing that one capture holds."""


def load_keys(shared: Shared, key_logs: Sequence[Path], rsa_keys: Sequence[Path]) -> None:
    """Read key logs (NSS key log format) and RSA private keys.

    Raises:
        KeySourceError: a file cannot be read, or holds no key of the kind.
    """
    if key_logs:
        from ocsp_pcap.tls.keys import KeyLog

        shared.keys = KeyLog()
        for path in key_logs:
            content = _read(path)
            shared.keys.add(content, str(path))
            if _ends_inside_a_line(content):
                shared.cut_key_logs.add(str(path))
    if rsa_keys:
        from ocsp_pcap.spoken.shared import RsaKey
        from ocsp_pcap.tls.rsa import load_rsa_key

        loaded: list[RsaKey] = []
        for path in rsa_keys:
            try:
                key = load_rsa_key(_read(path))
            except ValueError as error:
                raise KeySourceError(f"{path}: {error}") from error
            loaded.append(RsaKey(str(path), key, _key_hash(key)))
        shared.rsa_keys = tuple(key.key for key in loaded)
        shared.rsa_key_files = tuple(loaded)


def key_use_notes(shared: Shared, facts: Facts) -> Iterator[KeyNote]:
    """Yield, for each source of keys, how many sessions it opened, and what became of the others.

    Where what it opened is in several captures, there is a note for each of them.
    """
    if shared.keys is not None:
        seen: dict[str, set[str]] = {}
        for handshake in facts.handshakes:
            if handshake.client_random:
                seen.setdefault(_whole(facts, handshake.capture), set()).add(handshake.client_random)
        for use in shared.keys.use():
            yield from _log_notes(use, seen, use.name in shared.cut_key_logs)
    for key in shared.rsa_key_files:
        yield _rsa_note(key, facts)


def _whole(facts: Facts, path: str) -> str:
    """Return the capture of which a file is a part."""
    return next((c.path for c in facts.captures if any(file.path == path for file in c.files)), path)


def _log_notes(use: KeySourceUse, seen: dict[str, set[str]], cut: bool) -> Iterator[KeyNote]:
    opened = {random.hex() for random in use.opened_sessions}
    here = {capture: len(randoms & opened) for capture, randoms in seen.items() if randoms & opened}
    everything = set[str]().union(*seen.values())
    for capture, number in here.items() or [(None, use.opened)]:
        yield KeyNote(_log_words(use, number, everything, cut), not use.opened, capture)


def _log_words(use: KeySourceUse, here: int, seen: set[str], cut: bool) -> str:
    if use.sessions:
        words = f"{use.name}: opened {here or 'none'} of the {use.sessions} sessions it has keys for"
    else:
        words = f"{use.name}: holds no keys"
    if use.opened > here:
        words += f"; {use.opened - here} are in other captures"
    present = sum(random.hex() in seen for random in use.unopened)
    absent = len(use.unopened) - present
    if use.sessions and absent == use.sessions:
        words += "; not one of them is in the captures: it is of another time or another host"
    elif absent:
        words += f"; {absent} are not in the captures"
    if present:
        words += (
            f"; {present} are in the captures and did not open: lines are missing or wrong, "
            "or the records are"
        )
    if use.junk_lines:
        words += f"; {use.junk_lines} lines are not of the NSS key log format"
    if cut:
        words += "; it ends in the middle of a line: it was cut, or is still being written"
    if use.conflicting_lines:
        words += f"; {use.conflicting_lines} lines contradict others"
    return words


def _rsa_note(key: RsaKey, facts: Facts) -> KeyNote:
    """Say what a private key opened, inferred from the certificates that bear its public key."""
    bearers = {c.sha256 for c in facts.certificates.values() if c.public_key_sha256 == key.public_key_sha256}
    sessions = [h for h in facts.handshakes if h.certificates and h.certificates[0] in bearers]
    # RFC 5246 7.4.7.1: only there does the premaster secret travel under the server's key.
    fitting = [h for h in sessions if (h.cipher or "").startswith("TLS_RSA_")]
    opened = sum(h.decrypted for h in fitting)
    if fitting:
        words = f"opened {opened or 'none'} of the {len(fitting)} sessions with RSA key exchange that use it"
    elif sessions:
        words = f"opens none of the {len(sessions)} sessions that use it: their key exchange is not RSA"
    else:
        words = "no certificate in the captures has this key"
    return KeyNote(f"{key.name}: {words}", not opened)


def _ends_inside_a_line(content: bytes) -> bool:
    from ocsp_pcap.tls.keys import KeyLog

    if not content or content.endswith((b"\n", b"\r")):
        return False
    last = content.splitlines()[-1]
    return any(use.junk_lines for use in KeyLog.parse(last, "").use())


def _key_hash(key: RSAPrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(public).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeySourceError(f"{path}: cannot be read: {error.strerror}") from error

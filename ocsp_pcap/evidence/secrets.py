"""The secrets that open the sessions in an evidence capture, and no other's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ocsp_pcap.capture import CaptureSource, open_capture
from ocsp_pcap.evidence.model import EvidenceError
from ocsp_pcap.tls.keys import RSA_PREMASTER


def key_log_lines(key_logs: Sequence[Path], sources: Iterable[CaptureSource], sessions: set[str]) -> bytes:
    """Return the lines of key logs, and of secrets inside captures, that open some sessions.

    ``sessions`` are known by their client random, in hex. Lines of label ``RSA`` name their session by its
    encrypted premaster secret, and are all taken.

    Raises EvidenceError where a key log cannot be read.
    """
    found: dict[bytes, None] = {}
    for text in _texts(key_logs, sources):
        for line in text.splitlines():
            words = line.split()
            if len(words) < 3 or words[0].startswith(b"#"):
                continue
            if words[0] == RSA_PREMASTER.encode() or words[1].decode("ascii", "replace").lower() in sessions:
                found[b" ".join(words)] = None
    return b"".join(line + b"\n" for line in found)


def _texts(key_logs: Sequence[Path], sources: Iterable[CaptureSource]) -> Iterator[bytes]:
    for path in key_logs:
        try:
            yield path.read_bytes()
        except OSError as error:
            raise EvidenceError(f"{path}: {error.strerror or error}.") from error
    for source in sources:
        with open_capture(source) as reader:
            for _ in reader:
                pass
            yield from reader.secrets

"""One line of a log, as far as it bears on a certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ocsp_pcap.explain.model import Status

LogKind: TypeAlias = Literal["squid", "elff", "haproxy", "nginx", "apache"]
Said: TypeAlias = Literal["tunnelled", "intercepted", "checked", "answered", "failed"]
"""Only relayed; intercepted; the certificate was checked; a responder answered; asking it failed."""


class LogError(Exception):
    """The file cannot be read as a log; the message says why."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The content of one line."""

    path: str
    line: int
    """1-based."""
    kind: LogKind
    said: Said
    time: int | None
    """Nanoseconds since the epoch, when what the line tells of began; None without a full date."""
    zone: bool
    """The time names its zone, or counts from the epoch; without, it is read as UTC."""
    text: str
    """The line itself, cut where it is very long."""
    host: str | None = None
    """The server whose certificate it is about, in lower case."""
    client: str | None = None
    """Address of the client of the proxy that wrote the line."""
    serial: str | None = None
    """Serial number of the certificate, lower-case hex without leading zeros."""
    responder: str | None = None
    """Host name of the responder, or its URL where the line has it."""
    status: Status | None = None
    """What the responder answered about the certificate."""
    offset: int | None = None
    """Nanoseconds by which local time seems to be ahead of UTC, as the captures tell; ``time`` heeds it."""

    @property
    def dated(self) -> bool:
        """The line has a full date."""
        return self.time is not None

    @property
    def responder_name(self) -> str | None:
        """Host name of the responder, without port and path."""
        if self.responder is None:
            return None
        text = self.responder.partition("://")[2] or self.responder
        return text.partition("/")[0].partition(":")[0].lower() or None

"""Where in a capture the parts of what was said were complete."""

from __future__ import annotations

from dataclasses import dataclass

from ocsp_pcap.facts.types import Frame


@dataclass(frozen=True, slots=True)
class HandshakeFrames:
    """Where in the capture each part of a handshake was complete; None where it was not seen."""

    client_hello: Frame | None = None
    server_hello: Frame | None = None
    certificate: Frame | None = None
    certificate_status: Frame | None = None
    finished: Frame | None = None
    client_finished: Frame | None = None
    """The client's own Finished, which is not always the later of the two that ``finished`` tells of."""


@dataclass(frozen=True, slots=True)
class ExchangeFrames:
    """Frames in which a request and its answer were complete."""

    request: Frame | None = None
    response: Frame | None = None

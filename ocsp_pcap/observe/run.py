"""Reading all captures of a run, again where their keys came too late."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ocsp_pcap.capture import CaptureError, CaptureSource, open_capture
from ocsp_pcap.observe.capture import Observation, observe_capture
from ocsp_pcap.observe.tools import Tools

DTLS_MAJOR: Final = 0xFE
"""First byte of the version numbers of DTLS (RFC 6347 4.1): no keys are used there."""


def observe_all(
    sources: Iterable[CaptureSource], tools: Tools, failed: Callable[[CaptureError], None]
) -> list[Observation]:
    """Read captures in order; hand those that cannot be read to ``failed``.

    Secrets inside a pcapng file may stand behind the packets that they open, or in another capture
    of the run: what was read without them is read once more.
    """
    read: list[tuple[CaptureSource, Observation]] = []
    for source in sources:
        observation = _observe(source, tools, failed)
        if observation is not None:
            read.append((source, observation))
    return [_again(source, observation, tools, failed) for source, observation in read]


def _observe(
    source: CaptureSource, tools: Tools, failed: Callable[[CaptureError], None]
) -> Observation | None:
    try:
        with open_capture(source) as reader:
            return observe_capture(reader, tools)
    except CaptureError as error:
        failed(error)
        return None


def _again(
    source: CaptureSource, observation: Observation, tools: Tools, failed: Callable[[CaptureError], None]
) -> Observation:
    late = _opened_by_later_keys(observation, tools)
    if not late:
        return observation
    if source.path is not None and source.path.is_file():
        return _observe(source, tools, failed) or observation
    observation.notes.append(
        f"secrets for {late} sessions of {observation.name} came after their packets, and it can be read "
        "only once: store it in a file to have them used"
    )
    return observation


def _opened_by_later_keys(observation: Observation, tools: Tools) -> int:
    """Count the sessions that were read without keys, and for which there are keys by now."""
    if tools.keys is None:
        return 0
    later = tools.keys.sessions() - observation.keys_before
    return sum(
        handshake.client_hello is not None
        and handshake.client_hello.random in later
        and not handshake.decrypted
        and (handshake.version or 0) >> 8 != DTLS_MAJOR
        for handshake in (observation.handshakes() if later else ())
    )

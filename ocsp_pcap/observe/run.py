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
    sources: Iterable[CaptureSource],
    tools: Tools,
    failed: Callable[[CaptureError], None],
    jobs: int = 1,
) -> list[Observation]:
    """Read captures in order; hand those that cannot be read to ``failed``.

    Secrets inside a pcapng file may stand behind the packets that they open, or in another capture
    of the run: what was read without them is read once more. With ``jobs`` several captures are read
    side by side, each in a process of its own; the result is the same.
    """
    sources = list(sources)
    if jobs > 1 and len(sources) > 1 and tools.keys is None and not tools.rsa_keys:
        observations = _side_by_side(sources, jobs, failed)
        if observations is not None:
            return observations
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


def _side_by_side(
    sources: list[CaptureSource], jobs: int, failed: Callable[[CaptureError], None]
) -> list[Observation] | None:
    """Read captures in processes of their own; None where one has secrets, which all must share."""
    if any(source.path is None or not source.path.is_file() for source in sources):
        # What can be read only once is not to be read here and, perhaps, again.
        return None
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(min(jobs, len(sources))) as pool:
        found = list(pool.map(_observe_alone, sources))
    if None in found:
        return None
    for each in found:
        if isinstance(each, CaptureError):
            failed(each)
    return [each for each in found if isinstance(each, Observation)]


def _observe_alone(source: CaptureSource) -> Observation | CaptureError | None:
    try:
        with open_capture(source) as reader:
            observation = observe_capture(reader, Tools())
            return None if observation.summary.secrets else observation
    except CaptureError as error:
        return error


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

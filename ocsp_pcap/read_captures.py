"""Reading all captures of a run: one file after the other or side by side, again where keys came too late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ocsp_pcap.capture import CaptureError, CaptureSource, open_capture
from ocsp_pcap.capture.rotation import Member, Rotation, families
from ocsp_pcap.observe.capture import CaptureObserver, Observation
from ocsp_pcap.observe.sets import ReadCapture, SetReader
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.spoken.shared import Shared

if TYPE_CHECKING:
    from ocsp_pcap.parallel.workers import Workers


@dataclass(slots=True, eq=False, repr=False)
class RunOptions:
    """Options of reading captures."""

    failed: Callable[[CaptureError], None]
    """Takes what says why a capture cannot be read."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """What is known of captures by name; those of different roles are never files of one set."""
    rotation: Rotation = "auto"
    watch: Watch = field(default_factory=Watch)
    workers: Callable[[], AbstractContextManager[Workers]] | None = None
    """Opens what reads files side by side; None: they are read one after the other."""


def read_captures(sources: Iterable[CaptureSource], shared: Shared, options: RunOptions) -> list[Observation]:
    """Read captures; files of a rotated set are one capture.

    Secrets inside a pcapng file may stand behind the packets that they open, or in another capture
    of the run: what was read without them is read once more. Captures stand in the order in which
    their first files were given.
    """
    sources = list(sources)
    sizes = [source.size for source in sources]
    options.watch.expect(None if None in sizes else sum(size or 0 for size in sizes))
    place = {source.name: number for number, source in enumerate(sources)}
    groups = families(sources, options.roles, options.rotation)
    captures = _captures(groups, shared, options)
    captures.sort(key=lambda capture: min(place[source.name] for source in capture.sources))
    return [_with_late_keys(capture, shared, options) for capture in captures]


def _captures(groups: list[list[Member]], shared: Shared, options: RunOptions) -> list[ReadCapture]:
    again = all(
        member.source.readable_again and member.source.interfaces is None
        for group in groups
        for member in group
    )
    if options.workers is None or not again or shared.keys is not None or shared.rsa_keys:
        return _in_order(groups, shared, options)
    from ocsp_pcap.parallel.side_by_side import SideBySide

    with options.workers() as workers:
        reader = SideBySide(shared, options.rotation, options.failed)
        return reader.read_all(groups, workers, options.watch)


def _in_order(groups: list[list[Member]], shared: Shared, options: RunOptions) -> list[ReadCapture]:
    reader = SetReader(shared, options.rotation, options.failed)
    for group in groups:
        if options.watch.stopped:
            break
        reader.begin(len(group))
        for member in group:
            if options.watch.stopped:
                break
            reader.read(member, options.watch)
    return reader.finish(sum(map(len, groups)))


def _with_late_keys(capture: ReadCapture, shared: Shared, options: RunOptions) -> Observation:
    """Return what a capture showed; read again what keys of later captures open."""
    observation = capture.observer.observation
    late = _opened_by_later_keys(observation, shared)
    if not late or options.watch.stopped:
        return observation
    if all(source.readable_again for source in capture.sources):
        observer = CaptureObserver(shared)
        try:
            for source in capture.sources:
                with open_capture(source) as reader:
                    observer.read(reader, Watch())
        except CaptureError as error:
            options.failed(error)
            return observation
        observer.miss(observation.missing)
        observer.finish()
        return observer.observation
    capture.observer.note(
        f"secrets for {late} sessions of {observation.name} came after their packets, and it can be read "
        "only once: store it in a file to have them used"
    )
    return observation


def _opened_by_later_keys(observation: Observation, shared: Shared) -> int:
    """Count the sessions that were read without keys, and for which there are keys by now."""
    if shared.keys is None:
        return 0
    later = shared.keys.sessions() - observation.keys_before
    return sum(
        handshake.client_random in later and not handshake.traits.decrypted
        for handshake in (observation.handshakes() if later else ())
    )

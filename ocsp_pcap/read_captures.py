"""Reading all captures of a run: one file after the other or side by side, again where keys came too late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import field
from typing import TYPE_CHECKING

from ocsp_pcap.capture import CaptureError, CaptureSource, open_capture, together
from ocsp_pcap.capture.rotation import Member, Rotation, families, follows, missing_between
from ocsp_pcap.observe.capture import CaptureObserver, Observation
from ocsp_pcap.observe.reading import FileOpener, InOrder
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.records import dataclass
from ocsp_pcap.spoken.shared import Shared

if TYPE_CHECKING:
    from ocsp_pcap.parallel.side_by_side import Workers


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How captures are read."""

    failed: Callable[[CaptureError], None]
    """Takes what says why a capture cannot be read."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """What is known of captures by name; those of different roles are never files of one set."""
    rotation: Rotation = "auto"
    watch: Watch = field(default_factory=Watch)
    workers: Callable[[], AbstractContextManager[Workers]] | None = None
    """Opens what reads files side by side; None: they are read one after the other."""
    distant: bool = False
    """The workers are elsewhere: a file that is alone is read there, too."""


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
    return [capture.with_late_keys(shared, options) for capture in captures]


def _captures(groups: list[list[Member]], shared: Shared, options: RunOptions) -> list[_Capture]:
    again = all(
        member.source.readable_again and member.source.interfaces is None
        for group in groups
        for member in group
    )
    captures = None
    if options.workers is not None and again and shared.keys is None and not shared.rsa_keys:
        captures = _side_by_side(groups, options.workers, shared, options)
    return _observe(groups, InOrder(options.watch), shared, options) if captures is None else captures


def _side_by_side(
    groups: list[list[Member]],
    workers: Callable[[], AbstractContextManager[Workers]],
    shared: Shared,
    options: RunOptions,
) -> list[_Capture] | None:
    """Have files read by workers; None where one after the other is the way."""
    from ocsp_pcap.parallel.side_by_side import InOrderNeeded, SideBySide

    if sum(map(len, groups)) == 1 and not options.distant:
        return None
    try:
        with workers() as those:
            return _observe(groups, SideBySide(those, groups, options.watch), shared, options)
    except InOrderNeeded:
        return None


def _observe(
    groups: list[list[Member]], reading: FileOpener, shared: Shared, options: RunOptions
) -> list[_Capture]:
    """Put files together that are one capture: a file that does not go on with the last begins another."""
    found: list[_Capture] = []
    not_read: set[str] = set()
    for group in groups:
        observer: CaptureObserver | None = None
        missing: list[str] = []
        for number, member in enumerate(group):
            try:
                show = reading.open(member)
                if show is None:
                    not_read |= {left.source.name for left in group[number:]}
                    if observer is not None:
                        observer.interrupt()
                    break
                if observer is None or not (options.rotation == "yes" or _goes_on(observer, member)):
                    if observer is not None:
                        observer.finish()
                    observer = CaptureObserver(shared)
                    found.append(_Capture(observer.observation))
                elif count := missing_between(group[number - 1], member):
                    words = f"are missing ({count} by their numbers)"
                    missing.append(f"files before {member.source.name} {words}")
                found[-1].sources.append(member.source)
                show(observer)
            except CaptureError as error:
                options.failed(error)
                missing.append(f"{member.source.name} could not be read")
            if observer is not None:
                observer.miss(missing)
                missing = []
        if observer is not None:
            observer.finish()
    not_read -= {source.name for capture in found for source in capture.sources}
    if not_read:
        files = "1 file" if len(not_read) == 1 else f"{len(not_read)} files"
        options.failed(CaptureError(f"reading was interrupted before {files} could be begun."))
    return [capture for capture in found if capture.observation.files]


def _goes_on(observer: CaptureObserver, member: Member) -> bool:
    """Tell whether a file can be the next one of a capture."""
    summaries = [file.summary for file in observer.observation.files]
    so_far = together(summaries)
    spans = [s.last_time - s.first_time for s in summaries if s.last_time and s.first_time]
    same_link = member.link_type is None or not so_far.link_types or member.link_type in so_far.link_types
    return same_link and follows(member, so_far.last_time, max(spans, default=0))


@dataclass(slots=True)
class _Capture:
    """A capture that was read, and the files that it consists of."""

    observation: Observation
    sources: list[CaptureSource] = field(default_factory=list)

    def with_late_keys(self, shared: Shared, options: RunOptions) -> Observation:
        """Return what the capture showed; read again what keys of later captures open."""
        observation = self.observation
        late = _opened_by_later_keys(observation, shared)
        if not late or options.watch.stopped:
            return observation
        if all(source.readable_again for source in self.sources):
            observer = CaptureObserver(shared)
            try:
                for source in self.sources:
                    with open_capture(source) as reader:
                        observer.read(reader, Watch())
            except CaptureError as error:
                options.failed(error)
                return observation
            observer.miss(observation.missing)
            observer.finish()
            return observer.observation
        observation.notes.append(
            f"secrets for {late} sessions of {observation.name} came after their packets, and it can be read "
            "only once: store it in a file to have them used"
        )
        return observation


def _opened_by_later_keys(observation: Observation, shared: Shared) -> int:
    """Count the sessions that were read without keys, and for which there are keys by now."""
    if shared.keys is None:
        return 0
    later = {random.hex() for random in shared.keys.sessions() - observation.keys_before}
    return sum(
        handshake.client_random in later and not handshake.decrypted
        for handshake in (observation.handshakes() if later else ())
    )

"""The timeline of one validator as SVG: a lane a certificate, marks for events, bars for answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import escape

from ocsp_pcap.explain.model import Event, EventKind, Lane, Timeline
from ocsp_pcap.explain.phrases import count
from ocsp_pcap.report.wording import duration, moment
from ocsp_pcap.terminal.escape import safe_text

_EDGE: Final = 24
_TOP: Final = 34
_LONGEST_NAME: Final = 34
_MARGIN: Final = 0.04
"""Part of the span that is left free at both ends."""
_NEAR: Final = 3
"""Units within which marks of one kind are drawn as one, which tells how many it stands for."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """How the drawing is laid out."""

    width: int
    names: int
    """Units for the names at the left; 0: they stand above the lanes."""
    lane: int
    ticks: int


_WIDE: Final = _Frame(1060, 250, 30, 5)
_NARROW: Final = _Frame(340, 0, 44, 3)


def timeline_svg(timeline: Timeline, *, style: str | None = None, narrow: bool = False) -> str:
    """Return a timeline as one svg element.

    Args:
        timeline: what to draw.
        style: rules that it brings along.
        narrow: draw for a narrow page, the names above their lanes.
    """
    return "".join(_elements(timeline, style, _NARROW if narrow else _WIDE))


def _elements(timeline: Timeline, style: str | None, frame: _Frame) -> Iterator[str]:
    height = _TOP + frame.lane * len(timeline.lanes) + 14
    scale = _Scale(timeline, frame)
    name = f"Timeline of {_safe(timeline.validator.address)}, {count(len(timeline.lanes), 'certificate')}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="timeline" viewBox="0 0 {frame.width} {height}" '
        f'width="{frame.width}" height="{height}" role="img" aria-label="{name}">'
    )
    if style is not None:
        yield f"<style>{style}</style>"
    for number in range(frame.ticks):
        x = scale.left + (scale.right - scale.left) * number / (frame.ticks - 1)
        time = round(scale.start + scale.span * number / (frame.ticks - 1))
        yield f'<line class="tick" x1="{x:.1f}" y1="22" x2="{x:.1f}" y2="{height - 8}"/>'
        anchor = "end" if number == frame.ticks - 1 else "start" if not (number or frame.names) else "middle"
        yield f'<text class="time" x="{x:.1f}" y="15" text-anchor="{anchor}">{_tick(time, scale.span)}</text>'
    for number, lane in enumerate(timeline.lanes):
        top = _TOP + frame.lane * number
        label = _safe(safe_text(lane.name, limit=_LONGEST_NAME))
        if frame.names:
            y = top + frame.lane // 2
            yield f'<text class="lane" x="{frame.names - 12}" y="{y + 4}" text-anchor="end">{label}</text>'
        else:
            y = top + frame.lane - 14
            yield f'<text class="lane" x="{scale.left}" y="{y - 14}">{label}</text>'
        yield from _lane(lane, y, scale)
    yield "</svg>"


def _tick(time: int, span: float) -> str:
    """Return a moment as long as it takes to tell it from the next one, with its date where days pass."""
    if span > 172_800e9:
        return moment(time)[:16]
    return moment(time)[11:19] if span > 5e9 else moment(time, fraction=True)[11:23]


class _Scale:
    """From time to place."""

    def __init__(self, timeline: Timeline, frame: _Frame) -> None:
        length = max(timeline.end - timeline.start, 1_000_000)
        self.start = timeline.start - length * _MARGIN
        self.span = length * (1 + 2 * _MARGIN)
        self.left, self.right = frame.names or 8, frame.width - (_EDGE if frame.names else 12)

    def x(self, time: int) -> float:
        """Return where a time is, at the edge where it is beyond."""
        place = self.left + (time - self.start) / self.span * (self.right - self.left)
        return min(max(place, self.left), self.right)


def _lane(lane: Lane, y: int, scale: _Scale) -> Iterator[str]:
    yield f'<line class="base" x1="{scale.left}" y1="{y}" x2="{scale.right}" y2="{y}"/>'
    drawn: set[tuple[int, int, str]] = set()
    for cover in lane.covers:
        x, end = scale.x(cover.start), scale.x(cover.end)
        place = (round(x / _NEAR), round(end / _NEAR), cover.status)
        if place in drawn:
            continue
        drawn.add(place)
        beyond = cover.end > scale.start + scale.span
        words = f"{cover.label}: {moment(cover.end)}, {duration(max(cover.end - cover.start, 0))}"
        yield (
            f'<rect class="cover {cover.status}{" beyond" if beyond else ""}" x="{x:.1f}" y="{y - 7}" '
            f'width="{max(end - x, 3):.1f}" height="14" rx="3"><title>{_safe(words)}</title></rect>'
        )
        if beyond:
            yield f'<path class="more {cover.status}" d="M{end:.1f} {y - 5}l7 5l-7 5z"/>'
    near: dict[tuple[EventKind, int], list[Event]] = {}
    for event in lane.events:
        near.setdefault((event.kind, int(scale.x(event.time) / _NEAR)), []).append(event)
    for some in near.values():
        yield _mark(some, scale.x(some[0].time), y)


def _mark(events: Sequence[Event], x: float, y: int) -> str:
    """Draw events of one kind that stand at one place as one: it tells of the first, and how many follow."""
    first = events[0]
    frame = f", frame {first.frame}" if first.frame is not None else ""
    words = f"{moment(first.time, fraction=True)}: {first.label}{frame}"
    if len(events) > 1:
        words += f", and {len(events) - 1} more close to it"
    return f'<g class="event {first.kind}">{_SHAPES[first.kind](x, y)}<title>{_safe(words)}</title></g>'


def _circle(x: float, y: int) -> str:
    return f'<circle cx="{x:.1f}" cy="{y}" r="4.5"/>'


def _triangle(x: float, y: int) -> str:
    return f'<path d="M{x:.1f} {y - 7}l6 11h-12z"/>'


def _bar(x: float, y: int) -> str:
    return f'<rect x="{x - 3.5:.1f}" y="{y - 9}" width="7" height="18" rx="1.5"/>'


def _cross(x: float, y: int) -> str:
    return f'<path d="M{x - 5:.1f} {y - 5}l10 10M{x + 5:.1f} {y - 5}l-10 10"/>'


_SHAPES: Final[Mapping[EventKind, Callable[[float, int], str]]] = {
    "handshake": _circle,
    "staple": _triangle,
    "staple-revoked": _triangle,
    "staple-unusable": _triangle,
    "query": _bar,
    "revoked": _bar,
    "unknown": _bar,
    "failed": _cross,
}


def _safe(text: str) -> str:
    return str(escape(safe_text(text)))

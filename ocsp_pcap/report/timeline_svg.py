"""The timeline of one validator as SVG: a lane a certificate, marks for events, bars for answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from markupsafe import escape

from ocsp_pcap.explain.model import Event, Lane, Timeline
from ocsp_pcap.report.wording import duration, moment
from ocsp_pcap.terminal.escape import safe_text

_WIDTH: Final = 1060
_NAMES: Final = 250
"""Units for the names at the left."""
_EDGE: Final = 24
_LANE: Final = 30
_TOP: Final = 34
_LONGEST_NAME: Final = 34
_MARGIN: Final = 0.04
"""Part of the span that is left free at both ends."""


def timeline_svg(timeline: Timeline, *, style: str | None = None) -> str:
    """Return a timeline as one svg element; ``style``: rules that it brings along."""
    return "".join(_elements(timeline, style))


def _elements(timeline: Timeline, style: str | None) -> Iterator[str]:
    height = _TOP + _LANE * len(timeline.lanes) + 14
    scale = _Scale(timeline)
    name = f"Timeline of {_safe(timeline.validator.address)}, {len(timeline.lanes)} certificates"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="timeline" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="{name}">'
    )
    if style is not None:
        yield f"<style>{style}</style>"
    for number in range(5):
        x = scale.left + (scale.right - scale.left) * number / 4
        time = round(scale.start + scale.span * number / 4)
        words = moment(time)[11:19] if scale.span > 5e9 else moment(time, fraction=True)[11:23]
        yield f'<line class="tick" x1="{x:.1f}" y1="22" x2="{x:.1f}" y2="{height - 8}"/>'
        anchor = "end" if number == 4 else "middle"
        yield f'<text class="time" x="{x:.1f}" y="15" text-anchor="{anchor}">{words}</text>'
    for number, lane in enumerate(timeline.lanes):
        y = _TOP + _LANE * number + _LANE // 2
        yield from _lane(lane, y, scale)
    yield "</svg>"


class _Scale:
    """From time to place."""

    def __init__(self, timeline: Timeline) -> None:
        length = max(timeline.end - timeline.start, 1_000_000)
        self.start = timeline.start - length * _MARGIN
        self.span = length * (1 + 2 * _MARGIN)
        self.left, self.right = _NAMES, _WIDTH - _EDGE

    def x(self, time: int) -> float:
        """Return where a time is, at the edge where it is beyond."""
        place = self.left + (time - self.start) / self.span * (self.right - self.left)
        return min(max(place, self.left), self.right)


def _lane(lane: Lane, y: int, scale: _Scale) -> Iterator[str]:
    name = safe_text(lane.name, limit=_LONGEST_NAME)
    yield f'<text class="lane" x="{_NAMES - 12}" y="{y + 4}" text-anchor="end">{_safe(name)}</text>'
    yield f'<line class="base" x1="{scale.left}" y1="{y}" x2="{scale.right}" y2="{y}"/>'
    for cover in lane.covers:
        x, end = scale.x(cover.start), scale.x(cover.end)
        beyond = cover.end > scale.start + scale.span
        told = f"{cover.label}: {moment(cover.end)}, {duration(max(cover.end - cover.start, 0))}"
        kind = "cover revoked" if cover.revoked else "cover"
        yield (
            f'<rect class="{kind}{" beyond" if beyond else ""}" x="{x:.1f}" y="{y - 7}" '
            f'width="{max(end - x, 3):.1f}" height="14" rx="3"><title>{_safe(told)}</title></rect>'
        )
        if beyond:
            more = "more revoked" if cover.revoked else "more"
            yield f'<path class="{more}" d="M{end:.1f} {y - 5}l7 5l-7 5z"/>'
    for event in lane.events:
        yield _mark(event, scale.x(event.time), y)


def _mark(event: Event, x: float, y: int) -> str:
    shapes = {
        "handshake": f'<circle cx="{x:.1f}" cy="{y}" r="4.5"/>',
        "staple": f'<path d="M{x:.1f} {y - 7}l6 11h-12z"/>',
        "query": f'<rect x="{x - 3.5:.1f}" y="{y - 9}" width="7" height="18" rx="1.5"/>',
        "revoked": f'<rect x="{x - 3.5:.1f}" y="{y - 9}" width="7" height="18" rx="1.5"/>',
        "failed": f'<path d="M{x - 5:.1f} {y - 5}l10 10M{x + 5:.1f} {y - 5}l-10 10"/>',
    }
    frame = f", frame {event.frame}" if event.frame is not None else ""
    told = f"{moment(event.time, fraction=True)}: {event.label}{frame}"
    return f'<g class="event {event.kind}">{shapes[event.kind]}<title>{_safe(told)}</title></g>'


def _safe(text: str) -> str:
    return str(escape(safe_text(text)))

"""From frames counted through a rotated set to the file that holds them, for the engineer to open."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate
from typing import Any, NamedTuple

from ocsp_pcap.explain.model import Event, Evidence, Explanation, Lane, Leg, Sighting, Verdict
from ocsp_pcap.facts import CaptureFact, OcspExchangeFact, Transport


class FramePlace(NamedTuple):
    """Where something stands, to be opened in Wireshark."""

    capture: str
    frame: int
    stream: int | None


class _Set:
    """The files of one set."""

    def __init__(self, capture: CaptureFact) -> None:
        self.files = capture.files
        self._ends = list(accumulate(file.packets for file in capture.files))
        self._streams = [
            ({s.stream: s.number for s in file.tcp_streams}, {s.stream: s.number for s in file.udp_streams})
            for file in capture.files
        ]

    def place(self, frame: int, stream: int | None, *, udp: bool = False) -> FramePlace:
        """Return file, frame and stream there; stream None: it has no number there."""
        number = min(bisect_left(self._ends, frame), len(self._ends) - 1)
        before = self._ends[number - 1] if number else 0
        here = None if stream is None else self._streams[number][udp].get(stream)
        return FramePlace(self.files[number].path, frame - before, here)


class Places:
    """Knows which captures are sets; what stands in any other capture stays as it is."""

    def __init__(self, captures: Iterable[CaptureFact]) -> None:
        self._sets = {capture.path: _Set(capture) for capture in captures if capture.files}

    def frame_words(self, capture: str, frame: int | None) -> str | None:
        """Return how a sentence names a frame: with its file where the capture is a set."""
        own = self._sets.get(capture)
        if own is None or frame is None:
            return None if frame is None else str(frame)
        place = own.place(frame, None)
        return f"{place.frame} of {place.capture}"

    def reference(
        self, capture: str, frame: int | None, stream: int | None, transport: Transport = "tcp"
    ) -> dict[str, Any]:
        """Return ``frame``, ``stream`` and ``transport`` for a sentence that leads to a packet."""
        if capture not in self._sets:
            return {"frame": frame, "stream": stream, "transport": transport}
        (placed,) = self._evidence((Evidence(capture, frame, stream, "", transport),))
        return {"frame": self.frame_words(capture, frame), "stream": placed.stream, "transport": transport}

    def located(self, explanation: Explanation) -> Explanation:
        """Return an explanation with frames and streams as they are numbered in their files."""
        if not self._sets:
            return explanation
        return replace(
            explanation,
            verdicts=tuple(self._verdict(verdict) for verdict in explanation.verdicts),
            findings=tuple(
                replace(finding, evidence=self._evidence(finding.evidence))
                for finding in explanation.findings
            ),
            unmatched_exchanges=tuple(self._exchange(e) for e in explanation.unmatched_exchanges),
            chains=tuple(
                replace(chain, legs=tuple(self._leg(leg) for leg in chain.legs))
                for chain in explanation.chains
            ),
            staples=tuple(replace(row, evidence=self._evidence(row.evidence)) for row in explanation.staples),
            timelines=tuple(
                replace(line, lanes=tuple(self._lane(lane) for lane in line.lanes))
                for line in explanation.timelines
            ),
            picture=replace(
                explanation.picture,
                links=tuple(
                    replace(link, evidence=self._evidence(link.evidence))
                    for link in explanation.picture.links
                ),
            ),
        )

    def _evidence(self, evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
        return tuple(self._one(item) for item in evidence)

    def _one(self, item: Evidence) -> Evidence:
        own = self._sets.get(item.capture)
        if own is None or item.frame is None:
            return item
        place = own.place(item.frame, item.stream, udp=item.transport == "udp")
        return Evidence(*place, item.note, item.transport)

    def _sighting(self, sighting: Sighting) -> Sighting:
        evidence = self._evidence(sighting.evidence)
        own = self._sets.get(sighting.capture)
        if own is None:
            return replace(sighting, evidence=evidence)
        udp = any(item.transport == "udp" for item in sighting.evidence)
        place = own.place(sighting.frame, sighting.stream, udp=udp)
        stream = sighting.stream if place.stream is None else place.stream
        return replace(sighting, capture=place.capture, frame=place.frame, stream=stream, evidence=evidence)

    def _verdict(self, verdict: Verdict) -> Verdict:
        sightings = tuple(self._sighting(sighting) for sighting in verdict.sightings)
        return replace(verdict, evidence=self._evidence(verdict.evidence), sightings=sightings)

    def _lane(self, lane: Lane) -> Lane:
        return replace(lane, events=tuple(self._event(event) for event in lane.events))

    def _event(self, event: Event) -> Event:
        own = self._sets.get(event.capture)
        if own is None or event.frame is None:
            return event
        place = own.place(event.frame, None)
        return replace(event, capture=place.capture, frame=place.frame)

    def _leg(self, leg: Leg) -> Leg:
        own = self._sets.get(leg.capture)
        if own is None:
            return leg
        place = own.place(leg.frame, leg.stream)
        stream = leg.stream if place.stream is None else place.stream
        return replace(leg, capture=place.capture, frame=place.frame, stream=stream)

    def _exchange(self, exchange: OcspExchangeFact) -> OcspExchangeFact:
        """Return an exchange as it is numbered in its file; one that spans files stays as it is."""
        own = self._sets.get(exchange.capture)
        frames = exchange.frames
        if own is None:
            return exchange
        request = None if frames.request is None else own.place(frames.request, exchange.stream)
        response = None if frames.response is None else own.place(frames.response, exchange.stream)
        found = [place for place in (request, response) if place is not None]
        if len({place.capture for place in found}) != 1 or found[0].stream is None:
            return exchange
        return replace(
            exchange,
            capture=found[0].capture,
            stream=found[0].stream,
            frames=replace(frames, request=request and request.frame, response=response and response.frame),
        )

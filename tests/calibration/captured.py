"""Captures that begin late, end early, or lack some of what a world holds."""

from __future__ import annotations

import random
from dataclasses import replace

from ocsp_pcap.facts import (
    CaptureFact,
    CertificateFact,
    ExchangeFrames,
    Fact,
    HandshakeFact,
    OcspExchangeFact,
)
from tests.unit.explain.facts_factory import (
    BEGIN,
    PARENT_INSIDE,
    SECOND,
    capture,
)

from .known_world import LENGTH, World


def cut(rng: random.Random, made: World) -> None:
    """Begin later, end sooner, or lose some of what there was, and say so."""
    start = rng.choice((-60.0, -60.0, rng.uniform(0, LENGTH / 2)))
    end = rng.choice((3600.0, 3600.0, rng.uniform(LENGTH / 2, LENGTH)))
    ends = {"a.pcap": (start, end), "b.pcap": (start, end)}
    if made.two_captures and rng.random() < 0.5:
        ends["b.pcap"] = rng.choice(((start, rng.uniform(start, end)), (rng.uniform(start, end), end)))
    kept: list[Fact] = []
    paths = {"a.pcap"}
    for item in made.items:
        if isinstance(item, CertificateFact | CaptureFact):
            kept.append(item)
            continue
        elsewhere = made.two_captures and not isinstance(item, HandshakeFact) and item.server != PARENT_INSIDE
        path = "b.pcap" if elsewhere else "a.pcap"
        seconds = (item.time - BEGIN) / SECOND
        first, last = ends[path]
        if made.partial and isinstance(item, OcspExchangeFact) and rng.random() < 0.3:
            item = _half(rng, item)
        if first <= seconds <= last and not (made.lossy and rng.random() < 0.15):
            kept.append(replace(item, capture=path))
            paths.add(path)
    ports = {"a.pcap": (443, 3128) if made.two_captures else (53, 80, 443, 3128), "b.pcap": (53, 80)}
    for path in sorted(paths | ({"b.pcap"} if made.two_captures else set())):
        first, last = ends[path]
        kept.append(
            capture(
                path,
                first_time=BEGIN + int(first * SECOND),
                until=last,
                ports_seen=ports[path],
                tcp_gaps=3 if made.lossy or made.partial else 0,
            )
        )
    made.items = kept


def _half(rng: random.Random, exchange_seen: OcspExchangeFact) -> OcspExchangeFact:
    """Lose one direction of an exchange, or the end of its answer."""
    frames, answer = exchange_seen.frames, exchange_seen.response
    form = rng.choice(("request", "answer", "end"))
    if form == "request" and answer is not None:
        return replace(exchange_seen, frames=ExchangeFrames(None, frames.response), requests=(), url=None)
    if form == "answer":
        lost = {"http_status": None, "response": None, "response_time": None}
        return replace(exchange_seen, frames=ExchangeFrames(frames.request), **lost)
    return replace(exchange_seen, response=None, missing_bytes=400) if answer is not None else exchange_seen

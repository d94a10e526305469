"""Captures with packets taken out, cut short, or given other times, as ``editcap`` can and worse.

All by a seeded generator, so that a seed tells the whole story.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from .packets import Flow, Packets

Damage: TypeAlias = Callable[[random.Random, dict[str, Packets]], dict[str, Packets]]


def lose_some(rng: random.Random, files: dict[str, Packets]) -> dict[str, Packets]:
    """Lose single packets anywhere."""
    share = rng.choice((0.01, 0.05, 0.2, 0.5))
    return {name: [p for p in packets if rng.random() > share] for name, packets in files.items()}


def lose_one(rng: random.Random, files: dict[str, Packets]) -> dict[str, Packets]:
    """Lose one packet."""
    name = rng.choice(sorted(files))
    at = rng.randrange(len(files[name]))
    return files | {name: files[name][:at] + files[name][at + 1 :]}


def _flows(packets: Packets) -> list[Flow]:
    return sorted({p.flow for p in packets if p.flow is not None}, key=sorted)


def lose_streams(rng: random.Random, files: dict[str, Packets]) -> dict[str, Packets]:
    """Lose whole conversations of one file, of all files, or of one kind of port."""
    flows = sorted({flow for packets in files.values() for flow in _flows(packets)}, key=sorted)
    lost = set(rng.sample(flows, rng.randint(min(1, len(flows)), (len(flows) + 1) // 2)))
    return {name: [p for p in packets if p.flow not in lost] for name, packets in files.items()}


def keep_port(rng: random.Random, files: dict[str, Packets]) -> dict[str, Packets]:
    """Filter a port away, or all others, as a capture filter does."""
    name = rng.choice(sorted(files))
    ports = sorted({min(port for _, port in flow) for flow in _flows(files[name])})
    if not ports:
        return files
    port = rng.choice(ports)
    keep = rng.random() < 0.5
    chosen = [p for p in files[name] if (p.flow is not None and min(n for _, n in p.flow) == port) == keep]
    return files | {name: chosen}


def lose_direction(rng: random.Random, files: dict[str, Packets]) -> dict[str, Packets]:
    """Lose one direction of one conversation, or what one host sent at all."""
    name = rng.choice(sorted(files))
    senders = sorted({p.sender for p in files[name] if p.sender is not None})
    if not senders:
        return files
    sender = rng.choice(senders)
    if rng.random() < 0.5:
        return files | {name: [p for p in files[name] if p.sender != sender]}
    return files | {name: [p for p in files[name] if p.sender is None or p.sender[0] != sender[0]]}


def cut_head(rng: random.Random, files: dict[str, Packets]) -> dict[str, Packets]:
    """Begin later."""
    name = rng.choice(sorted(files))
    return files | {name: files[name][rng.randrange(len(files[name])) :]}


def cut_tail(rng: random.Random, files: dict[str, Packets]) -> dict[str, Packets]:
    """End sooner, one file or all at the same moment."""
    if rng.random() < 0.5:
        name = rng.choice(sorted(files))
        return files | {name: files[name][: rng.randrange(1, len(files[name]) + 1)]}
    times = sorted(p.time for packets in files.values() for p in packets)
    end = rng.choice(times)
    return {name: [p for p in packets if p.time <= end] for name, packets in files.items()}


def gap(rng: random.Random, files: dict[str, Packets]) -> dict[str, Packets]:
    """Lose what came for a while."""
    name = rng.choice(sorted(files))
    first, last = sorted(rng.randrange(len(files[name]) + 1) for _ in range(2))
    return files | {name: files[name][:first] + files[name][last:]}


def lose_file(rng: random.Random, files: dict[str, Packets]) -> dict[str, Packets]:
    """Lose one of several captures."""
    if len(files) == 1:
        return gap(rng, files)
    lost = rng.choice(sorted(files))
    return {name: packets for name, packets in files.items() if name != lost}


def snap(rng: random.Random, files: dict[str, Packets]) -> dict[str, Packets]:
    """Cut packets short."""
    length = rng.choice((60, 96, 128, 200, 300, 512, 1000, 1400))
    return {n: [replace(p, data=p.data[:length]) for p in packets] for n, packets in files.items()}


def shift(rng: random.Random, files: dict[str, Packets]) -> dict[str, Packets]:
    """Set the clock of one file, from the start or in the middle."""
    name = rng.choice(sorted(files))
    offset = rng.choice((-1, 1)) * rng.choice((2, 30, 200, 4000, 90_000)) * 10**9
    start = 0 if rng.random() < 0.5 else rng.randrange(len(files[name]))
    moved = [replace(p, time=p.time + offset) if i >= start else p for i, p in enumerate(files[name])]
    return files | {name: moved}


DAMAGES: Mapping[str, Damage] = {
    damage.__name__: damage
    for damage in (
        lose_some, lose_one, lose_streams, keep_port, lose_direction, cut_head, cut_tail, gap, lose_file,
        snap, shift,
    )
}  # fmt: skip

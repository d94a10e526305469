"""Attacks by what a capture was told to keep, by its clock, its keys, and addresses that hosts share."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeAlias

from .calibrate import Answers, Whole
from .merges import SECOND, as_one_host, renamed
from .packets import ACK, SYN, TCP, End, Packet, flags, opens, readdressed, reworded

Keep: TypeAlias = Callable[[Packet], bool]


def filtered(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole:
    """Keep what a capture filter keeps: no SYNs, no bare ACKs, one host, one way, large packets or small."""
    del wholes
    addresses = sorted({end[0] for packets in one.files.values() for p in packets for end in p.flow or ()})
    ports = sorted({min(n for _, n in p.flow) for ps in one.files.values() for p in ps if p.flow is not None})
    host, port = rng.choice(addresses), rng.choice(ports)
    size = rng.choice((60, 120, 250, 600, 1400))
    filters: Mapping[str, Keep] = {
        "no SYN": lambda p: not flags(p) & SYN,
        "no SYN of a client": lambda p: not opens(p),
        "no SYN/ACK": lambda p: flags(p) & (SYN | ACK) != SYN | ACK,
        "no FIN or RST": lambda p: not flags(p) & 5,
        "payload only": lambda p: not p.transport or bool(p.payload),
        "TCP only": lambda p: p.protocol == TCP,
        f"host {host}": lambda p: p.flow is not None and host in {end[0] for end in p.flow},
        f"not host {host}": lambda p: p.flow is None or host not in {end[0] for end in p.flow},
        f"src host {host}": lambda p: p.sender is not None and p.sender[0] == host,
        f"not dst host {host}": lambda p: p.receiver is None or p.receiver[0] != host,
        f"src port {port}": lambda p: p.sender is not None and p.sender[1] == port,
        f"not src port {port}": lambda p: p.sender is None or p.sender[1] != port,
        f"not dst port {port}": lambda p: p.receiver is None or p.receiver[1] != port,
        f"not port {port}": lambda p: p.flow is None or port not in {end[1] for end in p.flow},
        f"less {size}": lambda p: p.length <= size,
        f"greater {size}": lambda p: p.length >= size,
    }
    words = rng.choice(sorted(filters))
    name = rng.choice(sorted(one.files))
    everywhere = rng.random() < 0.5
    files = {
        path: [p for p in packets if filters[words](p)] if everywhere or path == name else packets
        for path, packets in one.files.items()
    }
    where = "all" if everywhere else name
    answers = replace(one.answers, findings=None)
    return replace(one, name=f"{one.name}, filter of {where}: {words}", files=files, answers=answers)


def stepped(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole:
    """Let the clock of the captures step while they run, or run too fast or too slow."""
    del wholes
    times = sorted(p.time for packets in one.files.values() for p in packets)
    steps = sorted(
        (
            rng.choice(times),
            int(rng.choice((-1, 1)) * rng.choice((0.05, 0.4, 3, 12, 70, 700, 90_000)) * SECOND),
        )
        for _ in range(rng.randint(1, 3))
    )
    speed = rng.choice((1, 1, 0.9, 1.1, 0.5, 2))
    only = rng.choice([None, *sorted(one.files)])

    def moved(packet: Packet) -> Packet:
        by = sum(step for begin, step in steps if packet.time >= begin)
        return replace(packet, time=times[0] + int((packet.time - times[0]) * speed) + by)

    files = {
        name: [*map(moved, packets)] if only in (None, name) else packets
        for name, packets in one.files.items()
    }
    words = [f"{step / SECOND:.2f} s at {(begin - times[0]) / SECOND:.1f}" for begin, step in steps]
    answers = replace(one.answers, findings=None)
    return replace(one, name=f"{one.name}, clock of {only}: {words}, x {speed}", files=files, answers=answers)


def fewer_keys(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole:
    """Take lines out of the key logs, or whole sessions, or one side's traffic keys."""
    if not one.given.key_logs:
        one = rng.choice([each for each in wholes if each.given.key_logs])
    lines = [line for path in one.given.key_logs for line in path.read_text().splitlines()]
    how = rng.choice(("lines", "sessions", "labels"))
    part = {"lines": lambda s: s, "sessions": lambda s: s.split()[1:2], "labels": lambda s: s.split()[:1]}[
        how
    ]
    kinds = sorted({str(part(line)) for line in lines})
    gone = set(rng.sample(kinds, rng.randint(1, len(kinds))))
    kept = [line for line in lines if str(part(line)) not in gone]
    path = Path(_folder()) / f"{rng.random()}.keys"
    path.write_text("\n".join(kept) + "\n")
    given = replace(one.given, key_logs=(path,))
    hidden = frozenset({"certificate-encrypted"})
    answers = Answers(
        {key: causes | hidden for key, causes in one.answers.headlines.items()},
        {at: causes | hidden for at, causes in one.answers.sightings.items()},
    )
    return replace(one, name=f"{one.name}, without {len(gone)} {how} of keys", given=given, answers=answers)


@cache
def _folder() -> str:
    return tempfile.mkdtemp()


def one_address(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole | None:
    """Let servers share an address, as behind a CDN, also in what resolvers say; or clients, by NAT."""
    del wholes
    everything = [p for packets in one.files.values() for p in packets]
    opened = {(p.sender, p.receiver) for p in everything if opens(p)}
    senders = {end[0] for end, _ in opened if end is not None}
    servers = {end[0] for _, end in opened if end is not None}
    of_clients = rng.random() < 0.5
    chosen = sorted(senders - servers if of_clients else servers - senders)
    chosen = [address for address in chosen if ":" not in address]
    if len(chosen) < 2:
        return None
    first, *others = rng.sample(chosen, rng.randint(2, len(chosen)))
    known: dict[End, End] = {}
    taken = {end for pair in opened for end in pair if end is not None and end[0] == first}

    def ends(end: End) -> End:
        address, port = end
        if address not in others:
            return end
        if end not in known:
            while of_clients and (first, port) in taken:
                port = rng.randrange(32768, 61000)
            known[end] = first, port
            taken.add(known[end])
        return known[end]

    words = [(IPv4Address(other).packed, IPv4Address(first).packed) for other in others]
    files = {
        name: [
            changed if 53 not in {n for _, n in p.flow or ()} else reworded([changed], words)[0]
            for p, changed in zip(packets, readdressed(packets, ends), strict=True)
        ]
        for name, packets in one.files.items()
    }
    who = "clients" if of_clients else "servers"
    answers = replace(as_one_host(one, renamed(one.answers, ends), ends), findings=None)
    return replace(one, name=f"{one.name}, {who} {others} at {first}", files=files, answers=answers)

"""Two samples in one capture: other hosts beside, or behind the same address, and what is true of each.

Nothing of what a host did changes by being seen beside another: what the sample itself says of a connection
stays true of it.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from ocsp_pcap.facts import Facts

from .calibrate import Answers, Connection, Given, Key, Whole
from .packets import End, Packets, by_time, opens, readdressed, reworded, shifted

SECOND: Final = 10**9
NEAR: Final = 1800 * SECOND
"""What is moved by so little says the same: no answer and no certificate runs out by that."""
FRESH: Final = "10.77.0.{}"
"""Addresses that no sample has."""
Ends: TypeAlias = Callable[[End], End]


def clients(facts: Facts, capture: str | None = None) -> list[str]:
    """Return the TLS clients of a capture, by its name."""
    found = (h.client for h in facts.handshakes if capture is None or h.capture.endswith(f"/{capture}"))
    return sorted(set(found))


def renamed(answers: Answers, ends: Ends) -> Answers:
    """Return what is known, by the addresses that its hosts have now."""

    def key(known: Key) -> Key:
        return ends((known[0], 0))[0], known[1], known[2]

    return Answers(
        {key(known): causes for known, causes in answers.headlines.items()},
        {
            ((*ends((client, port)), *ends((server, other))), presenter, shown): causes
            for ((client, port, server, other), presenter, shown), causes in answers.sightings.items()
        },
    )


def both(one: Answers, other: Answers) -> Answers:
    """Return what is known of either."""
    return Answers(
        {
            key: one.headlines.get(key, frozenset()) | other.headlines.get(key, frozenset())
            for key in {**one.headlines, **other.headlines}
        },
        {**one.sightings, **other.sightings},
    )


def merged(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole | None:
    """Add another sample, or the same one some seconds later, beside the first or behind its address."""
    place = rng.choice(sorted(one.files))
    begin = one.files[place][0].time
    near = [
        (each, name)
        for each in wholes
        for name, packets in each.files.items()
        if each.link_types[name] == one.link_types[place] and abs(packets[0].time - begin) < NEAR
    ]
    other, name = (one, place) if rng.random() < 0.3 else rng.choice(near)
    if other is one and (one.given.key_logs or any(h.transport == "udp" for h in one.facts.handshakes)):
        # A hello that comes twice is handed on, and what keys open, or are made of, bears no other one.
        return None
    packets = other.files[name]
    delay = int(rng.choice((rng.uniform(0, 4), rng.uniform(2, 20))) * SECOND)
    by = begin + delay - packets[0].time
    packets = shifted(packets, by)
    if other is one:
        packets = reworded(packets, _other_randoms(rng, one.facts))
    hosts = clients(other.facts, name)
    here = clients(one.facts, place)
    if not hosts or not here:
        return None
    behind = rng.choice(("same address", "same address", "beside", "as it is"))
    moved = dict.fromkeys([rng.choice(hosts)], rng.choice(here) if behind == "same address" else None)
    moved |= dict.fromkeys(hosts) if behind == "beside" else {}
    stay: dict[str, str | None] = {host: host for host in hosts}
    if other is one:
        # No two connections have the same ends at one time: who opens one again does so from another port.
        stay |= {p.sender[0]: p.sender[0] for p in packets if p.sender is not None and opens(p)}
    moved = stay | moved if other is one and behind != "as it is" else moved
    ends = _moved(rng, one.files[place], moved if behind != "as it is" else stay)
    given = rng.choice((one.given, Given(roles=one.given.roles), Given()))
    given = replace(given, key_logs=(*one.given.key_logs, *other.given.key_logs))
    story = f"{one.name}/{place} + {other.name}/{name}, {behind} {moved}, {delay / SECOND:.2f} s later"
    files = {**one.files, place: by_time(one.files[place], readdressed(packets, ends))}
    truth = both(one.answers, as_one_host(other, renamed(other.answers, ends), ends))
    truth = with_what_is_told(given, truth)
    return replace(one, name=story, files=files, given=given, answers=truth)


def as_one_host(of: Whole, truth: Answers, ends: Ends) -> Answers:
    """Let legs of one connection that now begin at one address share what is true: it is one host's."""
    legs: dict[tuple[str | None, str], list[Connection]] = defaultdict(list)
    for h in of.facts.handshakes:
        client, server = ends((h.client, h.client_port)), ends((h.server, h.server_port))
        for sha256 in (*h.certificates, None):
            legs[h.client_random, client[0]].append(((*client, *server), "server", sha256))
    sightings = dict(truth.sightings)
    for alike in legs.values():
        for shown in {connection[2] for connection in alike}:
            same = [each for each in alike if each[2] == shown and each in sightings]
            causes = frozenset(cause for each in same for cause in truth.sightings[each])
            sightings.update(dict.fromkeys(same, causes))
    return Answers(truth.headlines, sightings)


def with_what_is_told(given: Given, truth: Answers) -> Answers:
    """Add what the site file says of OCSP where nothing is known to the contrary."""

    def more(address: str, causes: frozenset[str]) -> frozenset[str]:
        here = [p for p in given.site.proxies if address in p.addresses or not p.addresses]
        told = {"ocsp-disabled"} if any(proxy.ocsp is False for proxy in here) else set()
        told |= {"no-responder-for-issuer"} if any(proxy.issuers for proxy in here) else set()
        open_ = causes & {"unexplained", "not-intercepted", "capture-incomplete"}
        return causes | told if open_ else causes

    return Answers(
        {key: more(key[0], causes) for key, causes in truth.headlines.items()},
        {connection: more(connection[0][0], causes) for connection, causes in truth.sightings.items()},
    )


def _other_randoms(rng: random.Random, facts: Facts) -> Iterable[tuple[bytes, bytes]]:
    known = {r for h in facts.handshakes for r in (h.client_random, h.server_random) if r is not None}
    return [(bytes.fromhex(random_bytes), rng.randbytes(32)) for random_bytes in sorted(known)]


def _moved(rng: random.Random, beside: Packets, moved: Mapping[str, str | None]) -> Ends:
    """Return where each end of the added packets is: some hosts at other addresses, ports that are free."""
    taken = {end for packet in beside for end in (packet.sender, packet.receiver) if end is not None}
    fresh = {host: FRESH.format(210 + number) for number, host in enumerate(sorted(moved))}
    known: dict[End, End] = {}

    def ends(end: End) -> End:
        address, port = end
        if address not in moved or ":" in address:
            return end
        if end not in known:
            new = moved[address] or fresh[address]
            while port >= 1024 and (new, port) in taken:
                port = rng.randrange(32768, 61000)
            known[end] = new, port
            taken.add(known[end])
        return known[end]

    return ends

"""Samples under attack: what captures can be like though nothing that a host did is another thing by it.

Each attack changes packets, or what is given beside them, and leaves what is true of each connection. What is
confirmed of the result and not true is a lie.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from ocsp_pcap.explain.site import Proxy, ProxyRole, Site
from ocsp_pcap.explain.trace import TraceEntry

from .calibrate import Answers, Count, Whole, explanation_of, judge
from .conversations import Conversation, by_get, conversations, joined, spoken, without
from .filters import fewer_keys, filtered, one_address, stepped
from .merges import SECOND, merged, with_what_is_told
from .packets import Packet, Packets, by_time, edited, shifted

Attack: TypeAlias = Callable[[random.Random, Sequence[Whole], Whole], Whole | None]
"""None: the sample has nothing to attack in this way."""
MILLISECOND: Final = 10**6


def _changed(one: Whole, words: str, files: Mapping[str, Packets]) -> Whole:
    return replace(one, name=f"{one.name}, {words}", files=files)


def one_connection(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole | None:
    """Let a host send all its queries to a responder on one connection, pipelined or not, some by GET.

    Behind a relay these are the queries of several hosts.
    """
    del wholes
    name = rng.choice(sorted(one.files))
    talks: dict[tuple[str, object], list[Conversation]] = defaultdict(list)
    for talk in conversations(one.files[name]):
        if talk.pairs:
            talks[talk.client[0], talk.server].append(talk)
    if not talks:
        return None
    several = talks[rng.choice(sorted(talks))]
    if rng.random() < 0.5:
        several = [by_get(talk) if rng.random() < 0.5 else talk for talk in several]
    pipelined = rng.random() < 0.5
    held = [joined(several, pipelined=pipelined)] if rng.random() < 0.8 else several
    packets = by_time(without(one.files[name], several), *map(spoken, held))
    words = f"{len(several)} on {len(held)} connections in {name}{', pipelined' if pipelined else ''}"
    made = _changed(one, words, {**one.files, name: packets})
    # Whoever answers on one connection answers one after the other.
    late = {**(one.answers.findings or {}), "slow-responder": None}
    return replace(made, answers=replace(one.answers, findings=late if one.answers.findings else None))


def twice(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole:
    """Capture packets twice: in one file, as a mirror port does, or in two; some by another router."""
    del wholes
    name = rng.choice(sorted(one.files))
    later = int(rng.choice((0, 2_000, rng.uniform(0, 3) * MILLISECOND)))
    again = shifted(one.files[name], later)
    if rng.random() < 0.5:
        again = [_one_hop_later(packet) for packet in again]
    if rng.random() < 0.3:
        again = [packet for packet in again if rng.random() < 0.8]
    link_types = {**one.link_types, f"again-{name}": one.link_types[name]}
    if rng.random() < 0.6:
        return _changed(one, f"{name} twice", {**one.files, name: by_time(one.files[name], again)})
    again = shifted(again, rng.choice((0, 0, 40, -7)) * SECOND)
    files = {**one.files, f"again-{name}": again}
    return replace(_changed(one, f"{name} in two files", files), link_types=link_types)


def _one_hop_later(packet: Packet) -> Packet:
    if not packet.transport or packet.data[packet.network] >> 4 != 4:
        return packet
    ttl, protocol = packet.data[packet.network + 8 : packet.network + 10]
    return edited(packet, packet.network + 8, bytes((ttl - 1, protocol)))


def reordered(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole:
    """Let packets stand out of order in the file, or connections of which one is recorded a bit later."""
    del wholes
    in_file = rng.random() < 0.5
    most = rng.choice((0.1, 1, 5, 20, 50)) * MILLISECOND
    files = {}
    for name, packets in one.files.items():
        late = [(packet.time + int(rng.uniform(0, most)), packet) for packet in packets]
        if not in_file:
            last: dict[object, int] = {}
            for number, (time, packet) in enumerate(late):
                last[packet.flow] = max(time, last.get(packet.flow, 0) + 1)
                late[number] = last[packet.flow], replace(packet, time=last[packet.flow])
        files[name] = [packet for _, packet in sorted(late, key=lambda item: item[0])]
    where = "in the file" if in_file else "between connections"
    return _changed(one, f"out of order {where} by up to {most / MILLISECOND} ms", files)


def one_flow_cut(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole | None:
    """Lose some packets, one direction, the end, or the ends of packets, of a single connection."""
    del wholes
    name = rng.choice(sorted(one.files))
    flows = sorted({packet.flow for packet in one.files[name] if packet.flow is not None}, key=sorted)
    if not flows:
        return None
    flow = rng.choice(flows)
    own = [packet for packet in one.files[name] if packet.flow == flow]
    how = rng.choice(("some", "direction", "data of a direction", "end", "begin", "snap"))
    sender = rng.choice(own).sender
    share, place, length = rng.uniform(0.1, 0.9), rng.randrange(len(own)), rng.choice((54, 70, 100, 200, 600))
    kept = {
        "some": lambda p: rng.random() > share,
        "direction": lambda p: p.sender != sender,
        "data of a direction": lambda p: p.sender != sender or p.protocol != 6 or not p.payload,
        "end": lambda p: p.time < own[place].time,
        "begin": lambda p: p.time > own[place].time,
        "snap": lambda p: True,
    }[how]
    packets = [packet for packet in one.files[name] if packet.flow != flow or kept(packet)]
    if how == "snap":
        packets = [replace(p, data=p.data[:length]) if p.flow == flow else p for p in packets]
    return _changed(one, f"{how} of {sorted(flow)} in {name}", {**one.files, name: packets})


def other_clock(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole | None:
    """Set the clock of all captures so that something ends, or begins, just then."""
    del wholes
    facts = one.facts
    moments = [
        (edge - (exchange.response_time or exchange.time))
        for exchange in facts.ocsp_exchanges
        if exchange.response is not None
        for single in exchange.response.singles
        for edge in (single.this_update, single.next_update)
        if edge is not None
    ]
    moments += [
        edge - handshake.time
        for handshake in facts.handshakes
        for response in handshake.staples
        for single in response.singles
        for edge in (single.this_update, single.next_update)
        if edge is not None
    ]
    moments += [
        edge - handshake.time
        for handshake in facts.handshakes
        for sha256 in handshake.certificates[:1]
        for edge in (facts.certificates[sha256].not_before, facts.certificates[sha256].not_after)
    ]
    if not moments:
        return None
    off = rng.choice(sorted(set(moments))) + rng.choice((-1, 1)) * int(
        rng.choice((0.2, 5, 100, 290, 310, 1000, 4000, 86_400 * 2)) * SECOND
    )
    files = {name: shifted(packets, off) for name, packets in one.files.items()}
    return _changed(one, f"clock off by {off / SECOND:.1f} s", files)


def other_roles(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole:
    """Give captures as those of another proxy, or one of them not at all."""
    del wholes
    files = dict(one.files)
    if len(files) > 1 and rng.random() < 0.4:
        files.pop(rng.choice(sorted(files)))
    choices: tuple[ProxyRole | None, ...] = ("child", "parent", None)
    roles = {name: role for name in files if (role := rng.choice(choices)) is not None}
    site = one.given.site if rng.random() < 0.5 else Site()
    return replace(
        _changed(one, f"given as {roles}{', no site file' if not site.proxies else ''}", files),
        given=replace(one.given, roles=roles, site=site),
        answers=replace(one.answers, findings=None),
    )


def lying_site(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole | None:
    """Say of the proxies, or of whoever is a TLS client, what is not so."""
    del wholes
    addresses = sorted({handshake.client for handshake in one.facts.handshakes})
    proxies = list(one.given.site.proxies) or [
        Proxy(role, frozenset({address}))
        for role, address in zip(rng.sample(("child", "parent"), 2), addresses, strict=False)
    ]
    if not proxies:
        return None
    at = rng.randrange(len(proxies))
    everywhere = sorted({*addresses, *(h.server for h in one.facts.handshakes), "192.0.2.7"})
    lies: Sequence[Mapping[str, object]] = (
        {"ocsp": True}, {"ocsp": False}, {"ocsp": False},
        {"addresses": frozenset({rng.choice(everywhere), rng.choice([*everywhere, "192.0.2.8"])})},
        {"addresses": frozenset()},
        {"intercepts": True}, {"intercepts": False},
        {"cache_ttl": int(rng.choice((1, 5, 3600)) * SECOND)},
        {"forwarding_host": rng.choice(("192.0.2.9:3128", f"{everywhere[0]}:3128"))},
        {"issuers": ("CN=Nobody",)},
        {"responder_url": "http://ocsp.nowhere.test/"},
        {"validates_tunnels": True}, {"crl_fallback": True},
        {"role": "parent" if proxies[at].role == "child" else "child"},
    )  # fmt: skip
    told: dict[str, object] = {}
    for lie in rng.sample(lies, rng.randint(1, 3)):
        told |= lie
    proxies[at] = replace(proxies[at], **told)  # type: ignore[arg-type]
    kept = (each for each in proxies if each is proxies[at] or each.role != proxies[at].role)
    given = replace(one.given, site=Site(proxies=tuple(kept)))
    truth = with_what_is_told(given, one.answers)
    return replace(one, name=f"{one.name}, of {proxies[at].role}: {told}", given=given, answers=truth)


def lying_trace(rng: random.Random, wholes: Sequence[Whole], one: Whole) -> Whole | None:
    """Add a policy trace that says the contrary of what happened, of some handshakes."""
    del wholes
    entries = []
    for handshake in one.facts.handshakes:
        host = handshake.sni or handshake.connect_host
        if host is None or rng.random() < 0.4:
            continue
        time = handshake.time + int(rng.choice((0.01, 0.01, 3, -2, 20, 3600)) * SECOND)
        entries.append(
            TraceEntry(
                "proxy.trace", len(entries) + 1, rng.choice((time, time, None)), host.lower(),
                rng.choice(("cached", "query")), "http://ocsp.pki.test/",
                dated=rng.random() < 0.9, zone=rng.random() < 0.9,
            )
        )  # fmt: skip
    if not entries:
        return None
    given = replace(one.given, trace=tuple(entries))
    words = f"{one.name}, trace {[(entry.host, entry.action) for entry in entries[:4]]}"
    return replace(one, name=words, given=given, answers=_as_traced(one, entries))


def _as_traced(one: Whole, entries: Sequence[TraceEntry]) -> Answers:
    """Add that an answer was held where the trace says so and nothing is known to the contrary."""
    held = {entry.host for entry in entries if entry.action == "cached"}
    visits = [h for h in one.facts.handshakes if (h.sni or h.connect_host or "").lower() in held]
    shown = held | {sha256 for h in visits for sha256 in h.certificates}

    def more(causes: frozenset[str]) -> frozenset[str]:
        return (
            causes | {"cached"}
            if causes & {"unexplained", "ocsp-disabled", "capture-filtered", "not-intercepted"}
            else causes
        )

    return Answers(
        {key: more(causes) if key[2] in shown else causes for key, causes in one.answers.headlines.items()},
        {at: more(causes) for at, causes in one.answers.sightings.items()},
    )


ATTACKS: Final[Mapping[str, Attack]] = {
    attack.__name__: attack
    for attack in (
        merged, one_connection, twice, reordered, one_flow_cut, other_clock, other_roles,
        lying_site, lying_trace, filtered, stepped, fewer_keys, one_address,
    )
}  # fmt: skip


def attacked(wholes: Sequence[Whole], seed: int, only: str | None = None) -> Whole | None:
    """Attack a sample by one attack or two; all are chosen by the seed."""
    rng = random.Random(seed)
    made: Whole | None = rng.choice(wholes)
    names = [only] if only else rng.sample(sorted(ATTACKS), 2)
    # What is merged has facts that are not those of the sample; what is cut cannot be put together.
    for name in sorted(names, key=lambda name: (name != merged.__name__, name != one_connection.__name__)):
        made = ATTACKS[name](rng, wholes, made) if made is not None else None
    return made


def attack(wholes: Sequence[Whole], seed: int, number: int, only: str | None = None) -> Count:
    """Attack a sample by each seed from ``seed`` on, and count what is confirmed of it."""
    count = Count()
    for one in range(seed, seed + number):
        if made := attacked(wholes, one, only):
            count.damaged += 1
            seen = explanation_of(made.given, made.files, made.link_types)
            judge(count, made.answers, *seen, f"seed {one}, {made.name}")
    return count

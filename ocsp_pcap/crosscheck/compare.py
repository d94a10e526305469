"""Facts of a capture against Wireshark's dissection of it."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path

from ocsp_pcap.crosscheck.dissection import Dissection, DissectionOptions
from ocsp_pcap.crosscheck.model import KINDS, CrosscheckResult, Disagreement, Item, KindCount
from ocsp_pcap.crosscheck.ours import exchange_items, handshake_items
from ocsp_pcap.crosscheck.rules import Discrepancy, Streams, explanation, same_thing
from ocsp_pcap.crosscheck.second_look import second_question
from ocsp_pcap.crosscheck.witness import witness
from ocsp_pcap.facts import Facts, HandshakeFact, OcspExchangeFact


def crosscheck(facts: Facts, capture: Path, *, key_logs: Sequence[Path] = ()) -> CrosscheckResult:
    """Compare the facts of one capture with what Wireshark sees in the same file.

    ``facts`` may hold other captures too; ``key_logs`` should be those with which they were read.

    Raises:
        CrosscheckUnavailable: there is no tshark, or it cannot read this capture.
        ValueError: the facts know nothing of this capture.
    """
    names = {fact.path for fact in facts.captures if _same(fact.path, capture)}
    if not names:
        raise ValueError(f"the facts are not of {capture}")
    handshakes = [fact for fact in facts.handshakes if fact.capture in names]
    exchanges = [fact for fact in facts.ocsp_exchanges if fact.capture in names]
    with witness(capture, key_logs) as wireshark:
        return compare(str(capture), handshakes, exchanges, wireshark.ask)


def compare(
    capture: str,
    handshakes: Sequence[HandshakeFact],
    exchanges: Sequence[OcspExchangeFact],
    ask: Callable[[DissectionOptions], Dissection],
) -> CrosscheckResult:
    """Compare the facts of one capture with what ``ask`` lets Wireshark say of it."""
    first = ask(DissectionOptions())
    ours = [*handshake_items(handshakes), *exchange_items(exchanges)]
    both: Counter[str] = Counter()
    different: list[tuple[Item | None, Item | None]] = []
    for mine, theirs in pair(ours, first.items):
        if mine is not None and theirs is not None and same_thing(mine, theirs):
            both[mine.kind] += 1
            if mine.frame in (None, theirs.frame):
                continue
        different.append((mine, theirs))
    question = second_question((mine for mine, _ in different if mine is not None), handshakes)
    second = ask(question) if question is not None else None
    known = {_thing(item) for item in ours}
    streams = Streams(handshakes)
    disagreements = [
        _disagreement(
            Discrepancy(mine, theirs, theirs is not None and _thing(theirs) in known, streams, first, second)
        )
        for mine, theirs in different
    ]
    our_count = Counter(item.kind for item in ours)
    their_count = Counter(item.kind for item in first.items)
    return CrosscheckResult(
        capture=capture,
        wireshark=first.version,
        counts=tuple(KindCount(kind, both[kind], our_count[kind], their_count[kind]) for kind in KINDS),
        disagreements=tuple(sorted(disagreements, key=lambda d: (d.frame or 0, d.stream, d.kind))),
        note=first.note,
    )


def pair(ours: Sequence[Item], theirs: Sequence[Item]) -> list[tuple[Item | None, Item | None]]:
    """Pair what both saw, the most alike first; what finds no partner stands alone."""
    pairs: list[tuple[Item | None, Item | None]] = []
    keys: list[Callable[[Item], Hashable]] = [
        lambda item: (*_thing(item), item.frame),
        _thing,
        lambda item: (item.kind, item.transport, item.stream, item.frame),
        lambda item: (item.kind, item.identity, item.frame),
    ]
    mine, their = list(ours), list(theirs)
    for key in keys:
        found, mine, their = _pair_by(key, mine, their)
        pairs += found
    pairs += [(item, None) for item in mine]
    pairs += [(None, item) for item in their]
    return pairs


def _pair_by(
    key: Callable[[Item], Hashable], mine: Iterable[Item], their: Iterable[Item]
) -> tuple[list[tuple[Item | None, Item | None]], list[Item], list[Item]]:
    waiting: dict[Hashable, list[Item]] = defaultdict(list)
    for item in their:
        waiting[key(item)].append(item)
    for items in waiting.values():
        items.reverse()
    pairs: list[tuple[Item | None, Item | None]] = []
    alone: list[Item] = []
    for item in mine:
        partners = waiting.get(key(item))
        if partners:
            pairs.append((item, partners.pop()))
        else:
            alone.append(item)
    rest = [item for items in waiting.values() for item in reversed(items)]
    return pairs, alone, rest


def _thing(item: Item) -> tuple[Hashable, ...]:
    return item.kind, item.transport, item.stream, item.identity


def _disagreement(case: Discrepancy) -> Disagreement:
    item = case.wireshark or case.ours
    assert item is not None
    return Disagreement(
        kind=item.kind,
        transport=item.transport,
        frame=item.frame,
        stream=item.stream,
        ours=_words(case.ours, case.wireshark),
        wireshark=_words(case.wireshark, case.ours),
        explanation=explanation(case),
    )


def _words(item: Item | None, other: Item | None) -> str | None:
    """Describe an item, with its place where the other witness has it elsewhere."""
    if item is None:
        return None
    words = item.label
    if other is not None and item.frame != other.frame:
        words += f", complete in frame {item.frame}"
    if other is not None and (item.transport, item.stream) != (other.transport, other.stream):
        words += f", in {item.transport}.stream {item.stream}"
    return words


def _same(name: str, capture: Path) -> bool:
    return name == str(capture) or (name != "-" and os.path.realpath(name) == os.path.realpath(capture))

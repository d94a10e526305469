"""DNS lookups by the name they are about, CNAME chains followed (RFC 1034 3.6.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.facts import DnsLookupFact

Key = tuple[str, str]
"""Identity of the host that asked, and the name."""


def lookups_by_name(
    lookups: Iterable[DnsLookupFact], identity: Callable[[str], str], cut: set[Key]
) -> dict[Key, list[DnsLookupFact]]:
    """Return the lookups of each host about each name, by time.

    Where the answer was a CNAME whose target the same host looked up by itself, that counts for the
    name, too: some resolvers leave the rest of the chain to who asked. To ``cut`` those are added whose
    chain is longer than a bound allows: whoever rests on them says so.
    """
    direct: dict[Key, list[DnsLookupFact]] = defaultdict(list)
    for lookup in lookups:
        direct[identity(lookup.client), lookup.name.rstrip(".").lower()].append(lookup)
    return {key: _with_targets(key, direct, cut) for key in direct}


def _with_targets(key: Key, direct: Mapping[Key, list[DnsLookupFact]], cut: set[Key]) -> list[DnsLookupFact]:
    identity, name = key
    names = {name: None}
    pending = [name]
    while pending:
        lookups = direct.get((identity, pending.pop()), ())
        for answer in (answer for lookup in lookups for answer in lookup.answers):
            if answer in names or (identity, answer) not in direct:
                continue
            if len(names) > BOUNDS.cnames:
                cut.add(key)
                break
            names[answer] = None
            pending.append(answer)
    if len(names) == 1:
        return direct[key]
    found = [lookup for known in names for lookup in direct[identity, known]]
    return sorted(found, key=lambda lookup: lookup.time)

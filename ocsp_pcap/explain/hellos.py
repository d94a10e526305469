"""ClientHellos that a host hands on: the same 32 random bytes on two legs are one hello (RFC 8446 4.1.2).

A relay hands on the ServerHello unchanged, too. Whether by CONNECT, by SOCKS or transparently, the TLS
client is the host behind it, and so is who validates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Final

from ocsp_pcap.explain.visits import Visit

MAX_LEGS: Final = 8
"""No chain of relays is as long as that."""


class Hellos:
    """The legs of each ClientHello. Built once, only read afterwards."""

    def __init__(self, visits: Iterable[Visit], identity: Callable[[str], str]) -> None:
        self._identity = identity
        self._by_random: dict[str, list[Visit]] = defaultdict(list)
        for visit in visits:
            if visit.handshake.client_random:
                self._by_random[visit.handshake.client_random].append(visit)

    def inner_leg(self, visit: Visit) -> Visit | None:
        """Return the leg on which the same hello reached the host that sent this one, to be relayed."""
        return self._inner_legs.get(visit)

    def outer_leg(self, visit: Visit) -> Visit | None:
        """Return the leg on which the host that this one ends at sent the same hello on."""
        return self._outer_legs.get(visit)

    def first_leg(self, visit: Visit) -> Visit:
        """Follow a hello through all the hosts that relay it, back to where it came from."""
        for _ in range(MAX_LEGS):
            before = self.inner_leg(visit)
            if before is None:
                break
            visit = before
        return visit

    def last_leg(self, visit: Visit) -> Visit:
        """Follow a hello through all the hosts that relay it, to where it ends in the captures."""
        for _ in range(MAX_LEGS):
            after = self.outer_leg(visit)
            if after is None:
                break
            visit = after
        return visit

    @cached_property
    def relays(self) -> frozenset[str]:
        """Identities of the hosts that were seen to hand a ClientHello on."""
        return frozenset(self._identity(visit.handshake.client) for visit in self._inner_legs)

    @cached_property
    def _outer_legs(self) -> dict[Visit, Visit]:
        return {inner: outer for outer, inner in self._inner_legs.items()}

    @cached_property
    def _inner_legs(self) -> dict[Visit, Visit]:
        """A visit with a hello that is only relayed: the leg on which it came."""
        found: dict[Visit, Visit] = {}
        for legs in self._by_random.values():
            if len(legs) == 1:
                continue
            for outer in legs:
                inner = next((leg for leg in legs if self._relayed(leg, outer)), None)
                if inner is not None:
                    found[outer] = inner
        return found

    def _relayed(self, inner: Visit, outer: Visit) -> bool:
        """The client of the outer leg received the hello on the inner one."""
        before, after = inner.handshake, outer.handshake
        sender = self._identity(after.client)
        if inner is outer or self._identity(before.client) == sender:
            return False
        if differ(before.server_random, after.server_random):
            return False
        if self._identity(before.server) == sender:
            return True
        # Transparently: the same server on both legs, and another client from the relay on.
        same_server = before.server == after.server and before.tunnel is None and after.tunnel is None
        if before.capture == after.capture and (before.tunnel is None) is not (after.tunnel is None):
            # What stands before a hello tells the inner leg, whose packets may be missing or late.
            return before.tunnel is not None
        return (same_server or before.capture == after.capture) and inner.time <= outer.time


def differ(one: object, other: object) -> bool:
    """Both are known, and they are not equal."""
    return one is not None and other is not None and one != other

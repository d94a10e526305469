"""ClientHellos that a host hands on: the same 32 random bytes on two legs are one hello (RFC 8446 4.1.2).

A relay hands on the ServerHello unchanged, too. Whether by CONNECT, by SOCKS or transparently, the TLS
client is the host behind it, and so is who validates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.explain.visits import Visit


class Hellos:
    """The legs of each ClientHello. Built once, only read afterwards."""

    def __init__(self, visits: Iterable[Visit], identity: Callable[[str], str]) -> None:
        self._identity = identity
        self._by_random: dict[str, list[Visit]] = defaultdict(list)
        for visit in visits:
            if visit.handshake.client_random:
                self._by_random[visit.handshake.client_random].append(visit)
        self._cut = {random for random, legs in self._by_random.items() if len(legs) > BOUNDS.legs}
        """Hellos that have more legs than are compared."""
        if self._cut:
            reached("legs", len(self._cut))

    def inner_leg(self, visit: Visit) -> Visit | None:
        """Return the leg on which the same hello reached the host that sent this one, to be relayed."""
        if self._cut:
            self._say_cut(visit)
        return self._inner_legs.get(visit)

    def may_be_relayed(self, visit: Visit) -> bool:
        """Tell whether there is an inner leg, or may be one beyond a bound."""
        return bool(self._cut) or visit in self._inner_legs

    def outer_leg(self, visit: Visit) -> Visit | None:
        """Return the leg on which the host that this one ends at sent the same hello on."""
        if self._cut:
            self._say_cut(visit)
        return self._outer_legs.get(visit)

    def may_be_handed_on(self, visit: Visit) -> bool:
        """Tell whether there is an outer leg, or may be one beyond a bound."""
        return bool(self._cut) or visit in self._outer_legs

    def _say_cut(self, visit: Visit) -> None:
        """Say that a bound was reached where not all legs of the hello of a visit were compared."""
        if visit.handshake.client_random in self._cut:
            reached("legs", 0)

    def first_leg(self, visit: Visit) -> Visit:
        """Follow a hello through all the hosts that relay it, back to where it came from."""
        return self._followed(visit, self.inner_leg)

    def last_leg(self, visit: Visit) -> Visit:
        """Follow a hello through all the hosts that relay it, to where it ends in the captures."""
        return self._followed(visit, self.outer_leg)

    @staticmethod
    def _followed(visit: Visit, step: Callable[[Visit], Visit | None]) -> Visit:
        passed: set[Visit] = set()
        while (leg := step(visit)) is not None and leg not in passed:
            passed.add(visit)
            visit = leg
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
        for all_legs in self._by_random.values():
            if len(all_legs) == 1:
                continue
            legs = all_legs[: BOUNDS.legs]
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

"""Roles: child proxy, parent proxy or client, by the site file, the options, and then the traffic."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, get_args

from ocsp_pcap.explain.identities import FOLLOWS, proxy_identities
from ocsp_pcap.explain.model import Role
from ocsp_pcap.explain.site import ProxyRole, Site
from ocsp_pcap.facts import HandshakeFact

PROXIED: Final = ("connect", "socks")
"""What stands before a handshake whose server address is that of a proxy."""


@dataclass(slots=True, eq=False, repr=False)
class Roles:
    """Roles by address, and what the user has to know about how they were found."""

    by_address: Mapping[str, Role]
    capture_roles: Mapping[str, ProxyRole]
    """Whose egress each capture shows, after a swap was mended."""
    identities: Mapping[str, str] = field(default_factory=dict)
    """Address to the address under which the same proxy is a TLS client."""
    notes: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    """Addresses whose role the user gave, by the site file or by the options."""

    def role(self, address: str) -> Role:
        """Return the role of a host."""
        return self.by_address.get(address, "unknown")

    def identity(self, address: str) -> str:
        """Return what is equal for all addresses of one host."""
        return self.identities.get(address, address)


def assign_roles(
    handshakes: Iterable[HandshakeFact],
    site: Site,
    capture_roles: Mapping[str, ProxyRole],
    clock: Callable[[str, int], int] = lambda _, time: time,
) -> Roles:
    """Tell the role of every TLS client.

    The site file comes first, then ``capture_roles`` (capture path to the proxy whose egress it
    shows), then what the traffic tells: the target of a CONNECT is a proxy; a proxy whose own TLS
    goes through another CONNECT is a child; a proxy that reaches origins is a parent. ``clock``
    brings a time of a capture to the clock that all share.
    """
    handshakes = list(handshakes)
    notes: list[str] = []
    capture_roles = _unswapped(handshakes, site, capture_roles, notes, clock)
    identities = proxy_identities(handshakes, site, capture_roles, clock)
    roles: dict[str, Role] = _from_traffic(handshakes, identities)
    by_options = _from_options(handshakes, capture_roles, site, roles)
    roles.update(by_options)
    # Whom the site file does not name is not the proxy of that role.
    roles = {address: role for address, role in roles.items() if _may_be(site, role, address)}
    for proxy in site.proxies:
        roles.update(dict.fromkeys(proxy.addresses, proxy.role))
    seen = {handshake.client for handshake in handshakes} | {handshake.server for handshake in handshakes}
    notes += _unseen(site, capture_roles, seen) if handshakes else []
    given = frozenset(by_options).union(*(proxy.addresses for proxy in site.proxies))
    return Roles(roles, capture_roles, identities, tuple(notes), given)


def _may_be(site: Site, role: Role, address: str) -> bool:
    """The site file leaves open, or says, that a host of this role has this address."""
    named = site.proxy(role) if role in get_args(ProxyRole) else None
    return named is None or named.more_addresses or not named.addresses or address in named.addresses


def _unseen(site: Site, capture_roles: Mapping[str, ProxyRole], seen: set[str]) -> list[str]:
    """Say which proxies of the site file should have been seen, and were not."""
    named = [proxy for proxy in site.proxies if proxy.addresses and not proxy.more_addresses]
    missing = [proxy for proxy in named if not proxy.addresses & seen]
    if capture_roles:
        missing = [proxy for proxy in missing if proxy.role in capture_roles.values()]
    elif len(missing) < len(named):
        # One of the proxies is there: the capture need not show the other.
        missing = []
    return [
        f"{site.path}: no TLS connection in the captures has an address of the {proxy.role} proxy "
        f"({', '.join(sorted(proxy.addresses))})"
        for proxy in missing
    ]


def _from_traffic(handshakes: list[HandshakeFact], identities: Mapping[str, str]) -> dict[str, Role]:
    proxies = {identities.get(h.server, h.server) for h in handshakes if h.tunnel in PROXIED}
    proxies |= {h.client for h in handshakes if h.connect_via}
    behind: dict[str, set[str]] = defaultdict(set)
    direct: set[str] = set()
    for handshake in handshakes:
        if handshake.tunnel in PROXIED:
            behind[handshake.client].add(identities.get(handshake.server, handshake.server))
        else:
            direct.add(handshake.client)
    roles: dict[str, Role] = {}
    for address in proxies:
        if behind.get(address, set()) - {address}:
            roles[address] = "child"
        elif address in direct:
            roles[address] = "parent"
    for address, targets in behind.items():
        if address not in roles and any(roles.get(target) in get_args(ProxyRole) for target in targets):
            # It may be a proxy itself: only the client of a child shows by its place in the chain.
            roles[address] = "client" if any(roles.get(t) == "child" for t in targets) else "unknown"
    return {address: role for address, role in roles.items() if role != "unknown"}


def _from_options(
    handshakes: list[HandshakeFact],
    capture_roles: Mapping[str, ProxyRole],
    site: Site,
    by_traffic: Mapping[str, Role],
) -> dict[str, Role]:
    roles: dict[str, Role] = {}
    for role in get_args(ProxyRole):
        captures = {path for path, given in capture_roles.items() if given == role}
        for address in _egress_clients(handshakes, captures, by_traffic, role):
            if _may_be(site, role, address):
                # Whom the site file does not name is another host on the same wire.
                roles.setdefault(address, role)
    return roles


def _egress_clients(
    handshakes: list[HandshakeFact], captures: set[str], by_traffic: Mapping[str, Role], role: ProxyRole
) -> set[str]:
    """TLS clients on the outer side of the proxy whose captures these are.

    Where the capture holds the inner side, too, the traffic tells who is asked and goes on: that is the
    proxy, and not who asks it.
    """
    own = [handshake for handshake in handshakes if handshake.capture in captures]
    # A host that is seen with QUIC alone goes past the proxy: it is no proxy itself.
    clients = Counter(handshake.client for handshake in own if handshake.transport == "tcp")
    clients = clients or Counter(handshake.client for handshake in own)
    inferred = {client for client in clients if by_traffic.get(client) == role}
    if inferred and len(clients) > 1:
        return inferred
    targets = {handshake.server for handshake in own if handshake.tunnel in PROXIED}
    if served := targets & clients.keys():
        # Also the inner side was captured: whoever others CONNECT to, and speaks TLS itself, is the proxy.
        inner = {handshake.client for handshake in own if handshake.server in served}
        return served - inner or served
    relays = _relays(own)
    if relays:
        return relays
    tunnelled = {handshake.client for handshake in own if handshake.tunnel in PROXIED}
    outer = _in_step(own)
    if role == "child" and outer and not (outer := outer & tunnelled or outer) <= tunnelled:
        # It goes on to origins: where the traffic calls it the parent, the option does not make it the child.
        return {client for client in outer if by_traffic.get(client) != "parent"}
    # Hosts that are merely routed reach origins by themselves where the proxy does, or past its CONNECT.
    if outer or tunnelled:
        return outer or tunnelled
    return set(clients)


def _in_step(handshakes: list[HandshakeFact]) -> set[str]:
    """Clients that go to a host, with a hello of their own, right after another client of the capture did.

    They are the outer side of a proxy whose inner side was captured, too. Most of what such a client visits
    is what another one visited just before, and never the other way round.
    """
    by_host: dict[str, list[HandshakeFact]] = defaultdict(list)
    for handshake in sorted(handshakes, key=lambda h: h.time):
        if host := handshake.connect_host or handshake.sni:
            by_host[host.lower()].append(handshake)
    leads: set[str] = set()
    following: Counter[str] = Counter()
    for visits in by_host.values():
        for before, after in pairwise(visits):
            if after.client != before.client and after.time - before.time <= FOLLOWS:
                leads.add(before.client)
                following[after.client] += 1
    number = Counter(handshake.client for handshake in handshakes)
    return {
        client for client, times in following.items() if client not in leads and 2 * times >= number[client]
    }


def _relays(handshakes: list[HandshakeFact]) -> set[str]:
    """Clients that hand on a ClientHello that another client of the same capture sent before."""
    first: dict[str, HandshakeFact] = {}
    found: set[str] = set()
    for handshake in sorted(handshakes, key=lambda h: h.time):
        if handshake.client_random is None:
            continue
        before = first.setdefault(handshake.client_random, handshake)
        if before.client != handshake.client and before.capture == handshake.capture:
            found.add(handshake.client)
    return found


def _unswapped(
    handshakes: list[HandshakeFact],
    site: Site,
    capture_roles: Mapping[str, ProxyRole],
    notes: list[str],
    clock: Callable[[str, int], int],
) -> dict[str, ProxyRole]:
    """Exchange the two roles where the traffic contradicts the options."""
    captures = {role: {p for p, r in capture_roles.items() if r == role} for role in get_args(ProxyRole)}
    if not captures["child"] or not captures["parent"]:
        return dict(capture_roles)
    child = [h for h in handshakes if h.capture in captures["child"]]
    parent = [h for h in handshakes if h.capture in captures["parent"]]
    # What the options say of the captures is in question here, so they must not tell who is who.
    identities = proxy_identities(handshakes, site, {}, clock)
    evidence = _swap_by_address(child, parent, site) or _swap_by_connect(child, parent, identities)
    if not evidence:
        return dict(capture_roles)
    notes.append(
        f"--child and --parent look swapped: {evidence}; the two are exchanged for this explanation, "
        "give them the other way round"
    )
    other: dict[ProxyRole, ProxyRole] = {"child": "parent", "parent": "child"}
    return {path: other[role] for path, role in capture_roles.items()}


def _swap_by_address(child: list[HandshakeFact], parent: list[HandshakeFact], site: Site) -> str | None:
    child_proxy, parent_proxy = site.proxy("child"), site.proxy("parent")
    if not child_proxy or not parent_proxy or not child_proxy.addresses or not parent_proxy.addresses:
        return None
    in_child = {h.client for h in child}
    in_parent = {h.client for h in parent}
    if in_child & parent_proxy.addresses and not in_child & child_proxy.addresses:
        foreign = sorted(in_child & parent_proxy.addresses)[0]
        return f"in the capture given as --child the TLS client is {foreign}, the parent of {site.path}"
    if in_parent & child_proxy.addresses and not in_parent & parent_proxy.addresses:
        foreign = sorted(in_parent & child_proxy.addresses)[0]
        return f"in the capture given as --parent the TLS client is {foreign}, the child of {site.path}"
    return None


def _swap_by_connect(
    child: list[HandshakeFact], parent: list[HandshakeFact], identities: Mapping[str, str]
) -> str | None:
    reaches = {h.client for h in child if h.tunnel != "connect"}
    goes_through = {identities.get(h.server, h.server): h.server for h in parent if h.tunnel == "connect"}
    if any(h.tunnel == "connect" and identities.get(h.server, h.server) not in reaches for h in child):
        return None
    both = sorted(reaches & set(goes_through))
    if not both or any(h.tunnel != "connect" and h.client in both for h in parent):
        return None
    inner, outer = goes_through[both[0]], both[0]
    itself = f"{inner} itself" if inner == outer else f"that proxy, there {outer},"
    return (
        f"the capture given as --parent holds CONNECT requests to {inner}, and in the one given as --child "
        f"{itself} reaches the origins"
    )

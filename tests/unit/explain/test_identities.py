"""Which addresses belong to one proxy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocsp_pcap import bounds
from ocsp_pcap.explain.identities import proxy_identities
from ocsp_pcap.explain.site import Site

from .facts_factory import CHILD, CLIENT, ORIGIN, PARENT, PARENT_INSIDE, handshake, site


def inner(host: str = "shop.test", time: float = 0, **more: Any) -> Any:
    values = {"client": CHILD, "server": PARENT_INSIDE, "proxied": True, "capture": "child.pcap"}
    return handshake(host, time=time, **(values | more))


def outer(host: str = "shop.test", time: float = 0.2, **more: Any) -> Any:
    return handshake(host, time=time, **({"client": PARENT, "capture": "parent.pcap"} | more))


def identities(*handshakes: Any, told: Site | None = None, **captures: Any) -> dict[str, str]:
    paths = {f"{name}.pcap": role for name, role in captures.items()}
    return proxy_identities(handshakes, told or Site(), paths, lambda _, time: time)


def test_the_site_file_lists_the_addresses_of_one_proxy() -> None:
    assert identities(outer(), told=site(parent={})) == {PARENT: PARENT, PARENT_INSIDE: PARENT}


def test_several_tls_clients_of_a_role_are_several_proxies() -> None:
    two = site(child={"addresses": frozenset({CHILD, "10.1.0.21"})})
    assert identities(inner(), inner(client="10.1.0.21"), told=two) == {}


def test_one_hello_on_both_sides() -> None:
    assert identities(inner(random="aa"), outer(random="aa")) == {PARENT_INSIDE: PARENT}


def test_address_translation_is_no_proxy() -> None:
    translated = outer(random="aa", server=PARENT_INSIDE, server_port=3128)
    assert identities(inner(random="aa"), translated) == {}


def test_whom_the_child_asks_is_who_speaks_in_the_capture_of_the_parent() -> None:
    assert identities(inner(), outer("else.test"), child="child", parent="parent") == {PARENT_INSIDE: PARENT}
    two = (outer("else.test"), outer("else.test", client=CLIENT))
    assert identities(inner(), *two, child="child", parent="parent") == {}
    quic = outer("else.test", client=CLIENT, transport="udp")
    assert identities(inner(), outer("a.test"), quic, child="child", parent="parent") == {
        PARENT_INSIDE: PARENT
    }


def test_visits_in_step() -> None:
    hosts = ("shop.test", "other.test")
    steps = [
        leg(host, time=t + lag) for t, host in enumerate(hosts) for leg, lag in ((inner, 0), (outer, 0.2))
    ]
    assert identities(*steps) == {PARENT_INSIDE: PARENT}
    assert identities(*steps[:2]) == {}


def test_visits_out_of_step() -> None:
    hosts = ("shop.test", "other.test")
    legs = ((inner, 0), (outer, 60))
    late = [leg(host, time=t + lag) for t, host in enumerate(hosts) for leg, lag in legs]
    assert identities(*late) == {}


def test_two_hosts_that_go_in_step_are_undecided() -> None:
    hosts = ("shop.test", "other.test")
    legs = [(inner, CHILD), (outer, PARENT), (outer, CLIENT)]
    steps = [leg(host, time=t, client=client) for t, host in enumerate(hosts) for leg, client in legs]
    assert identities(*steps) == {}


def test_an_origin_is_no_proxy() -> None:
    assert identities(outer(), outer("other.test", server=ORIGIN)) == {}


def test_a_hello_that_two_proxies_relay_leads_outward_only() -> None:
    """The legs before this one carry the same hello; their clients are not the next proxy."""
    first = inner(random="aa", client=CLIENT, server=CHILD, time=-0.1)
    second, third = inner(random="aa"), outer(random="aa")
    assert identities(first, second, third) == {PARENT_INSIDE: PARENT}
    assert identities(first, second) == {}
    one_file = [replace(leg, capture="all.pcap") for leg in (first, second)]
    assert identities(*one_file) == {}


def test_legs_of_two_captures_that_both_go_through_proxies_are_in_no_order() -> None:
    inside = inner(random="aa", client=CLIENT, server="10.1.0.2", capture="a.pcap", time=5)
    outside = inner(random="aa")
    assert identities(inside, outside) == {}
    assert identities(inside, replace(outside, tunnel="socks")) == {}
    one_file = [replace(leg, capture="all.pcap", time=t) for t, leg in enumerate((inside, outside))]
    assert identities(*one_file) == {"10.1.0.2": CHILD}


def test_a_crowd_is_compared_in_as_many_steps_as_it_has_visits() -> None:
    bounds.adjust({"agreeing_visits": 150})
    hosts = ("shop.test", "news.test")
    crowd = [outer(host, time=n / 100, client=f"10.9.0.{n}") for host in hosts[:1] for n in range(40)]
    crowd += [inner(hosts[0], time=n / 100) for n in range(40)]
    found = identities(*crowd, *(each(host) for host in hosts for each in (inner, outer)))
    bounds.set_to({})
    assert found == {PARENT_INSIDE: PARENT}
    assert "agreeing_visits" not in bounds.take_reached()

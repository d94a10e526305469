"""Who is who."""

from __future__ import annotations

from typing import Any

from ocsp_pcap.explain.roles import Roles, assign_roles
from ocsp_pcap.explain.site import Proxy, Site

from .facts_factory import CHILD, CLIENT, ORIGIN, PARENT, PARENT_INSIDE, handshake, site

to_child = handshake("shop.test", client=CLIENT, server=CHILD, proxied=True, capture="all.pcap")
to_parent = handshake("shop.test", client=CHILD, server=PARENT, proxied=True, capture="child.pcap", time=0.1)
to_origin = handshake("shop.test", client=PARENT, server=ORIGIN, capture="parent.pcap", time=0.2)
CHAIN = (to_child, to_parent, to_origin)


def roles(*handshakes: Any, told: Site | None = None, **captures: Any) -> Roles:
    paths = {f"{name}.pcap": role for name, role in captures.items()}
    return assign_roles(handshakes, told or Site(), paths)


def test_a_chain_tells_itself() -> None:
    found = roles(*CHAIN)
    assert [found.role(address) for address in (CLIENT, CHILD, PARENT)] == ["client", "child", "parent"]
    assert found.role(ORIGIN) == "unknown"
    assert found.given == frozenset()


def test_a_client_of_one_proxy_may_be_a_proxy_itself() -> None:
    found = roles(to_parent, to_origin)
    assert found.role(PARENT) == "parent"
    assert found.role(CHILD) == "unknown"


def test_via_tells_a_proxy() -> None:
    via = handshake("shop.test", client=CHILD, server=PARENT, proxied=True, connect_via=True)
    assert roles(via).role(CHILD) == "child"


def test_where_nothing_tells_nobody_is_known() -> None:
    assert roles(to_origin).role(PARENT) == "unknown"
    assert roles().role(PARENT) == "unknown"


def test_the_site_file_comes_first() -> None:
    found = roles(*CHAIN, told=site(child={"addresses": frozenset({PARENT})}))
    assert found.role(PARENT) == "child"
    assert PARENT in found.given


def test_several_children_of_one_site_file() -> None:
    second = "10.1.0.21"
    told = site(child={"addresses": frozenset({CHILD, second})}, parent={})
    found = roles(to_parent, handshake("shop.test", client=second, server=PARENT, proxied=True), told=told)
    assert found.role(CHILD) == found.role(second) == "child"
    assert found.identity(CHILD) != found.identity(second)


def test_the_options_tell_whose_egress_a_capture_shows() -> None:
    found = roles(to_parent, to_origin, child="child", parent="parent")
    assert (found.role(CHILD), found.role(PARENT)) == ("child", "parent")
    assert found.given == {CHILD, PARENT}
    assert found.notes == ()


def test_hosts_that_a_proxy_merely_routes_for_are_not_the_proxy() -> None:
    routed = [handshake("else.test", client=CLIENT, capture="child.pcap", time=t) for t in range(3)]
    found = roles(to_parent, *routed, child="child")
    assert found.role(CHILD) == "child"
    assert found.role(CLIENT) == "unknown"


def test_both_sides_of_the_proxy_in_its_capture() -> None:
    inside = handshake("shop.test", client=CLIENT, server=CHILD, proxied=True, capture="child.pcap")
    found = roles(inside, to_parent, child="child")
    assert (found.role(CHILD), found.role(CLIENT)) == ("child", "client")


def test_one_capture_with_all_legs_and_one_option() -> None:
    legs = [
        handshake("shop.test", client=c, server=s, proxied=s != ORIGIN, capture="all.pcap")
        for c, s in ((CLIENT, CHILD), (CHILD, PARENT), (PARENT, ORIGIN))
    ]
    found = roles(*legs, all="parent")
    assert found.role(CLIENT) != "parent"
    assert found.role(PARENT) == "parent"


def test_swapped_captures_are_told_and_mended() -> None:
    by_connect = roles(to_parent, to_origin, child="parent", parent="child")
    assert (by_connect.role(CHILD), by_connect.role(PARENT)) == ("child", "parent")
    assert "look swapped" in by_connect.notes[0]
    assert by_connect.capture_roles == {"child.pcap": "child", "parent.pcap": "parent"}


def test_captures_swapped_against_the_site_file() -> None:
    child = handshake("shop.test", client=CHILD, server=ORIGIN, capture="child.pcap")
    for captures in ((child, to_origin), (to_origin,), (child,)):
        found = roles(*captures, told=site(child={}, parent={}), child="parent", parent="child")
        assert "look swapped" in found.notes[0]
        assert "site.toml" in found.notes[0]


def test_captures_that_are_right_are_not_called_swapped() -> None:
    found = roles(to_parent, to_origin, told=site(child={}, parent={}), child="child", parent="parent")
    assert found.notes == ()


def test_proxies_of_the_site_file_that_no_capture_shows() -> None:
    child, parent = ({"addresses": frozenset({address})} for address in ("192.0.2.1", "192.0.2.2"))
    elsewhere = site(child=child, parent=parent)
    notes = roles(*CHAIN, told=elsewhere).notes
    assert [("child" in note, "parent" in note) for note in notes] == [(True, False), (False, True)]
    one = site(child=child, parent={})
    assert roles(to_origin, told=one).notes == ()
    assert roles(told=elsewhere).notes == ()
    named = roles(to_origin, told=elsewhere, parent="parent").notes
    assert len(named) == 1
    assert "the parent proxy (192.0.2.2)" in named[0]


def test_a_site_file_without_addresses_names_nobody() -> None:
    assert roles(*CHAIN, told=Site("site.toml", (Proxy("child"),))).role(CHILD) == "child"
    assert roles(to_origin, told=Site("site.toml", (Proxy("child"),))).notes == ()


def test_identity_is_that_of_the_address_which_goes_on() -> None:
    inside = handshake("shop.test", client=CHILD, server=PARENT_INSIDE, proxied=True)
    found = roles(inside, to_origin, told=site(parent={}))
    assert found.identity(PARENT_INSIDE) == PARENT
    assert found.identity(ORIGIN) == ORIGIN

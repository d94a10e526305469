from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap import api
from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.forecast import forecast
from ocsp_pcap.explain.forecast_model import Forecast, ValidatorForecast
from ocsp_pcap.explain.site import Proxy, Site
from ocsp_pcap.explain.site.read import load_sites
from ocsp_pcap.facts import AlertFact, CertificateFact, DnsLookupFact, ExchangeFrames, Facts, HandshakeFact

from .forecast_facts import (
    CAPTURE,
    DAY,
    HOUR,
    PROXY,
    SECOND,
    START,
    certificate,
    exchange,
    facts,
    handshake,
    response,
)

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
A, B = certificate("1a"), certificate("2b")
INTERMEDIATE = certificate(
    "c1",
    is_ca=True,
    subject="CN=Issuer",
    issuer="CN=Root",
    sans=(),
    ocsp_urls=("http://ocsp.root.test:8080/",),
    issuer_name_hashes=(("sha1", "aa" * 20),),
    issuer_key_hashes=(),
)
ROOT = certificate("c0", is_ca=True, self_signed=True, subject="CN=Root", issuer="CN=Root", ocsp_urls=())
BARE = certificate("3c", ocsp_urls=())


def only(found: Forecast) -> ValidatorForecast:
    (item,) = found.validators
    assert_counts_add_up(found)
    return item


def assert_counts_add_up(found: Forecast) -> None:
    for item in found.validators:
        assert item.occasions == sum(r.occasions for r in item.responders) + sum(
            u.occasions for u in item.unasked
        )
        for responder in item.responders:
            assert responder.occasions == responder.stapled + responder.queries_without_cache
            assert responder.queries_with_cache <= responder.queries_without_cache
            assert responder.intermediate_queries_with_cache <= responder.queries_with_cache
            assert responder.handshakes <= responder.occasions or responder.fallback_certificates


def test_a_query_for_each_certificate_and_window() -> None:
    visits = tuple(handshake(n, n * HOUR, A if n % 2 else B) for n in range(1, 9))
    answers = (exchange("1a", HOUR, 3 * HOUR),)
    item = only(forecast(facts((A, B), visits, answers)))
    (responder,) = item.responders
    assert (responder.scheme, responder.host, responder.port) == ("http", "ocsp.issuer.test", 80)
    assert responder.urls == A.ocsp_urls
    assert (responder.certificates, responder.handshakes, responder.queries_without_cache) == (2, 8, 8)
    # 1a at 1 h is held until 4 h, then at 5 h until 8 h; 2b at 2 h until 5 h, then at 6 h; each
    # visit that falls on the end of its window asks.
    assert responder.queries_with_cache == 4
    assert responder.queries_seen == 1
    assert {lifetime.basis for lifetime in responder.lifetimes} == {"same-certificate", "same-issuer"}


def test_without_any_answer_the_lifetime_is_a_stated_assumption() -> None:
    visits = tuple(handshake(n, n * DAY, A) for n in range(10))
    item = only(forecast(facts((A,), visits)))
    assert (item.queries_without_cache, item.queries_with_cache) == (10, 3)
    assert item.responders[0].lifetimes[0].basis == "assumed"


def test_ttl_override_of_the_site_file() -> None:
    visits = tuple(handshake(n, n * 30 * SECOND, A) for n in range(10))
    site = Site(proxies=(Proxy("parent", frozenset((PROXY,)), cache_ttl=60 * SECOND),))
    item = only(forecast(facts((A,), visits, (exchange("1a", 0, DAY),)), Context(site)))
    assert item.validator.role == "parent"
    assert item.queries_with_cache == 5


def test_each_certificate_of_the_chain_but_the_root() -> None:
    visits = tuple(handshake(n, n * SECOND, leaf, INTERMEDIATE, ROOT) for n, leaf in enumerate((A, B, A)))
    item = only(forecast(facts((A, B, INTERMEDIATE, ROOT), visits)))
    leaf, intermediate = item.responders
    assert (leaf.host, leaf.queries_with_cache, leaf.intermediates) == ("ocsp.issuer.test", 2, 0)
    assert (intermediate.host, intermediate.port) == ("ocsp.root.test", 8080)
    assert (intermediate.queries_without_cache, intermediate.queries_with_cache) == (3, 1)
    assert intermediate.intermediate_queries_without_cache == 3
    assert intermediate.intermediate_queries_with_cache == intermediate.intermediates == 1
    (root,) = item.unasked
    assert (root.reason, root.handshakes, root.certificates) == ("root", 3, 1)


def test_staples_make_queries_needless_while_they_are_fresh() -> None:
    visits = (
        handshake(1, 0, A, staples=(response("1a", HOUR),)),
        handshake(2, 2 * HOUR, A, staples=(response("1a", HOUR),)),
        handshake(3, 3 * HOUR, A, staples=(response("2b", DAY),)),
    )
    item = only(forecast(facts((A,), visits)))
    assert (item.stapled, item.queries_without_cache) == (1, 2)


def test_a_responder_that_only_staples_spare_is_opened_all_the_same() -> None:
    found = forecast(facts((A,), (handshake(1, 0, A, staples=(response("1a", HOUR),)),)))
    assert only(found).queries_without_cache == 0
    assert [(o.host, o.port, o.queries) for o in found.openings] == [("ocsp.issuer.test", 80, 0)]


@pytest.mark.parametrize(
    ("reason", "chain", "changes"),
    [
        ("no-ocsp-url", (BARE,), {}),
        ("unusable-ocsp-url", (certificate("4d", ocsp_urls=("ldap://directory.test/", "http://[")),), {}),
        ("unreadable-certificate", (certificate("5e", ocsp_urls=(), parse_error="no DER"),), {}),
        ("session-resumed", (), {"resumed": True}),
        ("certificate-encrypted", (), {"certificate_encrypted": True, "version": "TLS 1.3"}),
        ("certificate-not-seen", (), {"missing_bytes": 700, "complete": False}),
        (
            "handshake-failed",
            (A,),
            {
                "complete": False,
                "application_data": False,
                "alerts": (AlertFact(17, "client", "fatal", "unknown_ca"),),
            },
        ),
        (
            "reissued-certificate",
            (certificate("6f", ocsp_urls=()),),
            {"connect_host": "host-6f.test", "tunnel": "connect"},
        ),
    ],
)
def test_what_is_not_asked_about_is_counted(
    reason: str, chain: tuple[CertificateFact, ...], changes: dict[str, object]
) -> None:
    visits = [handshake(1, 0, *chain, **changes)]
    known = list(chain)
    if reason == "reissued-certificate":
        known.append(certificate("7f", ocsp_urls=()))
        visits.append(handshake(2, SECOND, known[1], connect_host="host-7f.test", tunnel="connect"))
    item = only(forecast(facts(tuple(known), tuple(visits))))
    assert item.queries_without_cache == 0
    assert item.responders == ()
    (unasked,) = item.unasked
    assert unasked.reason == reason
    assert unasked.why
    assert unasked.handshakes == len(visits)
    assert unasked.certificates == (len(visits) if chain else 0)
    assert unasked.hosts[0] == visits[0].sni


def test_a_tunnelled_leg_does_not_count() -> None:
    inner = handshake(
        1, 0, A, client="10.77.1.20", server=PROXY, connect_host="host-1a.test", tunnel="connect"
    )
    outer = handshake(1, 1, A)
    found = forecast(facts((A,), (inner, outer)))
    assert_counts_add_up(found)
    child, parent = found.validators
    assert (child.validator.address, child.queries_with_cache) == ("10.77.1.20", 1)
    assert (parent.validator.address, parent.queries_without_cache) == (PROXY, 0)
    assert parent.unasked[0].reason == "not-intercepted"
    assert {opening.source for opening in found.openings} == {"10.77.1.20"}


def test_other_responders_of_a_certificate_are_fallbacks() -> None:
    both = certificate("1a", ocsp_urls=("http://one.test/", "https://two.test/ocsp", "http://ONE.test/x"))
    item = only(forecast(facts((both,), (handshake(1, 0, both),))))
    first, second = item.responders
    assert (first.host, first.queries_with_cache, first.fallback_certificates) == ("one.test", 1, 0)
    assert first.urls == ("http://one.test/", "http://ONE.test/x")
    assert (second.scheme, second.port, second.queries_with_cache) == ("https", 443, 0)
    assert second.fallback_certificates == 1


def test_openings_name_the_forwarding_host_and_what_dns_said() -> None:
    site = Site(proxies=(Proxy("parent", frozenset((PROXY,)), forwarding_host="10.1.1.9:3128"),))
    lookup = DnsLookupFact(
        CAPTURE, 1, START, ExchangeFrames(1, 2), "10.1.1.9", "10.1.1.1", "OCSP.issuer.test.", "A", "NOERROR",
        ("cdn.issuer.test", "203.0.113.80"),
    )  # fmt: skip
    found = forecast(facts((A,), (handshake(1, 0, A),), dns_lookups=(lookup,)), Context(site))
    assert [(o.source, o.host, o.port, o.addresses) for o in found.openings] == [
        ("10.1.1.9", "ocsp.issuer.test", 80, ("203.0.113.80",)),
        (PROXY, "10.1.1.9", 3128, ()),
    ]


def test_hosts_select() -> None:
    visits = (handshake(1, 0, A), handshake(2, 0, B))
    assert only(forecast(facts((A, B), visits), hosts=["HOST-1*"])).handshakes == 1
    assert forecast(facts((A, B), visits), hosts=["other"]).validators == ()


def test_a_case_serves_as_well_as_facts() -> None:
    known = facts((A,), (handshake(1, 0, A),))
    assert forecast(Case(known, Context())) == forecast(known)


def test_the_api_offers_it() -> None:
    assert api.forecast is forecast
    assert api.Forecast is Forecast


def test_nothing() -> None:
    assert forecast(Facts()).validators == ()


LEAVES = (A, B, BARE, certificate("8a", ocsp_urls=("http://elsewhere.test/",)))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20),
            st.sampled_from([(leaf, *rest) for leaf in LEAVES for rest in ((), (INTERMEDIATE, ROOT))] + [()]),
            st.sampled_from([PROXY, "10.77.1.20"]),
            st.booleans(),
        ),
        max_size=25,
    ),
    st.integers(1, 10),
)
def test_nothing_is_left_out(
    rows: list[tuple[int, tuple[CertificateFact, ...], str, bool]], lasting: int
) -> None:
    visits: list[HandshakeFact] = [
        handshake(n, hour * HOUR, *chain, client=client, resumed=resumed and not chain)
        for n, (hour, chain, client, resumed) in enumerate(rows)
    ]
    known = (*LEAVES, INTERMEDIATE, ROOT)
    found = forecast(facts(known, tuple(visits), (exchange("1a", 0, lasting * HOUR),)))
    assert_counts_add_up(found)
    assert sum(item.handshakes for item in found.validators) == len(rows)
    assert sum(item.occasions for item in found.validators) == sum(len(chain) or 1 for _, chain, _, _ in rows)


def of_sample(name: str) -> Forecast:
    folder = SAMPLES / name
    site = load_sites([str(folder / "site.toml")])
    authorities = [authority.der for proxy in site.proxies for authority in proxy.ca]
    captures = sorted(str(path) for path in folder.glob("*.pcap"))
    roles = {str(folder / f"{role}.pcap"): role for role in ("child", "parent")}
    context = Context(site, {path: role for path, role in roles.items() if path in captures})  # type: ignore[misc]
    found = forecast(read_facts(captures, ReadOptions(authorities=authorities)), context)
    assert_counts_add_up(found)
    return found


def of_role(found: Forecast, role: str) -> ValidatorForecast:
    return next(item for item in found.validators if item.validator.role == role)


@pytest.mark.parametrize(
    ("sample", "without"),
    [
        ("ocsp-at-parent", 8),
        ("cached-in-capture", 3),
        ("several-children", 4),
        ("ttl-override", 6),
        ("forwarding-host", 2),
        ("resumed-sessions", 1),
    ],
)
def test_the_forecast_is_what_really_was_sent(sample: str, without: int) -> None:
    parent = of_role(of_sample(sample), "parent")
    assert parent.queries_seen > 0
    assert parent.queries_with_cache == parent.queries_seen
    for responder in parent.responders:
        assert responder.queries_with_cache == responder.queries_seen
    assert parent.queries_without_cache == without


def test_a_cache_that_does_not_work_sends_what_is_forecast_without_one() -> None:
    parent = of_role(of_sample("repeated-queries"), "parent")
    assert (parent.queries_without_cache, parent.queries_with_cache) == (parent.queries_seen, 1)


def test_where_ocsp_would_have_to_be_on() -> None:
    found = of_sample("ocsp-on-child")
    parent, child = of_role(found, "parent"), of_role(found, "child")
    assert (parent.queries_with_cache, parent.queries_seen) == (2, 0)
    assert child.responders == ()
    assert [(item.reason, item.certificates) for item in child.unasked] == [
        ("reissued-certificate", 3),
        ("root", 1),
    ]
    assert [(o.source, o.host, o.port) for o in found.openings] == [(PROXY, "ocsp.pki.test", 80)]


def test_the_child_asks_where_the_parent_tunnels() -> None:
    found = of_sample("parent-tunnels")
    child, parent = of_role(found, "child"), of_role(found, "parent")
    assert child.queries_with_cache == child.queries_seen == 2
    assert [item.reason for item in parent.unasked] == ["not-intercepted"]

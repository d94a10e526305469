"""The sentence that answers the ticket."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.facts import ExchangeFrames, Fact, Facts

from .facts_factory import (
    CHILD,
    CLIENT,
    PARENT,
    PARENT_INSIDE,
    authority,
    capture,
    certificate,
    dns,
    exchange,
    facts,
    handshake,
    reissued,
    response,
    silence,
    single,
    site,
)

shop, mail, news = certificate(), certificate("mail.test"), certificate("news.test")


def headline(*items: Fact, hosts: tuple[str, ...] = (), **context: Any) -> str:
    return explain(facts(*items), Context(**context), hosts).headline


def test_nothing() -> None:
    assert explain(Facts()).headline == "The captures hold no packets."
    nothing = "no certificate, no TLS handshake and no OCSP message"
    assert headline(capture()) == f"The capture shows {nothing}."
    assert headline(capture(), replace(capture(), path="b.pcap")) == f"The captures show {nothing}."


def test_requests_and_what_came_of_them() -> None:
    assert headline(shop, handshake("shop.test", shop), exchange(shop)) == (
        f"1 OCSP request from {PARENT}: answered good."
    )
    seen = (
        shop,
        mail,
        news,
        *(handshake(f"{n}.test", c) for n, c in (("shop", shop), ("mail", mail), ("news", news))),
    )
    assert headline(*seen, exchange(shop), exchange(mail), exchange(news)) == (
        f"3 OCSP requests from {PARENT}: all 3 answered good."
    )
    assert headline(*seen, exchange(shop), exchange(mail, "revoked"), silence(news)) == (
        f"3 OCSP requests from {PARENT}: 2 answered (1 good, 1 REVOKED), 1 failed (without an answer). "
        "REVOKED: mail.test."
    )


def test_a_proxy_that_can_ask_nothing_beside_one_that_asks() -> None:
    inside = reissued()
    seen = (
        shop, inside,
        handshake("shop.test", inside, client=CHILD, server=PARENT_INSIDE, proxied=True),
        handshake("shop.test", shop, time=0.1),
        exchange(shop),
    )  # fmt: skip
    told = headline(*seen, site=site(child={}, parent={"ca": ()}))
    assert told.startswith(f"1 OCSP request from parent {PARENT}: answered good. None from child {CHILD}")
    assert "reissued" in told


def test_what_is_only_likely_is_told_so() -> None:
    seen = (shop, handshake("shop.test", shop, time=100), exchange(shop, time=-400, client=CLIENT))
    found = explain(facts(*seen))
    assert any(verdict.confidence != "confirmed" for verdict in found.verdicts)
    assert {"may", "perhaps", "why"} & set(found.headline.replace(".", " ").split())


@pytest.mark.parametrize("limits", [{"next_update": -60}, {"this_update": 1000}])
def test_an_answer_out_of_its_time_is_called_so_by_whose_clock(limits: dict[str, float]) -> None:
    answer = response(single(shop, **limits))
    told = headline(shop, handshake("shop.test", shop), exchange(shop, answer))
    assert told == f"1 OCSP request from {PARENT}: failed (answer not valid by the capture's clock)."


def test_answers_without_a_request_are_counted_beside_the_requests() -> None:
    lone = replace(exchange(mail), frames=ExchangeFrames(None, 9), requests=())
    seen = handshake("shop.test", shop), exchange(shop), handshake("mail.test", mail), lone
    told = f"1 OCSP request from {PARENT} and 1 answer without a request: both answered good."
    assert headline(shop, mail, *seen) == told


def test_failures_before_a_packet_could_be_sent_are_told() -> None:
    told = headline(shop, handshake("shop.test", shop), dns(rcode="NXDOMAIN"))
    assert (
        told == f"OCSP was tried, and no request came out from {PARENT}: the only certificate failed in DNS."
    )


def test_unmatched_and_revoked_exchanges_are_never_lost() -> None:
    told = headline(exchange(shop, "revoked"))
    assert told == (
        f"1 OCSP request from {PARENT}: answered REVOKED, about a certificate that no handshake there shows. "
        f"REVOKED: serial {shop.serial}."
    )
    for signer, validity in ((None, "is not valid"), ("CN=Responder", "may not be valid")):
        badly_signed = response(single(shop, "revoked"), signature="invalid", signer=signer)
        for visits in ((), (handshake("shop.test", shop),)):
            told = headline(shop, *visits, exchange(shop, badly_signed))
            assert "failed (unusable answer)" in told
            assert told.endswith(f"REVOKED, says an answer that {validity}: shop.test.")


def test_an_answer_that_a_clock_may_make_valid_is_not_called_invalid() -> None:
    outdated = response(single(shop, "revoked", next_update=-200))
    told = headline(shop, handshake("shop.test", shop), exchange(shop, outdated))
    assert told.endswith("REVOKED, says an answer that may not be valid: shop.test.")


def test_a_later_answer_that_is_not_valid_revokes_nothing_for_certain() -> None:
    """Whoever can send a packet can send one that says revoked; it must not be lost, nor be believed."""
    forged = response(single(shop, "revoked"), signature="invalid", signer=None)
    visits = handshake("shop.test", shop), handshake("shop.test", shop, time=90_000)
    seen = shop, *visits, exchange(shop), exchange(shop, forged, time=90_001)
    told = headline(*seen)
    assert told.endswith(". REVOKED, says an answer that may not be valid: shop.test.")
    (found,) = explain(facts(*seen)).verdicts
    assert (found.cause, found.status) == ("queried", "revoked")
    assert found.summary.endswith("; the newest answer, which may not be valid, says revoked.")
    good = exchange(shop, response(single(shop, next_update=100_000)), time=90_002)
    told = headline(shop, *visits, exchange(shop, forged), good)
    assert told.endswith(". REVOKED, says an answer that is not valid: shop.test (later good).")


def test_of_two_authorities_that_gave_one_serial_both_revoked_certificates_are_named() -> None:
    first, second = (certificate("one.test", serial="5"), certificate("two.test", "CN=Other CA", serial="5"))
    lone = exchange(second, "revoked", time=3)
    told = headline(first, handshake("one.test", first), exchange(first, "revoked"), lone)
    assert told.endswith("REVOKED: one.test, serial 5.")


def test_what_a_server_asks_about_its_own_certificate_is_no_stranger() -> None:
    visit = handshake("shop.test", shop, client=CLIENT, server=PARENT)
    own = exchange(shop, time=0.5, client=PARENT)
    told = headline(shop, mail, visit, handshake("mail.test", mail), own, exchange(mail))
    assert told.startswith(
        f"2 OCSP requests from {PARENT}: both answered good, "
        "1 of the 2 about its own certificate, to staple the answer."
    )


def test_a_request_that_a_proxy_hands_on_counts_for_the_host_that_asked() -> None:
    inner = exchange(shop, time=1, client=CHILD, server=PARENT_INSIDE, via_proxy=True)
    outer = exchange(shop, time=1.1)
    seen = (
        shop,
        handshake("shop.test", shop, client=CHILD),
        inner,
        outer,
        handshake("mail.test", mail),
        mail,
    )
    told = headline(*seen, site=site(child={}, parent={}))
    assert told.startswith(f"1 OCSP request from child {CHILD}: answered good")
    assert f"None of its own from parent {PARENT}" in told


def test_requests_handed_on_for_hosts_that_were_not_seen_asking() -> None:
    told = headline(shop, handshake("shop.test", shop), exchange(shop, relayed_for="10.5.5.5"))
    assert told.startswith(f"1 OCSP request handed on for others by {PARENT}: answered good")


def test_of_many_hosts_it_speaks_as_a_whole() -> None:
    hosts = [f"10.9.0.{number}" for number in range(1, 9)]
    asked = [
        item
        for number, host in enumerate(hosts)
        for item in (
            handshake("shop.test", shop, client=host, time=number),
            exchange(shop, client=host, time=number + 0.5),
        )
    ]
    quiet = [handshake("mail.test", mail, client=f"10.8.0.{number}") for number in range(1, 7)]
    told = headline(shop, mail, *asked, *quiet)
    assert told.startswith("8 OCSP requests from 8 hosts: all 8 answered good. None from the other 6 hosts: ")
    assert len(told) < 300


def test_chosen_hosts_choose_the_requests_too() -> None:
    seen = (
        shop,
        mail,
        handshake("shop.test", shop),
        handshake("mail.test", mail),
        exchange(shop),
        exchange(mail),
    )
    assert headline(*seen, hosts=("mail.*",)) == f"For mail.*: 1 OCSP request from {PARENT}: answered good."


def test_intermediates_count_only_where_they_were_asked_about() -> None:
    middle = authority("CN=Middle", self_signed=False)
    leaf = certificate(issuer="CN=Middle", ocsp=())
    told = headline(leaf, middle, handshake("shop.test", leaf, middle))
    assert told == (
        f"No OCSP request from {PARENT}, and none can come: no certificate there names a responder."
    )


def test_keys_may_be_there_that_open_nothing() -> None:
    seen = handshake("shop.test", version="TLS 1.3", certificate_encrypted=True)
    assert headline(seen).endswith("the only certificate is encrypted (no keys open it).")
    opened = replace(seen, stream=77, sni="mail.test", decrypted=True)
    assert headline(seen, opened).count("no keys") == 1


def test_what_is_revoked_has_the_name_under_which_any_host_received_it() -> None:
    handed_on = exchange(shop, "revoked", relayed_for="10.5.5.5")
    told = headline(shop, handshake("shop.test", shop, client=CHILD), handed_on)
    assert told.endswith("REVOKED: shop.test.")
    assert headline(shop, handed_on).endswith("REVOKED: shop.test.")
    assert headline(handed_on).endswith(f"REVOKED: serial {shop.serial}.")


def test_an_answer_that_the_capture_cuts_short_is_no_failure() -> None:
    visits = handshake("shop.test", shop), handshake("mail.test", mail, time=9)
    cut = silence(mail, time=10, missing_bytes=1073)
    told = headline(capture(tcp_gaps=1), shop, mail, *visits, exchange(shop), cut)
    assert "1 answered good, 1 with an answer that is not in the capture as a whole" in told
    assert "failed" not in told.partition(";")[0]

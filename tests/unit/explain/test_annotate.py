"""Additions to verdicts from logs, authorities and products."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocsp_pcap.explain.annotate import annotated, annotated_findings, log_notes
from ocsp_pcap.explain.logs import LogEntry
from ocsp_pcap.explain.model import Finding, Validator, Verdict
from ocsp_pcap.explain.site import Proxy, Site
from tests.unit.explain.facts_factory import PARENT, at, capture, certificate, facts, handshake, verdict

SECOND = 10**9
URL = "http://ocsp.ca.test/"
leaf = certificate("shop.test", ocsp=(URL,))


def answered() -> Verdict:
    return verdict(facts(capture(), leaf, handshake("shop.test", leaf, client=PARENT)))


def line(found: Verdict, **values: Any) -> LogEntry:
    defaults: dict[str, Any] = {"text": "the line", "zone": True, "time": found.sightings[0].time, "line": 7}
    return LogEntry(**{"path": "a.log", "kind": "squid", "said": "intercepted", **defaults, **values})


def quoted(*entries: LogEntry, found: Verdict | None = None) -> list[str]:
    found = found or answered()
    (after,) = annotated([found], entries, lambda _: None)
    assert replace(after, evidence=found.evidence) == found
    return [e.note for e in after.evidence if e.capture == "a.log"]


def test_a_line_about_the_host_at_that_time() -> None:
    found = answered()
    assert quoted(line(found, host="shop.test")) == ["line 7: the line"]
    assert quoted(line(found, host="shop.test", zone=False)) == [
        "line 7 (no time zone; read as UTC): the line"
    ]
    later = found.sightings[0].time + 6 * SECOND
    assert quoted(line(found, host="shop.test", time=later)) == []
    assert quoted(line(found, host="shop.test", time=None)) == []
    assert quoted(line(found, host="other.test")) == []
    assert quoted(line(found)) == []


def test_a_line_about_the_certificate() -> None:
    found = answered()
    assert quoted(line(found, serial=leaf.serial)) == ["line 7: the line"]
    assert quoted(line(found, host="shop.test", serial="abc")) == []


def test_a_line_about_the_responder_counts_in_logs_of_those_who_ask() -> None:
    found = answered()
    assert quoted(line(found, responder="ocsp.ca.test:80", kind="nginx")) == ["line 7: the line"]
    assert quoted(line(found, responder=f"{URL}MFU", kind="haproxy")) == ["line 7: the line"]
    assert quoted(line(found, responder="ocsp.ca.test", kind="squid")) == []


def test_the_next_proxy_wrote_about_its_client() -> None:
    found = answered()
    assert quoted(line(found, host="shop.test", client=found.validator.address)) == []
    assert quoted(line(found, host="shop.test", client="192.0.2.1")) == ["line 7: the line"]


def test_few_lines_are_enough() -> None:
    found = answered()
    assert len(quoted(*(line(found, host="shop.test", line=n) for n in range(9)))) == 3


def test_logs_of_another_day() -> None:
    found = answered()
    seen = [capture()]
    other = line(found, host="a.test", time=at(-86400 * 9))
    (note,) = log_notes([other], seen)
    assert "none of them is about these connections" in note
    (undated,) = log_notes([line(found, time=None)], seen)
    assert "have no date" in undated
    assert list(log_notes([line(found)], seen)) == []


def test_an_authority_that_ended_ocsp() -> None:
    known = certificate("shop.test", "CN=R12,O=Let's Encrypt,C=US", ocsp=(), crl=("http://c.test/1.crl",))
    found = verdict(facts(capture(), known, handshake("shop.test", known, client=PARENT)))
    assert found.cause == "no-ocsp-url"
    assert "Let's Encrypt ended OCSP on 2025-05-07: expected, nothing to fix" in found.summary
    assert "its CRL is http://c.test/1.crl" in found.summary


def test_responders_that_are_off_and_certificates_too_new() -> None:
    known = certificate("shop.test", "CN=R12,O=Let's Encrypt,C=US")
    found = verdict(facts(capture(), known, handshake("shop.test", known, client=PARENT)))
    (off,) = annotated([replace(found, cause="no-response")], (), lambda _: None)
    assert off.summary.endswith("Let's Encrypt turned its responders off on 2025-08-06.")
    fresh = replace(leaf, not_before=found.sightings[0].time - SECOND)
    (new,) = annotated([replace(found, certificate=fresh, cause="responder-error")], (), lambda _: None)
    assert "was not 15 minutes old" in new.summary


def test_a_certificate_that_no_public_authority_may_issue() -> None:
    private = certificate("www.shop.de", ocsp=(), days=400, not_before=0)
    found = verdict(
        facts(capture(), private, handshake("www.shop.de", private, client=PARENT)), host="www.shop.de"
    )
    told = replace(found, cause="no-ocsp-url")
    for changed, looks_reissued in (
        (told, True),
        (replace(told, host="www.shop.test"), False),
        (replace(told, certificate=replace(private, scts=2)), False),
        (replace(told, certificate=replace(private, not_after=at(90 * 86400))), False),
    ):
        (after,) = annotated([changed], (), lambda _: None)
        assert ("looks reissued" in after.summary.removeprefix(found.summary)) is looks_reissued


def test_steps_of_the_product_come_first() -> None:
    found = replace(answered(), cause="ocsp-disabled", validator=Validator(PARENT, "parent"))
    squid = Proxy("parent", product="squid")
    (after,) = annotated([found], (), {PARENT: squid}.get)
    assert after.next_steps[0].startswith("Squid: it never asks OCSP by itself")
    assert after.next_steps[-len(found.next_steps) :] == found.next_steps
    finding = Finding("ocsp-on-wrong-proxy", "problem", "x", (), ("general",))
    (told,) = annotated_findings([finding], Site(proxies=(squid,)))
    assert told.next_steps[0].startswith("Squid: ")
    assert told.next_steps[-1] == "general"
    assert annotated_findings([finding], Site()) == (finding,)

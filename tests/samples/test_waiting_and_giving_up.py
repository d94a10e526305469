"""Recordings of handshakes that wait, clients that give up, and traffic that passes the proxies by."""

from __future__ import annotations

import pytest

from ocsp_pcap.explain.model import Explanation, Finding

from .cases import explanation_of_all, sample


def finding(name: str, code: str) -> Finding:
    (found,) = [f for f in explanation_of_all(sample(name)).findings if f.code == code]
    return found


def notes(explanation: Explanation, log: str) -> dict[tuple[str | None, str], int]:
    """(Host, who presented): how many lines of a log are quoted."""
    return {
        (verdict.host, verdict.presented_by): len(quoted)
        for verdict in explanation.verdicts
        if (quoted := [e.note for e in verdict.evidence if e.capture.endswith(log)])
    }


def test_handshakes_wait_for_a_late_answer_and_for_an_address_that_is_dead() -> None:
    summary = finding("slow-responder", "slow-responder").summary
    assert "waited for 1 answer longer than a second, at most 3.0 s" in summary
    sender = "from 2001:db8:77:2::30, likely its own, unanswered"
    assert f"tried 2001:db8:77:9::9 over IPv6 first ({sender}), and asked 3." in summary
    assert len(finding("slow-responder", "slow-responder").evidence) == 4


def test_squid_says_how_long_it_took() -> None:
    quoted = notes(explanation_of_all(sample("slow-responder")), "parent-access.log")
    assert {host for host, _ in quoted} == {"plain.site.test", "slow.site.test", "detour.site.test"}


def test_a_client_that_insists_on_revocation_gives_up() -> None:
    found = finding("client-insists-on-revocation", "reissued-without-revocation")
    assert "plain.site.test, shop.site.test" in found.summary
    assert [item.note for item in found.evidence if "alert" in item.note] == ["fatal alert of the client"] * 2


def test_what_is_tunnelled_and_what_is_intercepted_are_told_apart() -> None:
    summary = finding("some-hosts-tunnelled", "selective-interception").summary
    assert "only tunnels bank.site.test, and intercepts plain.site.test." in summary


def test_steps_about_quic_are_not_about_the_proxy() -> None:
    steps = "\n".join(finding("quic-past-the-proxies", "certificates-hidden").next_steps)
    assert "block UDP port 443 while you capture" in steps
    assert "hold the proxy to TLS 1.2" not in steps
    over_tcp = "\n".join(finding("tls13-without-keys", "certificates-hidden").next_steps)
    assert "hold the proxy to TLS 1.2" in over_tcp
    assert "UDP" not in over_tcp


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("nginx-checks-clients", {"bob.partner.test"}),
        ("apache-checks-clients", {"alice.partner.test", "mallory.partner.test", "bob.partner.test"}),
    ],
)
def test_a_server_in_india_writes_local_time(name: str, quoted: set[str]) -> None:
    explanation = explanation_of_all(sample(name))
    assert {host for host, _ in notes(explanation, "server-error.log")} == quoted
    every = [e.note for v in explanation.verdicts for e in v.evidence if e.capture.endswith(".log")]
    assert all("(no time zone; read as UTC+05:30, which fits the packets)" in note for note in every)

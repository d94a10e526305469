"""Headers that give proxies away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.http.intermediaries import MAX_TEXT, answered_by, relayed_for, user_agent


@pytest.mark.parametrize(
    ("headers", "asker"),
    [
        ([], None),
        ([("host", "ocsp.site.test")], None),
        ([("x-forwarded-for", "10.1.2.3")], "10.1.2.3"),
        ([("x-forwarded-for", " 10.1.2.3 , 10.9.9.9")], "10.1.2.3"),
        ([("x-forwarded-for", "10.1.2.3"), ("x-forwarded-for", "10.9.9.9")], "10.1.2.3"),
        ([("x-forwarded-for", "unknown, 10.9.9.9")], "10.9.9.9"),
        ([("x-forwarded-for", "10.1.2.3:51000")], "10.1.2.3"),
        ([("x-forwarded-for", "[2001:DB8::1]:51000")], "2001:db8::1"),
        ([("x-forwarded-for", "2001:db8:0::1")], "2001:db8::1"),
        ([("x-forwarded-for", "fe80::1%eth0")], "fe80::1"),
        ([("x-forwarded-for", "::ffff:10.1.2.3")], "10.1.2.3"),
        ([("forwarded", "for=10.1.2.3")], "10.1.2.3"),
        ([("forwarded", 'by=203.0.113.43;For="[2001:db8:cafe::17]:4711";proto=http, for=10.0.0.9')],
         "2001:db8:cafe::17"),
        ([("forwarded", "for=_hidden, for=10.0.0.9")], "10.0.0.9"),
        ([("forwarded", "for=_hidden")], "_hidden"),
        ([("forwarded", 'for="unterminated')], None),
        ([("forwarded", 'for="10.1.2.3:_port"')], "10.1.2.3"),
        ([("x-forwarded-for", "unknown")], "unknown"),
        ([("x-forwarded-for", "unknown"), ("via", "1.1 child (squid/5.7)")], "1.1 child (squid/5.7)"),
        ([("x-forwarded-for", ""), ("via", "1.1 child (squid/5.7)")], "1.1 child (squid/5.7)"),
        ([("via", "1.1 one"), ("via", "1.1 two")], "1.1 one, 1.1 two"),
        ([("x-forwarded-for", "unknown"), ("forwarded", "for=10.1.2.3")], "10.1.2.3"),
        ([("x-forwarded-for", ",,, ,")], None),
        ([("x-forwarded-for", ", 300.1.2.3")], "300.1.2.3"),
    ],
)  # fmt: skip
def test_relayed_for(headers: list[tuple[str, str]], asker: str | None) -> None:
    assert relayed_for(tuple(headers)) == asker


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ([], None),
        ([("server", "nginx"), ("date", "now")], None),
        ([("x-squid-error", "ERR_DNS_FAIL 0"), ("via", "1.1 p (squid/5.7)"), ("server", "squid/5.7")],
         "squid: X-Squid-Error ERR_DNS_FAIL 0"),
        ([("proxy-authenticate", 'Basic realm="p"')], 'Proxy-Authenticate: Basic realm="p"'),
        ([("proxy-status", "p; error=dns_timeout"), ("via", "1.1 p")], "Proxy-Status: p; error=dns_timeout"),
        ([("proxy-status", "p; next-hop=o"), ("via", "1.1 p")], "Via: 1.1 p"),
        ([("server", "squid/5.7"), ("via", "1.1 p")], "Server: squid/5.7"),
        ([("server", "tinyproxy/1.11.1")], "Server: tinyproxy/1.11.1"),
        ([("via", "1.1 p (squid/5.7)"), ("x-cache", "MISS from p")], "Via: 1.1 p (squid/5.7)"),
        ([("x-cache", "HIT")], "X-Cache: HIT"),
        ([("via", "  ")], None),
    ],
)  # fmt: skip
def test_answered_by(headers: list[tuple[str, str]], shown: str | None) -> None:
    assert answered_by(tuple(headers)) == shown


def test_user_agent() -> None:
    assert user_agent((("user-agent", "Microsoft-CryptoAPI/10.0"),)) == "Microsoft-CryptoAPI/10.0"
    assert user_agent(()) is None


def test_long_values_are_cut() -> None:
    for value in ("x" * 60_000, "a," * 30_000):
        for name in ("via", "x-forwarded-for", "forwarded", "x-squid-error", "user-agent"):
            headers = ((name, value),) * 20
            for found in (relayed_for(headers), answered_by(headers), user_agent(headers)):
                assert found is None or len(found) <= MAX_TEXT + 30


@given(
    st.lists(
        st.tuples(st.sampled_from(("x-forwarded-for", "forwarded", "via", "server")), st.text(max_size=60))
    )
)
def test_nothing_raises(headers: list[tuple[str, str]]) -> None:
    relayed_for(tuple(headers))
    answered_by(tuple(headers))

"""BIG-IP configurations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.explain.site.bigip import looks_like_bigip, read_bigip

SECOND = 10**9
WHOLE = """#TMSH-VERSION: 16.1.3
ltm pool /Common/ocsp_proxy {
    members {
        /Common/10.1.1.9:3128 {
            address 10.1.1.9
        }
    }
}
ltm profile server-ssl /Common/out {
    defaults-from /Common/serverssl
    ocsp /Common/corp
    ssl-forward-proxy enabled
}
ltm rule /Common/x {
    when HTTP_REQUEST { log local0. "x" }
}
net self /Common/inside {
    address 10.1.0.20/24
    allow-service { default }
}
sys crypto cert-validator ocsp /Common/corp {
    cache-timeout 3600
    proxy-server-pool /Common/ocsp_proxy
    responder-url http://ocsp.corp.test/
}
"""


def test_a_configuration() -> None:
    reading = read_bigip("bigip.conf", WHOLE)
    values = reading.values
    assert values["addresses"] == {"10.1.0.20"}
    assert (values["ocsp"], values["intercepts"], values["product"]) == (True, True, "f5-sslo")
    assert values["responder_url"] == "http://ocsp.corp.test/"
    assert values["forwarding_host"] == "10.1.1.9:3128"
    assert values["cache_ttl"] == 3600 * SECOND
    assert not any(source.firm for _, source in reading.sources)
    assert [line.text for line in reading.unread] == ["ltm rule"]
    assert reading.problems == []


def test_a_profile_without_a_validator_asks_nobody() -> None:
    assert read_bigip("b", WHOLE.replace("ocsp /Common/corp\n", "ocsp none\n")).values["ocsp"] is False
    assert "ocsp" not in read_bigip("b", WHOLE.replace("    ocsp /Common/corp\n", "")).values


def test_which_of_two_validators_asks_is_not_told() -> None:
    text = WHOLE + "sys crypto cert-validator ocsp /Common/other {\n    cache-timeout indefinite\n}\n"
    assert "cache_ttl" not in read_bigip("b", text).values
    assert "cache_ttl" not in read_bigip("b", WHOLE.replace("3600", "indefinite")).values


def test_a_cut_is_told() -> None:
    (problem,) = read_bigip("b", WHOLE[:330]).problems
    assert "ends inside" in problem
    assert looks_like_bigip(WHOLE)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    read_bigip("b", text)
    read_bigip("b", f"sys crypto cert-validator ocsp {text} {{\ncache-timeout {text}\n{text}")


def test_blocks_that_are_nested_too_deep_are_named() -> None:
    depth = BOUNDS.configuration_depth
    assert not read_bigip("b", "net self a {\n" * depth + "}\n" * depth).problems
    (problem,) = read_bigip("b", "net self a {\n" * (depth + 5) + "}\n" * (depth + 5)).problems
    assert f"b:{depth + 1}: a bound of this program was reached" in problem

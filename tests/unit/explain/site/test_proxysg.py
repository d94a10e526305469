"""ProxySG: sysinfo and configuration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.explain.site.proxysg import looks_like_proxysg, read_proxysg
from ocsp_pcap.explain.site.reading import Reading

RULE = "_" * 74
CONFIGURATION = """!- Version: SGOS 6.7.5.1 Proxy Edition
!- BEGIN networking
interface 0:0 ;mode
ip-address 10.1.0.20 255.255.255.0
exit
!- END networking
!- BEGIN ssl
ssl ;mode
ocsp ;mode
create corp
edit corp ;mode
url http://ocsp.corp.test/
exit
exit
proxy issuer-keyring signer
exit
!- END ssl
!- BEGIN forwarding
forwarding ;mode
create host up 10.2.0.30 http=8080 proxy
exit
!- END forwarding
!- BEGIN services
proxy-services ;mode
edit "HTTPS" ;mode
intercept all 443
exit
exit
!- END services
!- BEGIN content_filtering
content-filter ;mode
exit
!- END content_filtering
!- BEGIN policy
inline policy local end-1-inline
{policy}
end-1-inline
!- END policy
"""


def read(policy: str = "", text: str = CONFIGURATION) -> Reading:
    return read_proxysg("sg.txt", text.replace("{policy}", policy))


def sysinfo(policy: str = "") -> str:
    sections = [
        "Blue Coat Systems, Inc., ProxySG Appliance System Information",
        "Version Information\nURL_Path /SYSINFO/Version\nVersion: SGOS 6.7.5.1",
        "Software Configuration\nURL_Path /cli/show/configuration\n" + CONFIGURATION.format(policy=policy),
        "TCP/IP Routing Table\nURL_Path /TCP/Route\ndefault 10.1.0.1",
        "Forwarding Settings\nURL_Path /Forwarding/Settings\n# 1 forwarding hosts defined.\n",
    ]
    return f"\n\n{RULE}\n\n".join(sections)


def test_a_configuration() -> None:
    reading = read("<SSL-Intercept>\n  ssl.forward_proxy(https)\n<Forward>\n  forward(up)")
    assert reading.values["addresses"] == {"10.1.0.20"}
    assert reading.values["intercepts"] is True
    assert reading.goes_through == "10.2.0.30:8080"
    assert (reading.values["product"], reading.problems) == ("proxysg", [])
    assert not any(source.firm for _, source in reading.sources)
    seen = [line.text for line in reading.seen]
    assert "SGOS 6.7.5.1" in seen
    assert "[ssl / ocsp / edit corp] url http://ocsp.corp.test/" in seen
    assert '[proxy-services / edit "HTTPS"] intercept all 443' in seen
    assert "forwarding host up is 10.2.0.30:8080" in seen
    assert "ocsp" not in reading.values
    assert [line.text for line in reading.unread] == ["configuration of content_filtering"]


def test_a_sysinfo_is_read_as_its_configuration() -> None:
    reading = read_proxysg("sg.txt", sysinfo("<SSL-Intercept>\n ssl.forward_proxy(https)"))
    assert reading.values["addresses"] == {"10.1.0.20"}
    assert reading.values["intercepts"] is True
    assert "section TCP/IP Routing Table (/TCP/Route)" in [line.text for line in reading.unread]
    assert "1 forwarding hosts defined." in [line.text for line in reading.seen]


@pytest.mark.parametrize(
    ("policy", "intercepts", "ocsp"),
    [
        ("", None, None),
        ("<SSL-Intercept>\n ssl.forward_proxy(no)", False, None),
        (
            "<SSL-Intercept>\n url.domain=bank.test ssl.forward_proxy(no)\n ssl.forward_proxy(https)",
            None,
            None,
        ),
        ("<SSL-Intercept>\n category=Finance ssl.forward_proxy(https)", None, None),
        ("<SSL>\n server.certificate.validate(no)", None, False),
        ("<SSL>\n server.certificate.validate.check_revocation(no)", None, False),
        ("<SSL>\n url.domain=a.test server.certificate.validate(no)", None, None),
        ("<SSL>\n server.certificate.validate(no)\n server.certificate.validate(yes)", None, None),
        ("; <SSL>\n; server.certificate.validate(no)", None, None),
        ("define action x\n server.certificate.validate(no)\nend action x", None, None),
        ("<SSL> url.domain=a.test\n server.certificate.validate(no)", None, None),
    ],
)
def test_gestures_of_policy(policy: str, intercepts: bool | None, ocsp: bool | None) -> None:
    values = read(policy).values
    assert (values.get("intercepts"), values.get("ocsp")) == (intercepts, ocsp)


def test_secrets_are_not_quoted() -> None:
    reading = read(
        text='!- BEGIN ssl\nssl ;mode\nhashed-password "x"\nedit ocsp encrypted-password "y"\n!- END ssl'
    )
    assert not any("password" in line.text for line in (*reading.seen, *reading.unread))


@pytest.mark.parametrize("length", range(0, len(sysinfo("<SSL>")), 23))
def test_a_sysinfo_that_is_cut(length: int) -> None:
    reading = read_proxysg("sg.txt", sysinfo("<SSL>")[:length])
    whole = read_proxysg("sg.txt", sysinfo("<SSL>"))
    assert reading.values.get("addresses", frozenset()) <= whole.values["addresses"]


def test_the_cut_is_told() -> None:
    assert "ends inside the configuration of networking" in read(text="!- BEGIN networking\n").problems[0]
    text = CONFIGURATION.split("end-1-inline\n!-")[0]
    assert "ends inside the text that line" in read(text=text).problems[0]
    assert "has no section /cli/show/configuration" in read_proxysg("s", f"{RULE}\nX\n").problems[0]


def test_recognition() -> None:
    assert looks_like_proxysg(sysinfo())
    assert looks_like_proxysg(CONFIGURATION)
    assert not looks_like_proxysg("http_port 3128\n")


@given(st.text())
def test_no_text_raises(text: str) -> None:
    read_proxysg("s", text)
    read(text)
    read_proxysg("s", f"{RULE}\n{text}\nURL_Path {text}\n{text}")


def test_a_sysinfo_that_was_cut_says_where() -> None:
    whole = sysinfo()
    assert read("", whole).problems == []
    (problem,) = read("", whole[:-10]).problems
    assert "ends in the middle of line" in problem
    assert "in the section Forwarding Settings: the rest is not known" in problem

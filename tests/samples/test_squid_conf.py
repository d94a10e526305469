"""The laboratory's own squid.conf tells as much as the site file that was written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.explain.site import Proxy, ProxyRole, Site
from ocsp_pcap.explain.site.read import load_sites, merged, read_files
from ocsp_pcap.explain.site.write import site_toml
from ocsp_pcap.explain.trace import load_trace
from tests.conftest import SYSINFO

from .cases import SAMPLES, Sample, explanation_of_all, facts_of_all, known_site, sample, samples

LISTENS: dict[ProxyRole, str] = {"child": "10.77.0.20", "parent": "10.77.1.30"}
MITMPROXY = frozenset({"staples", "resumed-sessions", "tls13-with-keys", "tls13-without-keys"})
TOLD_TO_THE_HELPER = frozenset({"ttl-override", "forwarding-host"})
"""What decides there is set for the helper that asks, and stands in no squid.conf."""

SECOND_CHILD = frozenset({"several-children"})
"""From which address the second child goes on stands in no squid.conf."""

SPLICED = {"some-hosts-tunnelled": ("bank.site.test",)}
"""What the parent of a scenario only tunnels."""


def of_squid() -> Iterator[str]:
    for case in samples():
        two = {"child", "parent"} <= {case.role(path) for path in case.captures}
        if two and case.site is not None and case.name not in MITMPROXY | TOLD_TO_THE_HELPER | SECOND_CHILD:
            yield case.name


@pytest.fixture(autouse=True)
def laboratory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SAMPLES / "lab"))


def configuration(proxy: Proxy, case: Sample, folder: Path) -> Path:
    """Write the squid.conf that the laboratory gives this proxy, with its CA beside it."""
    from ocsplab.squid import Interception, squid_conf

    folder.mkdir()
    tls = None
    spliced = SPLICED.get(case.name, ()) if proxy.role == "parent" else ()
    if proxy.intercepts or spliced:
        if proxy.ca:
            (folder / "ca.pem").write_bytes((case.folder / "parent-ca.pem").read_bytes())
        validator = "/usr/bin/python3 ocsp_validator.py validator.json" if proxy.ocsp else None
        tls = Interception(folder / "ca.pem", folder / "trust.pem", "certgen -s db -M 4MB", validator)
    parent = LISTENS["parent"] if proxy.role == "child" else None
    path = folder / "squid.conf"
    text = squid_conf(proxy.role, folder, LISTENS[proxy.role], tls=tls, parent=parent, splices_hosts=spliced)
    path.write_text(text)
    return path


def explained(case: Sample, site: Site) -> Explanation:
    facts = facts_of_all(case)
    roles = {c.path: role for c in facts.captures if (role := case.role(Path(c.path))) is not None}
    trace = tuple(entry for path in case.traces for entry in load_trace(path))
    return explain(facts, Context(site, roles, trace))


def answers(explanation: Explanation) -> set[tuple[str | None, ...]]:
    return {
        (v.validator.role, v.host, v.chain_role, v.presence, v.cause, v.status, v.confidence)
        for v in explanation.verdicts
    } | {(finding.code,) for finding in explanation.findings}


def configurations(case: Sample, folder: Path) -> list[Path | str]:
    return [configuration(proxy, case, folder / proxy.role) for proxy in known_site(case).proxies]


def printed(arguments: list[Path | str], folder: Path) -> Site:
    """What `ocsp-pcap site` prints, read again."""
    sites, readings = read_files(arguments)
    path = folder / "printed.toml"
    path.write_text(site_toml(merged(sites, readings), readings), encoding="utf-8")
    return load_sites([path])


@pytest.mark.parametrize("name", list(of_squid()))
def test_the_same_answers_as_with_the_site_file(name: str, tmp_path: Path) -> None:
    case = sample(name)
    site = load_sites(configurations(case, tmp_path))
    assert [proxy.role for proxy in site.proxies] == [proxy.role for proxy in known_site(case).proxies]
    assert answers(explained(case, site)) == answers(explanation_of_all(case))


@pytest.mark.parametrize("name", list(of_squid()))
def test_the_same_answers_with_what_is_printed(name: str, tmp_path: Path) -> None:
    case = sample(name)
    arguments = configurations(case, tmp_path)
    assert answers(explained(case, printed(arguments, tmp_path))) == answers(
        explained(case, load_sites(arguments))
    )


@pytest.mark.sysinfo
@pytest.mark.parametrize("role", ["child", "parent"])
@pytest.mark.parametrize("name", ["ocsp-at-parent", "ocsp-on-child", "ocsp-nowhere"])
def test_the_same_answers_with_what_is_printed_of_a_sysinfo(name: str, role: str, tmp_path: Path) -> None:
    case = sample(name)
    other = next(proxy for proxy in known_site(case).proxies if proxy.role != role)
    arguments: list[Path | str] = [
        f"{role}={SYSINFO}",
        f"{other.role}={configuration(other, case, tmp_path / other.role)}",
    ]
    assert answers(explained(case, printed(arguments, tmp_path))) == answers(
        explained(case, load_sites(arguments))
    )


@pytest.mark.sysinfo
def test_a_sysinfo_tells_addresses_services_forwarding_and_policy(tmp_path: Path) -> None:
    sites, readings = read_files([f"parent={SYSINFO}"])
    text = site_toml(merged(sites, readings), readings)
    for told in (
        'addresses = ["172.16.1.15"]',
        'line 281: [proxy-services / edit "HTTPS"] intercept all 443',
        "line 1574: 0 forwarding hosts defined.",
        "policy of 12 lines, none with ssl.forward_proxy(), server.certificate.validate() or forward()",
    ):
        assert told in text

"""Scenarios of software that validates by itself, and of relays that validate nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ocsplab import network, other_software
from ocsplab.behind import Behind, Origin, Responder
from ocsplab.capture import Recorder
from ocsplab.chain import Chain, Proxy
from ocsplab.lab import Lab
from ocsplab.network import Namespace
from ocsplab.pki import Authority, Leaf
from ocsplab.programs import LabError
from ocsplab.squid import PORT, Squid, Validation
from ocsplab.visits import pause, s_client

from .base import Scenario

ServerStarter = Callable[[Lab, Namespace, str, Leaf, Authority], Path]
REFUSING = "http://ocsp.refusing.test/"
ILL = "http://ocsp.ill.test/"
TELLING = re.compile(r"OCSP|stapling_|certificate status|verify error")
"""Lines of an error log that are about revocation; the rest is the program's start."""


def _plain_revoked_and_ill(lab: Lab) -> tuple[list[Origin], Authority, Behind]:
    """An origin without troubles, a revoked one, and one whose responder answers 503."""
    origins = [
        Origin("plain.site.test"),
        Origin("revoked.site.test", status="revoked"),
        Origin("ill.site.test", ocsp_url=ILL),
    ]
    authority = Authority(lab.directory / "pki", intermediate_ocsp=True)
    return origins, authority, _behind(lab, authority, origins, Responder("ocsp.ill.test", "503"))


def stunnel(lab: Lab, out: Path) -> None:
    """stunnel asks about leaf and intermediate on every connection, and refuses without a good answer."""
    origins = [
        Origin("plain.site.test"),
        Origin("revoked.site.test", status="revoked"),
        Origin("refusing.site.test", ocsp_url=REFUSING),
        Origin("ill.site.test", ocsp_url=ILL),
    ]
    authority = Authority(lab.directory / "pki", intermediate_ocsp=True)
    behind = _behind(lab, authority, origins, Responder("ocsp.ill.test", "503"))
    client = lab.net.client
    ports = other_software.start_stunnel(lab, client, authority.root, [one.host for one in origins])
    recorder = Recorder(client, out / "capture.pcap")
    came = []
    for host in ("plain", "plain", "revoked", "refusing", "ill"):
        name = f"{host}.site.test"
        came.append(other_software.visit_by_stunnel(client, name, ports[name]))
        pause(0.8)
    recorder.stop()
    _expect("pages", came, [True, True, False, False, False])
    _asked(behind, "ocsp.pki.test", 3)
    _asked(behind, "ocsp-root.pki.test", 5)
    _asked(behind, "ocsp.ill.test", 1)


def _server_checks_clients(lab: Lab, out: Path, start: ServerStarter) -> None:
    """A server asks about its clients' certificates, and fetches a staple for its own."""
    authority = Authority(lab.directory / "pki")
    server = authority.issue("api.partner.test")
    alice = authority.issue("alice.partner.test", purpose="clientAuth")
    mallory = authority.issue("mallory.partner.test", purpose="clientAuth", status="revoked")
    bob = authority.issue("bob.partner.test", purpose="clientAuth", ocsp_url=ILL)
    behind = _behind(
        *(lab, authority, [Origin("plain.site.test")], Responder("ocsp.ill.test", "503")),
        elsewhere={"api.partner.test": network.PARENT_OUTER},
    )
    recorder = Recorder(lab.net.parent, out / "server.pcap", interface="any")
    log = start(lab, lab.net.parent, network.PARENT_OUTER, server, authority)
    client, host = lab.net.client, "api.partner.test"
    came = [other_software.visit_with_certificate(client, host, authority.root, alice)]
    for _ in range(2):
        pause(0.8)
        certificate = ("-cert", str(alice.chain), "-key", str(alice.key))
        s_client(client, host, authority.root, "-status", *certificate)
    for leaf in (mallory, bob):
        pause(0.8)
        came.append(other_software.visit_with_certificate(client, host, authority.root, leaf))
    recorder.stop()
    _expect("pages", came, [True, False, False])
    _asked(behind, "ocsp.pki.test", 5)
    _asked(behind, "ocsp.ill.test", 1)
    lines = [line for line in log.read_text().splitlines(True) if TELLING.search(line)]
    (out / "server-error.log").write_text("".join(lines))


def nginx_checks_clients(lab: Lab, out: Path) -> None:
    """nginx with `ssl_ocsp leaf` and `ssl_stapling`."""
    start = other_software.start_nginx_that_checks_clients
    _server_checks_clients(lab, out, start)


def apache_checks_clients(lab: Lab, out: Path) -> None:
    """Apache with `SSLOCSPEnable leaf` and `SSLUseStapling`."""
    start = other_software.start_apache_that_checks_clients
    _server_checks_clients(lab, out, start)


def java(lab: Lab, out: Path) -> None:
    """Java asks by GET, about leaf and intermediate, and fetches a CRL where OCSP fails."""
    origins = [
        Origin("plain.site.test"),
        Origin("revoked.site.test", status="revoked"),
        Origin("fallback.site.test", ocsp_url=ILL, crl_url="http://crl.pki.test/issuing.crl"),
        Origin("crl-only.site.test", ocsp_url=None, crl_url="http://crl.pki.test/issuing.crl"),
        Origin("neither.site.test", ocsp_url=REFUSING),
    ]
    authority = Authority(lab.directory / "pki", intermediate_ocsp=True)
    behind = _behind(lab, authority, origins, Responder("ocsp.ill.test", "503"))
    other_software.make_java_trust(lab, authority.root)
    recorder = Recorder(lab.net.client, out / "capture.pcap")
    hosts = ["plain.site.test", *(one.host for one in origins)]
    lines = other_software.visit_by_java(lab, lab.net.client, hosts)
    recorder.stop()
    _expect("pages", _came(lines), [True, True, False, True, True, False])
    _asked(behind, "ocsp.pki.test", 2)
    _asked(behind, "ocsp-root.pki.test", 5)
    _asked(behind, "ocsp.ill.test", 1)
    _asked(behind, "crl.pki.test", 1)


def insists_on_revocation(lab: Lab, out: Path) -> None:
    """Java insists on a revocation check, behind two intercepting proxies; curl does not."""
    origins = [Origin("plain.site.test"), Origin("shop.site.test")]
    chain = Chain(lab, out, origins, parent=Proxy(validation=Validation()))
    chain.start()
    other_software.make_java_trust(lab, chain.client_trust)
    chain.record()
    chain.tap(lab.net.client, "client.pcap")
    proxying = [f"-Dhttps.proxyHost={network.CHILD_INNER}", f"-Dhttps.proxyPort={PORT}"]
    lines = other_software.visit_by_java(
        lab, lab.net.client, ["plain.site.test", "shop.site.test"], *proxying
    )
    chain.visit("plain.site.test")
    chain.stop(asked=2)
    _expect("pages", _came(lines), [False, False])


def perl(lab: Lab, out: Path) -> None:
    """IO::Socket::SSL asks about the whole chain."""
    origins, authority, behind = _plain_revoked_and_ill(lab)
    recorder = Recorder(lab.net.client, out / "capture.pcap")
    hosts = ["plain.site.test", *(one.host for one in origins)]
    lines = other_software.visit_by_perl(lab.net.client, authority.root, hosts)
    recorder.stop()
    _expect("pages", _came(lines), [True, True, False, True])
    _asked(behind, "ocsp.pki.test", 3)
    _asked(behind, "ocsp-root.pki.test", 4)
    _asked(behind, "ocsp.ill.test", 1)


def firefox(lab: Lab, out: Path) -> None:
    """Firefox asks about leaves only, and keeps answers and failures."""
    origins, authority, behind = _plain_revoked_and_ill(lab)
    recorder = Recorder(lab.net.client, out / "capture.pcap")
    plain, revoked, ill = (one.host for one in origins)
    steps = [plain, ill, revoked, "wait:8", plain, ill]
    lines = other_software.visit_by_firefox(lab, lab.net.client, authority.root, steps)
    recorder.stop()
    _expect("pages", _came(lines), [True, True, False, True, True])
    _asked(behind, "ocsp.pki.test", 2)
    _asked(behind, "ocsp-root.pki.test", 0)
    _asked(behind, "ocsp.ill.test", 1)


def socks_relay(lab: Lab, out: Path) -> None:
    """A SOCKS relay, captured on both sides: what it carries is its client's."""
    origins = [Origin("plain.site.test"), Origin("revoked.site.test", status="revoked")]
    authority = Authority(lab.directory / "pki", intermediate_ocsp=True)
    behind = _behind(lab, authority, origins)
    other_software.make_java_trust(lab, authority.root)
    other_software.start_dante(lab, lab.net.child, network.CHILD_INNER)
    recorder = Recorder(lab.net.child, out / "relay.pcap", interface="any")
    lines = other_software.visit_by_java(
        lab,
        lab.net.client,
        [one.host for one in origins],
        f"-DsocksProxyHost={network.CHILD_INNER}",
        f"-DsocksProxyPort={other_software.SOCKS_PORT}",
    )
    recorder.stop()
    _expect("pages", _came(lines), [True, False])
    _asked(behind, "ocsp.pki.test", 2)
    _asked(behind, "ocsp-root.pki.test", 2)


def tunnels_relay_queries(lab: Lab, out: Path) -> None:
    """Child and parent only tunnel; the client's own OCSP queries go through both as plain HTTP."""
    origins = [Origin("plain.site.test"), Origin("revoked.site.test", status="revoked")]
    authority = Authority(lab.directory / "pki", intermediate_ocsp=True)
    behind = _behind(lab, authority, origins)
    other_software.make_java_trust(lab, authority.root)
    ca = (authority.root, authority.root_key)
    Squid(
        *("parent", lab.net.parent, lab.directory / "parent", network.PARENT_INNER, ca, (authority.root,)),
        splices=True,
        discloses=True,
    ).start()
    other_software.start_tinyproxy(lab, lab.net.child, network.CHILD_INNER, network.PARENT_INNER)
    recorders = [
        Recorder(lab.net.child, out / "child.pcap"),
        Recorder(lab.net.parent, out / "parent.pcap"),
    ]
    proxying = [
        f"-D{kind}.proxy{word}"
        for kind in ("http", "https")
        for word in (f"Host={network.CHILD_INNER}", "Port=3128")
    ]
    hosts = [one.host for one in origins]
    lines = other_software.visit_by_java(lab, lab.net.client, ["plain.site.test", *hosts], *proxying)
    for recorder in recorders:
        recorder.stop()
    _expect("pages", _came(lines), [True, True, False])
    _asked(behind, "ocsp.pki.test", 2)
    _asked(behind, "ocsp-root.pki.test", 2)


def _behind(
    lab: Lab,
    authority: Authority,
    origins: list[Origin],
    *responders: Responder,
    elsewhere: dict[str, str] | None = None,
) -> Behind:
    behind = Behind(
        *(lab.net, lab.directory / "behind", lab.processes, authority, origins, responders),
        elsewhere=elsewhere or {},
    )
    behind.start()
    return behind


def _came(lines: list[str]) -> list[bool]:
    return [line.startswith("page") for line in lines if not line.startswith("soft")]


def _expect(what: str, really: list[bool], planned: list[bool]) -> None:
    if really != planned:
        raise LabError(f"{what}: {really} instead of {planned}")


def _asked(behind: Behind, host: str, times: int) -> None:
    requests = [line for line in behind.plain_requests() if line.split()[2] == host]
    if len(requests) != times:
        raise LabError(f"{len(requests)} requests to {host} instead of {times}: {requests}")


SCENARIOS = (
    Scenario("stunnel-client", stunnel, ("stunnel4",)),
    Scenario("nginx-checks-clients", nginx_checks_clients),
    Scenario("apache-checks-clients", apache_checks_clients, ("apache2",)),
    Scenario("java-client", java, ("java", "keytool")),
    Scenario("client-insists-on-revocation", insists_on_revocation, ("squid", "java", "keytool")),
    Scenario("perl-client", perl, ("perl",)),
    Scenario("firefox-client", firefox, ("firefox-esr", "certutil")),
    Scenario("socks-relay", socks_relay, ("danted", "java", "keytool")),
    Scenario("tunnels-relay-queries", tunnels_relay_queries, ("squid", "tinyproxy", "java", "keytool")),
)

"""The network behind the parent: DNS, nginx origins, OCSP responder, CRL server, forwarding host."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from . import network
from .network import Network
from .pki import OCSP_URL, Authority, Leaf, Status, make_self_signed
from .programs import Processes, wait_until

Staple = Literal["none", "good", "stale", "other"]

PAGE = "{host}\n"
RESPONDER_PORT = 8080
ROOT_RESPONDER_PORT = 8081
SLOW_RESPONDER_PORT = 8082
SLOW_RELAY = Path(__file__).resolve().parent.parent / "slow_relay.py"
STALE_AFTER = 60 + 420
"""Seconds: a response good for one minute, and then beyond the clock skew that validators usually allow."""
RESPONSE_HEAD = "application/ocsp-response"
TRY_LATER = bytes.fromhex("30030a0103")
UNAUTHORIZED = bytes.fromhex("30030a0106")


@dataclass(frozen=True, slots=True)
class Origin:
    """One web site: its certificate and how its server staples."""

    host: str
    status: Status = "good"
    ocsp_url: str | None = OCSP_URL
    crl_url: str | None = None
    staple: Staple = "none"
    must_staple: bool = False
    days: int = 397
    tls: str = "TLSv1.2"


@dataclass(frozen=True, slots=True)
class Responder:
    """A further responder host name and what its server does to a query.

    `behaviour` is an nginx statement inside `location /`, or the name of a canned answer.
    """

    host: str
    behaviour: Literal[
        "proxy", "slow", "tls", "503", "silent", "try-later", "unauthorized", "other", "forged"
    ] = "proxy"
    ipv6: str | None = None
    """An IPv6 address that DNS names besides the one at which it answers."""


@dataclass(slots=True)
class Behind:
    """Everything behind the parent; `start` returns when all of it answers."""

    net: Network
    directory: Path
    processes: Processes
    authority: Authority
    origins: Sequence[Origin]
    responders: Sequence[Responder] = ()
    response_minutes: int | None = None
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Names that DNS knows beyond the origins and responders, and their addresses."""
    leaves: dict[str, Leaf] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _stale_after: float = 0.0

    def start(self) -> None:
        """Issue the certificates, then start the responder, nginx and dnsmasq."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for origin in self.origins:
            self.leaves[origin.host] = self.authority.issue(
                origin.host,
                status=origin.status,
                ocsp_url=origin.ocsp_url,
                crl_url=origin.crl_url,
                must_staple=origin.must_staple,
                days=origin.days,
            )
        self.authority.make_crl()
        self._make_staples()
        self._start_responders()
        self._start_nginx()
        self._start_dns()

    def address_of(self, host: str) -> str:
        """Return the address at which an origin or a responder is served."""
        return self._names[host]

    def wait_until_stale(self) -> None:
        """Return when every staple that is meant to be stale has passed its nextUpdate."""
        time.sleep(max(0.0, self._stale_after - time.time()))

    def plain_requests(self) -> list[str]:
        """Return what reached responders and CRL servers: "address method host status" for each request."""
        log = self.directory / "plain-http.log"
        return log.read_text().splitlines() if log.exists() else []

    def _staple_file(self, origin: Origin) -> Path:
        return self.directory / f"{origin.host}.staple"

    def _make_staples(self) -> None:
        for origin in self.origins:
            if origin.staple == "none":
                continue
            leaf = self.leaves[origin.host]
            if origin.staple == "other":
                leaf = next(self.leaves[other.host] for other in self.origins if other.host != origin.host)
            stale = origin.staple == "stale"
            self.authority.make_response(leaf, self._staple_file(origin), minutes=1 if stale else None)
            if stale:
                self._stale_after = time.time() + STALE_AFTER

    def _start_responders(self) -> None:
        authority = self.authority
        validity = ["-ndays", "4"]
        if self.response_minutes is not None:
            validity = ["-nmin", str(self.response_minutes)]
        self._responder(
            RESPONDER_PORT,
            authority.index,
            authority.issuing,
            authority.signer,
            authority.signer_key,
            validity,
        )
        self._responder(
            *(ROOT_RESPONDER_PORT, authority.root_index, authority.root, authority.root),
            *(authority.root_key, ["-ndays", "90"]),
        )
        if any(one.behaviour == "slow" for one in self.responders):
            self.net.behind.start(
                "slow-relay",
                ["python3", str(SLOW_RELAY), str(SLOW_RESPONDER_PORT), str(RESPONDER_PORT), "3"],
            )
            wait_until(lambda: self._listens(SLOW_RESPONDER_PORT), "the slow responder")

    def _responder(
        self, port: int, index: Path, ca: Path, signer: Path, key: Path, validity: Sequence[str]
    ) -> None:
        self.net.behind.start(
            f"responder-{port}",
            [
                *("openssl", "ocsp", "-index", str(index), "-CA", str(ca), "-rsigner", str(signer)),
                *("-rkey", str(key), "-port", str(port), *validity, "-ignore_err"),
            ],
        )
        wait_until(lambda: self._listens(port), f"the OCSP responder on port {port}")

    def _listens(self, port: int) -> bool:
        return f":{port} ".encode() in self.net.behind.run(["ss", "-Hltn"]).stdout

    def _address(self, host: str) -> str:
        if host not in self._names:
            self._names[host] = f"10.77.2.{100 + len(self._names)}"
            self.net.add_address(self._names[host])
        return self._names[host]

    def _start_nginx(self) -> None:
        canned = self.directory / "canned"
        canned.mkdir()
        (canned / "try-later").write_bytes(TRY_LATER)
        (canned / "unauthorized").write_bytes(UNAUTHORIZED)
        self.authority.make_response(self.leaves[self.origins[0].host], canned / "other")
        for one in self.responders:
            if one.behaviour == "forged":
                self._forge(one, canned / "forged")
        shutil.copy(self.authority.crl, canned / "issuing.crl")
        servers = [self._origin_server(origin) for origin in self.origins]
        servers.append(self._http_server("ocsp.pki.test", _forward(RESPONDER_PORT)))
        servers.append(self._http_server("ocsp-root.pki.test", _forward(ROOT_RESPONDER_PORT)))
        servers.append(
            self._http_server("crl.pki.test", f"root {canned}; default_type application/pkix-crl;")
        )
        for one in self.responders:
            if one.behaviour == "tls":
                servers.append(self._tls_server(one.host, _forward(RESPONDER_PORT)))
            else:
                servers.append(self._http_server(one.host, _behaviour(one, canned)))
        configuration = self.directory / "nginx.conf"
        configuration.write_text(
            "daemon off; master_process off; worker_processes 1;\n"
            f"pid {self.directory}/nginx.pid; error_log {self.directory}/nginx-error.log info;\n"
            "events { worker_connections 256; }\n"
            "http {\n"
            "log_format plain '$remote_addr $request_method $host $status'; access_log off;\n"
            "server_tokens off; keepalive_timeout 30;\n"
            f"client_body_temp_path {self.directory}/body; proxy_temp_path {self.directory}/proxy;\n"
            f"fastcgi_temp_path {self.directory}/fastcgi; uwsgi_temp_path {self.directory}/uwsgi;\n"
            f"scgi_temp_path {self.directory}/scgi;\n" + "".join(servers) + "}\n"
        )
        arguments = ["nginx", "-p", str(self.directory), "-e", str(self.directory / "nginx-error.log")]
        self.net.behind.start("nginx", [*arguments, "-c", str(configuration)])
        wait_until(lambda: self._listens(443), "nginx")

    def _forge(self, responder: Responder, path: Path) -> None:
        origin = next(one for one in self.origins if one.ocsp_url == f"http://{responder.host}/")
        signer, key = self.directory / "forger.pem", self.directory / "forger.key"
        make_self_signed(signer, key, "/O=Nobody in Particular/CN=Forged OCSP Signer")
        self.authority.make_response(self.leaves[origin.host], path, signer=(signer, key))

    def _origin_server(self, origin: Origin) -> str:
        leaf = self.leaves[origin.host]
        page = PAGE.format(host=origin.host)
        stapling = ""
        if origin.staple != "none":
            stapling = f"ssl_stapling on; ssl_stapling_file {self._staple_file(origin)};"
        return (
            f"server {{ listen {self._address(origin.host)}:443 ssl; server_name {origin.host};\n"
            f"ssl_certificate {leaf.chain}; ssl_certificate_key {leaf.key}; ssl_protocols {origin.tls};\n"
            f'{stapling} location / {{ default_type text/plain; return 200 "{page}"; }} }}\n'
        )

    def _http_server(self, host: str, location: str) -> str:
        head = (
            f"server {{ listen {self._address(host)}:80; server_name {host};\n"
            f"access_log {self.directory}/plain-http.log plain;\n"
        )
        return f"{head}location / {{ {location} }} }}\n"

    def _tls_server(self, host: str, location: str) -> str:
        leaf = self.authority.issue(host, ocsp_url=None)
        return (
            f"server {{ listen {self._address(host)}:443 ssl; server_name {host};\n"
            f"ssl_certificate {leaf.chain}; ssl_certificate_key {leaf.key}; ssl_protocols TLSv1.2;\n"
            f"location / {{ {location} }} }}\n"
        )

    def _start_dns(self) -> None:
        ipv6 = {one.host: f",{one.ipv6}" for one in self.responders if one.ipv6 is not None}
        records = [
            f"--host-record={host},{address}{ipv6.get(host, '')}"
            for host, address in sorted({**self._names, **self.elsewhere}.items())
        ]
        self.net.behind.start(
            "dnsmasq",
            [
                *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"),
                *("--user=root", f"--listen-address={network.DNS}", "--bind-interfaces", "--local=/test/"),
                *("--pid-file", "--log-facility=-", *records),
                f"--host-record=ocsp.dead.test,{network.UNANSWERED}",
                f"--host-record=ocsp.refusing.test,{network.NOT_LISTENING}",
            ],
        )
        wait_until(lambda: self._listens(53), "dnsmasq")


def _forward(port: int) -> str:
    return f"proxy_pass http://127.0.0.1:{port}; proxy_http_version 1.0;"


def _behaviour(responder: Responder, canned: Path) -> str:
    if responder.behaviour == "proxy":
        return _forward(RESPONDER_PORT)
    if responder.behaviour == "slow":
        return _forward(SLOW_RESPONDER_PORT)
    if responder.behaviour == "503":
        return "return 503;"
    if responder.behaviour == "silent":
        return "return 444;"
    return (
        f"root {canned}; default_type {RESPONSE_HEAD}; try_files /{responder.behaviour} =404;"
        f" error_page 405 =200 /{responder.behaviour};"
    )

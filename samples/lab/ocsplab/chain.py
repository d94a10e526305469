"""The chain client, child, parent, origins as most scenarios need it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from . import network
from .behind import Behind, Origin, Responder
from .capture import Recorder
from .lab import Lab
from .mitm import Mitmproxy
from .network import Namespace
from .pki import Authority, make_self_signed
from .programs import LabError
from .squid import PORT, Squid, Validation
from .visits import curl, pause


@dataclass(frozen=True, slots=True)
class Proxy:
    """What one proxy of a chain is and does.

    `tls` and `resume` are for mitmproxy, `splices_hosts` for squid.
    """

    intercepts: bool = True
    splices_hosts: tuple[str, ...] = ()
    validation: Validation | None = None
    make: Literal["squid", "mitmproxy"] = "squid"
    tls: str = "TLS1_2"
    resume: bool = False


@dataclass(slots=True)
class Chain:
    """A child and a parent in front of the origins."""

    lab: Lab
    out: Path
    origins: Sequence[Origin]
    child: Proxy = Proxy()
    parent: Proxy = Proxy()
    child_b: Proxy | None = None
    responders: Sequence[Responder] = ()
    response_minutes: int | None = None
    intermediate_ocsp: bool = False
    forwarding_host: bool = False
    behind: Behind = field(init=False)
    parent_proxy: Squid | Mitmproxy = field(init=False)
    child_proxy: Squid | Mitmproxy = field(init=False)
    child_b_proxy: Squid | Mitmproxy = field(init=False)
    client_trust: Path = field(init=False)
    _recorders: list[Recorder] = field(default_factory=list)
    _asked_before: int = 0

    def start(self) -> None:
        """Start everything; returns when the chain serves."""
        lab, net = self.lab, self.lab.net
        authority = Authority(lab.directory / "pki", intermediate_ocsp=self.intermediate_ocsp)
        self.behind = Behind(
            net=net,
            directory=lab.directory / "behind",
            processes=lab.processes,
            authority=authority,
            origins=self.origins,
            responders=self.responders,
            response_minutes=self.response_minutes,
        )
        self.behind.start()
        if self.forwarding_host:
            Squid("forwarder", net.behind, lab.directory / "forwarder", network.FORWARDING_HOST).start()
        upstream = authority.root
        self.parent_proxy = self._proxy(
            "parent", net.parent, network.PARENT_INNER, self.parent, (upstream,), None
        )
        if self.parent_proxy.ca is not None:
            upstream = self.parent_proxy.ca[0]
            shutil.copyfile(upstream, self.out / "parent-ca.pem")
        # What the parent only tunnels comes with the origin's own certificate.
        trust = (upstream, authority.root) if self.parent.splices_hosts else (upstream,)
        self.child_proxy = self._proxy(
            "child", net.child, network.CHILD_INNER, self.child, trust, network.PARENT_INNER
        )
        self.client_trust = upstream if self.child_proxy.ca is None else self.child_proxy.ca[0]
        if self.child_b is not None:
            arguments = (network.CHILD_B_INNER, self.child_b, trust, network.PARENT_INNER)
            self.child_b_proxy = self._proxy("child-b", net.child_b, *arguments)

    def record(
        self, *, child: bool = True, parent: bool = True, expression: str = "ip", snaplen: int = 65535
    ) -> None:
        """Begin the usual captures: what leaves the child, what leaves the parent."""
        if child:
            self.tap(self.lab.net.child, "child.pcap", expression=expression, snaplen=snaplen)
        if parent:
            self.tap(self.lab.net.parent, "parent.pcap", expression=expression, snaplen=snaplen)

    def tap(
        self,
        namespace: Namespace,
        file: str,
        *,
        interface: str = "out0",
        expression: str = "ip",
        snaplen: int = 65535,
    ) -> None:
        """Begin one more capture."""
        if not self._recorders:
            self._asked_before = self._count_queries()
        self._recorders.append(
            Recorder(namespace, self.out / file, interface=interface, expression=expression, snaplen=snaplen)
        )

    def visit(self, *hosts: str, expect_failure: bool = False) -> None:
        """Let the client open one page after the other through the child."""
        for host in hosts:
            curl(self.lab.net.client, host, self.client_trust, expect_failure=expect_failure)
            pause()

    def visit_through_child_b(self, *hosts: str) -> None:
        """Let the client open pages through the second child."""
        certificate = self.child_b_proxy.ca
        trust = self.client_trust if certificate is None else certificate[0]
        for host in hosts:
            curl(self.lab.net.client, host, trust, proxy=f"http://{network.CHILD_B_INNER}:{PORT}")
            pause()

    def stop(self, *, asked: int, trace: bool = False) -> None:
        """End the captures; with `trace`, keep the parent's policy trace.

        :raises LabError: when the validators asked responders another number of times than `asked` since the
            captures began, or mitmproxy's addon failed: then the captures do not show the story
        """
        for recorder in self._recorders:
            recorder.stop()
        self._recorders.clear()
        really = self._count_queries() - self._asked_before
        if really != asked:
            raise LabError(f"{really} queries to responders instead of {asked}")
        for log in self.lab.directory.glob("logs/mitmdump-*.log"):
            if "Addon error" in log.read_text(errors="replace"):
                raise LabError(f"mitmproxy's addon failed, see {log.name}")
        if trace:
            shutil.copyfile(self.parent_proxy.trace, self.out / "policy.trace")

    def _count_queries(self) -> int:
        traces = self.lab.directory.glob("*/policy.trace")
        return sum(trace.read_text().count("querying responder") for trace in traces)

    def _proxy(
        self,
        name: str,
        namespace: Namespace,
        address: str,
        plan: Proxy,
        trust: tuple[Path, ...],
        parent: str | None,
    ) -> Squid | Mitmproxy:
        ca: tuple[Path, Path] | None = None
        if plan.intercepts:
            ca = (self.lab.directory / f"{name}-ca.pem", self.lab.directory / f"{name}-ca.key")
            make_self_signed(*ca, f"/O=Example Corp/CN=Example {name} interception CA")
        directory = self.lab.directory / name
        proxy: Squid | Mitmproxy
        if plan.make == "mitmproxy" and ca is not None:
            proxy = Mitmproxy(
                *(name, namespace, directory, address, ca, trust, parent, plan.validation),
                tls=plan.tls,
                resume=plan.resume,
            )
        else:
            proxy = Squid(
                *(name, namespace, directory, address, ca, trust, parent, plan.validation),
                splices_hosts=plan.splices_hosts,
            )
        proxy.start()
        return proxy

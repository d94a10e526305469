"""The chain client, child, parent, origins as most scenarios need it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import network
from .behind import Behind, Origin, Responder
from .capture import Recorder
from .lab import Lab
from .network import Namespace
from .pki import Authority, make_self_signed
from .squid import Squid, Validation
from .visits import curl, pause


@dataclass(frozen=True, slots=True)
class Proxy:
    """What one squid of a chain does."""

    intercepts: bool = True
    validation: Validation | None = None


@dataclass(slots=True)
class Chain:
    """squid as child and as parent, in front of the origins."""

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
    parent_squid: Squid = field(init=False)
    child_squid: Squid = field(init=False)
    child_b_squid: Squid = field(init=False)
    client_trust: Path = field(init=False)
    _recorders: list[Recorder] = field(default_factory=list)

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
        self.parent_squid = self._proxy(
            "parent", net.parent, network.PARENT_INNER, self.parent, upstream, None
        )
        if self.parent_squid.ca is not None:
            upstream = self.parent_squid.ca[0]
            shutil.copyfile(upstream, self.out / "parent-ca.pem")
        self.child_squid = self._proxy(
            "child", net.child, network.CHILD_INNER, self.child, upstream, network.PARENT_INNER
        )
        self.client_trust = upstream if self.child_squid.ca is None else self.child_squid.ca[0]
        if self.child_b is not None:
            arguments = (network.CHILD_B_INNER, self.child_b, upstream, network.PARENT_INNER)
            self.child_b_squid = self._proxy("child-b", net.child_b, *arguments)

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
        self._recorders.append(
            Recorder(namespace, self.out / file, interface=interface, expression=expression, snaplen=snaplen)
        )

    def visit(self, *hosts: str, expect_failure: bool = False) -> None:
        """Let the client open one page after the other through the child."""
        for host in hosts:
            curl(self.lab.net.client, host, self.client_trust, expect_failure=expect_failure)
            pause()

    def stop(self, *, trace: bool = False) -> None:
        """End the captures; with `trace`, keep the parent's policy trace."""
        for recorder in self._recorders:
            recorder.stop()
        self._recorders.clear()
        if trace:
            shutil.copyfile(self.parent_squid.trace, self.out / "policy.trace")

    def _proxy(
        self,
        name: str,
        namespace: Namespace,
        address: str,
        plan: Proxy,
        trust: Path,
        parent: str | None,
    ) -> Squid:
        ca: tuple[Path, Path] | None = None
        if plan.intercepts:
            ca = (self.lab.directory / f"{name}-ca.pem", self.lab.directory / f"{name}-ca.key")
            make_self_signed(*ca, f"/O=Example Corp/CN=Example {name} interception CA")
        squid = Squid(
            name=name,
            namespace=namespace,
            directory=self.lab.directory / name,
            address=address,
            ca=ca,
            trust=(trust,),
            parent=parent,
            validation=plan.validation,
        )
        squid.start()
        return squid

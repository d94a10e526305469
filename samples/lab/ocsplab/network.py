"""Network namespaces joined by two switches: nothing in here can reach an address outside of them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .programs import LabError, Processes, run

CLIENT = "10.77.0.10"
CHILD_INNER = "10.77.0.20"
CHILD_B_INNER = "10.77.0.21"
CHILD_OUTER = "10.77.1.20"
CHILD_B_OUTER = "10.77.1.21"
PARENT_INNER = "10.77.1.30"
PARENT_OUTER = "10.77.2.30"
BEHIND = "10.77.2.1"
DNS = "10.77.2.53"
FORWARDING_HOST = "10.77.2.40"
NOT_LISTENING = "10.77.2.66"
UNANSWERED = "10.77.9.9"
PARENT_OUTER_6 = "2001:db8:77:2::30"
BEHIND_6 = "2001:db8:77:2::1"
UNANSWERED_6 = "2001:db8:77:9::9"

ETC_NETNS = Path("/etc/netns")
OFFLOADS_OFF = [word for offload in ("tso", "gso", "gro", "tx", "rx") for word in (offload, "off")]


@dataclass(frozen=True, slots=True)
class Namespace:
    """One network namespace."""

    name: str
    processes: Processes

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the command line that runs `arguments` inside."""
        return ["ip", "netns", "exec", self.name, *arguments]

    def run(
        self,
        arguments: Sequence[str],
        *,
        check: bool = True,
        timeout: float = 60.0,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command inside, to its end (see `programs.run`)."""
        return run(
            self.command(arguments), check=check, timeout=timeout, stdin=stdin, environment=environment
        )

    def start(
        self,
        label: str,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a background process inside (see `Processes.start`)."""
        return self.processes.start(label, self.command(arguments), cwd=cwd, environment=environment)


class Network:
    """Client, two child proxies, parent proxy and the network behind, with `10.77.N.0/24` between them.

    Every device name and namespace carries `suffix`, so that two labs on one machine do not meet.
    """

    def __init__(self, suffix: str, processes: Processes) -> None:
        self._suffix = suffix
        self._processes = processes
        self._created: list[Namespace] = []

    def build(self) -> None:
        """Create namespaces, links, addresses and routes.

        :raises LabError: when the kernel or the missing privilege of the caller does not allow it
        """
        self.client = self._namespace("client")
        self.child = self._namespace("child")
        self.child_b = self._namespace("child-b")
        self.parent = self._namespace("parent")
        self.behind = self._namespace("behind")
        self._switches = self._namespace("switch")
        for bridge in ("lan0", "lan1", "lan2"):
            self._ip(self._switches, "link", "add", bridge, "type", "bridge", "forward_delay", "0")
            self._ip(self._switches, "link", "set", bridge, "up")
        self._plug(self.client, "out0", "lan0", CLIENT)
        self._plug(self.child, "in0", "lan0", CHILD_INNER)
        self._plug(self.child, "out0", "lan1", CHILD_OUTER)
        self._plug(self.child_b, "in0", "lan0", CHILD_B_INNER)
        self._plug(self.child_b, "out0", "lan1", CHILD_B_OUTER)
        self._plug(self.parent, "in0", "lan1", PARENT_INNER)
        self._plug(self.parent, "out0", "lan2", PARENT_OUTER)
        self._plug(self.behind, "in0", "lan2", BEHIND)
        for address in (DNS, FORWARDING_HOST, NOT_LISTENING):
            self.add_address(address)
        self._ip(self.client, "route", "add", "default", "via", CHILD_INNER)
        self._ip(self.child, "route", "add", "default", "via", PARENT_INNER)
        self._ip(self.child_b, "route", "add", "default", "via", PARENT_INNER)
        self._ip(self.parent, "route", "add", "default", "via", BEHIND)
        self._ip(self.parent, "route", "add", "10.77.0.0/24", "via", CHILD_OUTER)
        self._ip(self.behind, "route", "add", "10.77.0.0/23", "via", PARENT_OUTER)
        self._ip(self.behind, "route", "add", "blackhole", f"{UNANSWERED}/32")

    def add_address(self, address: str) -> None:
        """Give the network behind one more address."""
        self._ip(self.behind, "address", "add", f"{address}/24", "dev", "in0")

    def give_ipv6(self) -> None:
        """Give parent and the network behind IPv6, with an address beyond it at which nobody answers."""
        for namespace, device, address in (
            (self.parent, "out0", PARENT_OUTER_6),
            (self.behind, "in0", BEHIND_6),
        ):
            namespace.run(["sh", "-c", f"echo 0 >/proc/sys/net/ipv6/conf/{device}/disable_ipv6"])
            self._ip(namespace, "address", "add", f"{address}/64", "dev", device, "nodad")
        self._ip(self.parent, "-6", "route", "add", "default", "via", BEHIND_6)
        self.behind.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"])
        self._ip(self.behind, "-6", "route", "add", "blackhole", f"{UNANSWERED_6}/128")

    def give_up_connections_early(self, namespace: Namespace) -> None:
        """Let the kernel of a namespace send a SYN twice, and no more: it gives up within seconds."""
        namespace.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/tcp_syn_retries"])

    def close(self) -> None:
        """Delete every namespace and its resolver file; the links vanish with them."""
        for namespace in reversed(self._created):
            run(["ip", "netns", "delete", namespace.name], check=False)
            shutil.rmtree(ETC_NETNS / namespace.name, ignore_errors=True)
        self._created.clear()
        with contextlib.suppress(OSError):
            ETC_NETNS.rmdir()

    def _namespace(self, short: str) -> Namespace:
        namespace = Namespace(f"ocsplab-{self._suffix}-{short}", self._processes)
        self._created.append(namespace)
        resolver = ETC_NETNS / namespace.name / "resolv.conf"
        resolver.parent.mkdir(parents=True)
        resolver.write_text(f"nameserver {DNS}\noptions timeout:2 attempts:1\n")
        try:
            run(["ip", "netns", "add", namespace.name])
        except LabError as error:
            raise LabError(f"network namespaces cannot be made here: {error}") from error
        settings = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv4/ip_forward"
        namespace.run(["sh", "-c", settings])
        self._ip(namespace, "link", "set", "lo", "up")
        return namespace

    def _ip(self, namespace: Namespace, *arguments: str) -> None:
        run(["ip", "-n", namespace.name, *arguments])

    def _plug(self, namespace: Namespace, device: str, bridge: str, address: str) -> None:
        port = f"{namespace.name.removeprefix(f'ocsplab-{self._suffix}-')}-{device}"
        self._ip(
            namespace,
            *("link", "add", device, "type", "veth", "peer", "name", port, "netns", self._switches.name),
        )
        for owner, name in ((namespace, device), (self._switches, port)):
            owner.run(["ethtool", "-K", name, *OFFLOADS_OFF])
        self._ip(self._switches, "link", "set", port, "master", bridge)
        self._ip(self._switches, "link", "set", port, "up")
        self._ip(namespace, "address", "add", f"{address}/24", "dev", device)
        self._ip(namespace, "link", "set", device, "up")

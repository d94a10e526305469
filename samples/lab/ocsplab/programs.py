"""Prerequisites, foreground commands, and background processes that never outlive the lab."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

DEBIAN_PACKAGES: Mapping[str, str] = {
    "ip": "iproute2",
    "ethtool": "ethtool",
    "tcpdump": "tcpdump",
    "tshark": "tshark",
    "editcap": "wireshark-common",
    "openssl": "openssl",
    "curl": "curl",
    "nginx": "nginx-light",
    "dnsmasq": "dnsmasq-base",
    "squid": "squid-openssl",
    "wget2": "wget2",
    "stunnel4": "stunnel4",
    "apache2": "apache2",
    "danted": "dante-server",
    "tinyproxy": "tinyproxy",
    "java": "openjdk-17-jdk-headless",
    "keytool": "openjdk-17-jdk-headless",
    "perl": "libio-socket-ssl-perl",
    "firefox-esr": "firefox-esr",
    "certutil": "libnss3-tools",
}
"""Program name to the Debian package that holds it."""

ALWAYS_NEEDED = ("ip", "ethtool", "tcpdump", "openssl", "curl", "nginx", "dnsmasq")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class LabError(Exception):
    """The laboratory could not be built, or a scenario did not go as its story says."""


def find_program(name: str) -> str | None:
    """Return the path of a program, also from the directories that only root has in its PATH."""
    return shutil.which(name, path=SYSTEM_PATH) or shutil.which(name)


def missing_programs(names: Sequence[str]) -> list[str]:
    """Return those of `names` that this machine does not have."""
    return [name for name in names if find_program(name) is None]


def apt_get_line(programs: Sequence[str]) -> str:
    """Return the command that would install the missing programs on Debian; the lab itself installs none."""
    packages = sorted({DEBIAN_PACKAGES[program] for program in programs})
    return "apt-get install --no-install-recommends " + " ".join(packages)


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without the caller's proxies, virtual environments and OpenSSL settings."""
    environment = {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", "TZ": "UTC"}
    environment.update(extra or {})
    return environment


def run(
    arguments: Sequence[str],
    *,
    check: bool = True,
    timeout: float = 60.0,
    stdin: bytes = b"",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end.

    :raises LabError: when it fails although `check` is set, or does not end within `timeout` seconds
    """
    try:
        result = subprocess.run(
            list(arguments),
            input=stdin,
            capture_output=True,
            timeout=timeout,
            cwd=cwd,
            env=clean_environment(environment),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"no end within {timeout:g} s: {' '.join(arguments)}") from error
    if check and result.returncode != 0:
        output = (result.stderr + result.stdout).decode(errors="replace").strip()
        raise LabError(f"exit status {result.returncode}: {' '.join(arguments)}\n{output}")
    return result


def wait_until(condition: Callable[[], bool], what: str, timeout: float = 15.0) -> None:
    """Poll `condition` until it holds.

    :raises LabError: after `timeout` seconds
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(0.05)


class Processes:
    """The background processes of one lab, each leading a process group of its own."""

    def __init__(self, log_directory: Path) -> None:
        self._logs = log_directory
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def log_of(self, name: str) -> Path:
        """Return the file that collects the output of the process called `name`."""
        return self._logs / f"{name}.log"

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process in the background; its output goes to `log_of(name)`."""
        log: IO[bytes]
        with self.log_of(name).open("ab") as log:
            process = subprocess.Popen(
                list(arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=clean_environment(environment),
                start_new_session=True,
            )
        self._running.append((name, process))
        return process

    def stop(self, process: subprocess.Popen[bytes], first: signal.Signals = signal.SIGTERM) -> None:
        """End one process and its children: politely first, then for certain."""
        for number, patience in ((first, 4.0), (signal.SIGKILL, 4.0)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        self._running = [(name, other) for name, other in self._running if other is not process]

    def stop_all(self) -> None:
        """End every process that is still running, the youngest first."""
        for _, process in reversed(list(self._running)):
            self.stop(process)

    def check_alive(self) -> None:
        """Complain when a process that should still serve has ended.

        :raises LabError: with the end of that process's log
        """
        for name, process in self._running:
            if process.poll() is not None:
                tail = self.log_of(name).read_text(errors="replace")[-2000:]
                raise LabError(f"{name} ended with status {process.returncode}:\n{tail}")

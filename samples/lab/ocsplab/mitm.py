"""mitmproxy, the second make of proxy."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .network import Namespace
from .pki import make_bundle
from .programs import LabError, wait_until
from .squid import PORT, VALIDATOR, Validation

ADDON = VALIDATOR.with_name("mitm_addon.py")

HOW_TO_GET = (
    "missing: mitmdump 12 (Python 3.12 or newer); name it with --mitmdump PATH\n"
    "  python3.12 -m venv mitmproxy-venv\n"
    "  mitmproxy-venv/bin/pip install 'mitmproxy>=12,<13' 'cryptography<47'"
)

_chosen: list[str] = []


def use(path: str) -> None:
    """Take the mitmdump program at `path`."""
    _chosen[:] = [path]


def find() -> str | None:
    """Return the path of mitmdump, or None."""
    if _chosen:
        return _chosen[0] if os.access(_chosen[0], os.X_OK) else None
    return shutil.which("mitmdump")


@dataclass(slots=True)
class Mitmproxy:
    """One mitmdump in one namespace; the fields are those of `squid.Squid`, and a few more."""

    name: str
    namespace: Namespace
    directory: Path
    address: str
    ca: tuple[Path, Path]
    trust: tuple[Path, ...]
    parent: str | None = None
    validation: Validation | None = None
    tls: str = "TLS1_2"
    resume: bool = False
    trace: Path = field(init=False)
    keys: Path = field(init=False)

    def start(self) -> None:
        """Start mitmdump; returns when it listens.

        :raises LabError: when it does not come up
        """
        program = find()
        if program is None:
            raise LabError(HOW_TO_GET)
        self.directory.mkdir(parents=True)
        self.trace = self.directory / "policy.trace"
        self.keys = self.directory / "tls.keys"
        certificate, key = self.ca
        make_bundle(self.directory / "mitmproxy-ca.pem", key, certificate)
        trust = make_bundle(self.directory / "trust.pem", *self.trust)
        for script in (VALIDATOR, ADDON):
            shutil.copyfile(script, self.directory / script.name)
        environment = {"SSLKEYLOGFILE": str(self.keys), "HOME": str(self.directory)}
        if self.resume:
            environment["OCSPLAB_RESUME"] = "1"
        if self.validation is not None:
            settings = self.directory / "validator.json"
            self.validation.write(settings, trust, self.trace)
            environment["OCSPLAB_VALIDATOR"] = str(settings)
        options = {
            "confdir": self.directory,
            "ssl_verify_upstream_trusted_ca": trust,
            "tls_version_client_min": self.tls,
            "tls_version_client_max": self.tls,
            "tls_version_server_min": self.tls,
            "tls_version_server_max": self.tls,
            "http2": "false",
            "flow_detail": "0",
        }
        mode = "regular" if self.parent is None else f"upstream:http://{self.parent}:{PORT}"
        label = f"mitmdump-{self.name}"
        process = self.namespace.start(
            label,
            [
                *(program, "--mode", mode, "--listen-host", self.address, "--listen-port", str(PORT)),
                *("-s", str(self.directory / ADDON.name)),
                *(item for name, value in options.items() for item in ("--set", f"{name}={value}")),
            ],
            environment=environment,
        )

        def listens() -> bool:
            if process.poll() is not None:
                log = self.namespace.processes.log_of(label).read_text(errors="replace")
                raise LabError(f"mitmdump ({self.name}) ended at once:\n{log[-1500:]}")
            return f":{PORT} ".encode() in self.namespace.run(["ss", "-Hltn"]).stdout

        wait_until(listens, f"mitmdump ({self.name})", timeout=30)

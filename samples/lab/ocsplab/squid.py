"""squid as child and as parent: interception with ssl-bump, or tunnels, with or without a validator."""

from __future__ import annotations

import json
import os
import pwd
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .network import Namespace
from .pki import make_bundle
from .programs import LabError, run, wait_until

PORT = 3128
USER = "proxy"
CERTGEN = (Path("/usr/lib/squid/security_file_certgen"), Path("/usr/libexec/squid/security_file_certgen"))
VALIDATOR = Path(__file__).resolve().parent.parent / "ocsp_validator.py"


@dataclass(frozen=True, slots=True)
class Validation:
    """How a proxy checks revocation; the fields are those of `ocsp_validator.Settings`."""

    ttl: float | None = None
    proxy: str | None = None
    crl_fallback: bool = False
    check_intermediates: bool = False
    renew: bool = False
    enforce: bool = True
    query_after_bad_staple: bool = True
    timeout: int = 2

    def write(self, path: Path, trust: Path, trace: Path) -> None:
        """Write the settings file of the validator."""
        settings = {name: getattr(self, name) for name in self.__slots__}
        path.write_text(json.dumps({**settings, "trust": str(trust), "trace": str(trace)}))


@dataclass(frozen=True, slots=True)
class Interception:
    """What an intercepting squid needs: files, and the command lines of its helpers."""

    signing: Path
    trust: Path
    certificates: str
    validator: str | None = None


def squid_conf(
    name: str,
    directory: Path,
    address: str,
    *,
    tls: Interception | None = None,
    parent: str | None = None,
    splices: bool = False,
    splices_hosts: tuple[str, ...] = (),
    discloses: bool = False,
) -> str:
    """Return the configuration of one squid; it listens at `address` and goes on through `parent`.

    With `splices` it peeks at the ClientHello and then tunnels, with `splices_hosts` only those; `discloses`
    adds `Via` and `X-Forwarded-For` to plain requests, as squid does by default.
    """
    access_log = [f"access_log stdio:{directory}/access.log"]
    if tls is not None:
        access_log = [
            "logformat bumps %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt %ssl::bump_mode",
            f"access_log stdio:{directory}/access.log bumps",
        ]
    lines = [
        "visible_hostname " + name + ".proxy.test",
        "http_access allow all",
        "cache deny all",
        "cache_mem 8 MB",
        *([] if discloses else ["via off", "forwarded_for delete"]),
        "server_persistent_connections off",
        "shutdown_lifetime 0 seconds",
        "pinger_enable off",
        "netdb_filename none",
        f"cache_effective_user {USER}",
        f"pid_filename {directory}/squid.pid",
        *access_log,
        f"cache_log {directory}/cache.log",
        f"coredump_dir {directory}",
    ]
    if tls is None:
        lines.append(f"http_port {address}:{PORT}")
    else:
        lines += [
            f"http_port {address}:{PORT} ssl-bump tls-cert={tls.signing} generate-host-certificates=on"
            " dynamic_cert_mem_cache_size=4MB options=NO_TLSv1_3",
            f"sslcrtd_program {tls.certificates}",
            "sslcrtd_children 2 startup=1 idle=1",
            f"tls_outgoing_options cafile={tls.trust} options=NO_TLSv1_3",
            "acl step1 at_step SslBump1",
            *([f"acl tunnelled ssl::server_name {' '.join(splices_hosts)}"] if splices_hosts else []),
            "ssl_bump peek step1",
            *(["ssl_bump splice tunnelled"] if splices_hosts else []),
            "ssl_bump splice all" if splices else "ssl_bump bump all",
        ]
        if tls.validator is not None:
            lines += [
                f"sslcrtvalidator_program ttl=1 cache=65536 {tls.validator}",
                "sslcrtvalidator_children 1 startup=1 idle=1 concurrency=4",
            ]
    if parent is not None:
        lines += [f"cache_peer {parent} parent {PORT} 0 no-query no-digest default", "never_direct allow all"]
    return "\n".join(lines) + "\n"


@dataclass(slots=True)
class Squid:
    """One squid in one namespace.

    `ca` is the interception CA as certificate and key, or None for a proxy that only tunnels; `parent` the
    address of the proxy through which everything goes; `splices` and `discloses` as for `squid_conf`.
    """

    name: str
    namespace: Namespace
    directory: Path
    address: str
    ca: tuple[Path, Path] | None = None
    trust: tuple[Path, ...] = ()
    parent: str | None = None
    validation: Validation | None = None
    splices: bool = False
    splices_hosts: tuple[str, ...] = ()
    discloses: bool = False
    trace: Path = field(init=False)

    def start(self) -> None:
        """Write the configuration and start squid; returns when it listens.

        :raises LabError: when it does not come up
        """
        self.directory.mkdir(parents=True)
        self.trace = self.directory / "policy.trace"
        tls = None if self.ca is None else self._tls(*self.ca)
        text = squid_conf(
            *(self.name, self.directory, self.address),
            tls=tls,
            parent=self.parent,
            splices=self.splices,
            splices_hosts=self.splices_hosts,
            discloses=self.discloses,
        )
        configuration = self.directory / "squid.conf"
        configuration.write_text(text)
        self._give_to_squid()
        service = "lab" + self.directory.parent.name.removeprefix("ocsplab-").replace("_", "") + self.name
        command = ["squid", "-N", "-n", service.replace("-", ""), "-f", str(configuration)]
        process = self.namespace.start(f"squid-{self.name}", command)

        def listens() -> bool:
            if process.poll() is not None:
                log = self.namespace.processes.log_of(f"squid-{self.name}").read_text(errors="replace")
                raise LabError(f"squid ({self.name}) ended at once:\n{log[-1500:]}")
            return f":{PORT} ".encode() in self.namespace.run(["ss", "-Hltn"]).stdout

        wait_until(listens, f"squid ({self.name})")

    def _tls(self, certificate: Path, key: Path) -> Interception:
        signing = make_bundle(self.directory / "ca.pem", certificate, key)
        trust = make_bundle(self.directory / "trust.pem", *self.trust)
        program = next((path for path in CERTGEN if path.exists()), None)
        if program is None:
            raise LabError("this squid has no security_file_certgen: install squid-openssl")
        database = self.directory / "certificates"
        run([str(program), "-c", "-s", str(database), "-M", "4MB"])
        validator: str | None = None
        if self.validation is not None:
            script = self.directory / VALIDATOR.name
            shutil.copyfile(VALIDATOR, script)
            settings = self.directory / "validator.json"
            self.validation.write(settings, trust, self.trace)
            validator = f"/usr/bin/python3 {script} {settings}"
        return Interception(signing, trust, f"{program} -s {database} -M 4MB", validator)

    def _give_to_squid(self) -> None:
        account = pwd.getpwnam(USER)
        for path in (self.directory, *self.directory.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)

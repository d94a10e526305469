"""Where a story plays: a client and servers in the laboratory's network, certificates, key log, capture."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ocsplab.capture import Recorder
from ocsplab.lab import Lab
from ocsplab.pki import OCSP_URL, Authority
from ocsplab.programs import LabError, run, wait_until


@dataclass(frozen=True, slots=True)
class Identity:
    """A server's (or client's) certificate, its key, its staple, and the address it is served at."""

    host: str
    address: str
    certificate: Path
    key: Path
    staple: Path


class Stage:
    """One story's servers, certificates, key log and captures."""

    def __init__(self, lab: Lab, out: Path) -> None:
        self.lab = lab
        self.out = out
        self.directory = lab.directory / "stage"
        self.directory.mkdir()
        (self.directory / "hello").write_text("hello\n")
        self.authority = Authority(self.directory / "pki", intermediate_ocsp=True)
        self.keys = self.directory / "keys.log"
        self._addresses = 0
        self._programs = 0
        self._server: subprocess.Popen[bytes] | None = None

    def identity(
        self,
        host: str,
        *,
        rsa_key: Path | None = None,
        ocsp_url: str = OCSP_URL,
        address: str | None = None,
    ) -> Identity:
        """Issue a certificate for a host, with an RSA key where one is given; it has its own address."""
        if address is None:
            self._addresses += 1
            address = f"10.77.2.{100 + self._addresses}"
            self.lab.net.add_address(address)
        leaf = self.authority.issue(host, ocsp_url=ocsp_url)
        certificate, key = leaf.certificate, leaf.key
        if rsa_key is not None:
            key = rsa_key
            self._certify_again(host, leaf.serial, certificate, key, ocsp_url)
        staple = self.directory / f"{host}.ocsp"
        self.authority.make_response(leaf, staple)
        return Identity(host, address, certificate, key, staple)

    def rsa_key(self) -> Path:
        """Return a new RSA private key."""
        path = self.directory / "server-rsa.pem"
        run(
            ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(path)]
        )
        return path

    def issuing_staple(self) -> Path:
        """Return the root's response about the issuing CA."""
        authority = self.authority
        request, staple = self.directory / "issuing.req", self.directory / "issuing.ocsp"
        cert = ("-issuer", str(authority.root), "-cert", str(authority.issuing))
        run(["openssl", "ocsp", *cert, "-no_nonce", "-reqout", str(request)])
        run(
            [
                *("openssl", "ocsp", "-index", str(authority.root_index), "-CA", str(authority.root)),
                *("-rsigner", str(authority.root), "-rkey", str(authority.root_key), "-ndays", "90"),
                *("-reqin", str(request), "-respout", str(staple)),
            ]
        )
        return staple

    def _certify_again(self, host: str, serial: str, certificate: Path, key: Path, ocsp_url: str) -> None:
        """Replace a certificate by one with the same serial number for an RSA key."""
        request, extensions = self.directory / f"{host}.csr", self.directory / f"{host}.ext"
        extensions.write_text(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
            f"extendedKeyUsage=serverAuth\nsubjectAltName=DNS:{host}\nsubjectKeyIdentifier=hash\n"
            f"authorityKeyIdentifier=keyid\nauthorityInfoAccess=OCSP;URI:{ocsp_url}\n"
        )
        run(["openssl", "req", "-new", "-key", str(key), "-subj", f"/CN={host}", "-out", str(request)])
        authority = self.authority
        run(
            [
                *("openssl", "x509", "-req", "-in", str(request), "-CA", str(authority.issuing)),
                *("-CAkey", str(authority.issuing_key), "-sha256", "-days", "397"),
                *("-set_serial", f"0x{serial}", "-extfile", str(extensions), "-out", str(certificate)),
            ]
        )

    def serve(
        self,
        identity: Identity,
        arguments: Sequence[str],
        *,
        udp: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """End the server before, start another and return when it listens at port 443 of the address.

        One at a time: some cannot be told an address and listen on all of them.
        """
        if self._server is not None:
            self.lab.processes.stop(self._server)
        self._programs += 1
        behind = self.lab.net.behind
        self._server = behind.start(
            f"server-{self._programs}-{identity.host}",
            arguments,
            cwd=self.directory,
            environment=environment,
        )
        listing = ["ss", "-Hlun" if udp else "-Hltn"]
        wait_until(
            lambda: any(
                f"{address}:443 ".encode() in behind.run(listing).stdout
                for address in (identity.address, "0.0.0.0", "*", "[::]")
            ),
            f"the server of {identity.host}",
        )

    def visit(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes = b"",
        check: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a client to its end, its secrets going to the key log."""
        variables = {"SSLKEYLOGFILE": str(self.keys), **(environment or {})}
        return self.lab.net.client.run(arguments, stdin=stdin, check=check, environment=variables, timeout=30)

    @contextmanager
    def recorded(self, name: str, expression: str = "ip") -> Iterator[None]:
        """Record what the client sends and receives, then write capture, key log and both in one."""
        self.keys.unlink(missing_ok=True)
        capture = self.out / f"{name}.pcap"
        recorder = Recorder(self.lab.net.client, capture, expression=expression)
        try:
            yield
        finally:
            recorder.stop()
        self.lab.processes.check_alive()
        if not self.keys.exists():
            raise LabError(f"{name}: no program wrote a secret")
        keys = self.out / f"{name}.keys"
        shutil.copyfile(self.keys, keys)
        inside = self.out / "keys-inside" / f"{name}.pcapng"
        inside.parent.mkdir(exist_ok=True)
        run(["editcap", "--inject-secrets", f"tls,{keys}", str(capture), str(inside)])
        run(["tshark", "-r", str(inside), "-q"])


def openssl_server(identity: Identity, stage: Stage, *options: str, page: bool = True) -> list[str]:
    """Return the command line of `openssl s_server`, which staples."""
    return [
        *("openssl", "s_server", "-accept", f"{identity.address}:443", "-cert", str(identity.certificate)),
        *("-key", str(identity.key), "-cert_chain", str(stage.authority.issuing)),
        *("-status_file", str(identity.staple), "-quiet", *(("-WWW",) if page else ()), *options),
    ]


def openssl_client(identity: Identity, stage: Stage, *options: str) -> list[str]:
    """Return the command line of `openssl s_client`, which asks for a staple."""
    return [
        *("openssl", "s_client", "-connect", f"{identity.address}:443", "-servername", identity.host),
        *("-CAfile", str(stage.authority.root), "-status", "-keylogfile", str(stage.keys)),
        *("-quiet", *options),
    ]


def curl(identity: Identity, stage: Stage, *options: str, path: str = "/hello") -> list[str]:
    """Return the command line of `curl`, which asks for a staple with --cert-status alone."""
    return [
        *("curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", str(stage.authority.root)),
        *("--resolve", f"{identity.host}:443:{identity.address}", "--output", "/dev/null", *options),
        f"https://{identity.host}{path}",
    ]


def request(identity: Identity) -> bytes:
    """Return a request for the small page."""
    return f"GET /hello HTTP/1.0\r\nHost: {identity.host}\r\n\r\n".encode()


def shell(*steps: str, command: Sequence[str]) -> list[str]:
    """Return a shell command that types `steps` (printf texts, or numbers of seconds to wait)."""
    words = [f"sleep {step}" if step.replace(".", "").isdigit() else f"printf '{step}'" for step in steps]
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
    return ["sh", "-c", f"({'; '.join(words)}) | {quoted}"]

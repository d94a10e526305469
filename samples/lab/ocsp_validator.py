#!/usr/bin/env python3
"""Certificate validation for the lab's proxies: asks OCSP, caches, falls back to CRLs, writes a policy trace.

As a program it speaks squid's `sslcrtvalidator_program` protocol with concurrency on stdin and stdout; the
mitmproxy addon imports `RevocationChecker`. Queries are made with `openssl ocsp`, CRLs fetched with `curl`:
every packet comes from real software. Standard library only: it runs as squid's own user.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
UPDATE = re.compile(r"^\s*(This|Next) Update: (.+)$", re.MULTILINE)
STATUS = re.compile(r": (good|revoked|unknown)$", re.MULTILINE)
NO_PROXY_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}


@dataclass(frozen=True)
class Settings:
    """What an administrator sets on a proxy."""

    trust: str
    """PEM file of the trusted roots."""
    trace: str
    """Where the policy trace goes."""
    ttl: float | None = None
    """Seconds for which a response is kept, instead of until its nextUpdate."""
    proxy: str | None = None
    """`host:port` of a forwarding host through which queries travel."""
    crl_fallback: bool = False
    check_intermediates: bool = False
    renew: bool = False
    """Renew cached responses in the background when half of their lifetime has passed."""
    enforce: bool = True
    """Refuse revoked certificates."""
    query_after_bad_staple: bool = True
    """Ask when a staple came but is no good; only for a proxy that asks for staples."""
    timeout: int = 2

    @classmethod
    def load(cls, path: str) -> Settings:
        """Read settings from a JSON file, ignoring unknown keys."""
        known = {field.name for field in fields(cls)}
        return cls(
            **{key: value for key, value in json.loads(Path(path).read_text()).items() if key in known}
        )


@dataclass
class Cached:
    """A response that is still good, and what is needed to ask for it again."""

    status: str
    fetched: float
    expires: float
    certificate: str
    issuer: str
    url: str


class RevocationChecker:
    """Checks certificates by OCSP, with a cache of its own, and by CRL where that is allowed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cache: dict[str, Cached] = {}
        self._lock = threading.Lock()
        self._directory = Path(tempfile.mkdtemp(prefix="validator-", dir=Path(settings.trace).parent))
        if settings.renew:
            threading.Thread(target=self._renew_for_ever, daemon=True).start()

    def check(self, host: str, chain: list[str], *, stapled: bool = False) -> str:
        """Return `good`, `revoked` or `unknown` for a chain of PEM certificates, the leaf first."""
        with self._lock:
            self._write(f"Validating certificate for {host}")
            if stapled:
                self._write("OCSP: using stapled response")
                return "good"
            count = len(chain) if self._settings.check_intermediates else 1
            worst = "good"
            for position, certificate in enumerate(chain[:count]):
                issuer = (
                    chain[position + 1] if position + 1 < len(chain) else self._root_that_signed(certificate)
                )
                status = self._check_one(certificate, issuer)
                if status == "revoked" or worst == "good":
                    worst = status
            return worst

    def _check_one(self, certificate: str, issuer: str | None) -> str:
        url = self._openssl_x509(certificate, "-ocsp_uri").strip().split("\n")[0]
        if (
            self._openssl_x509(certificate, "-subject").split("=", 1)[-1]
            == (self._openssl_x509(certificate, "-issuer").split("=", 1)[-1])
        ):
            return "good"
        if not url or issuer is None:
            self._write("OCSP: certificate names no responder")
            return self._check_crl(certificate, issuer)
        key = self._openssl_x509(certificate, "-serial") + self._openssl_x509(certificate, "-issuer")
        known = self._cache.get(key)
        if known is not None and known.expires > time.time():
            self._write("OCSP: using cached response")
            return known.status
        self._write(f"OCSP: querying responder {url}")
        fresh = self._query(certificate, issuer, url)
        if fresh is None:
            return self._check_crl(certificate, issuer)
        self._cache[key] = fresh
        return fresh.status

    def _query(self, certificate: str, issuer: str, url: str) -> Cached | None:
        leaf, ca = self._file("leaf", certificate), self._file("issuer", issuer)
        command = [
            *("openssl", "ocsp", "-issuer", ca, "-cert", leaf, "-url", url, "-CAfile", self._settings.trust),
            *("-header", f"Host={urlsplit(url).hostname}", "-timeout", str(self._settings.timeout)),
        ]
        if self._settings.proxy is not None:
            command += ["-proxy", self._settings.proxy]
        result = _run(command, self._settings.timeout + 4)
        status = STATUS.search(result)
        if status is None or "Response verify OK" not in result:
            reason = re.search(r"Responder Error: .*|error:.*", result)
            self._write(f"OCSP: no usable response ({reason.group(0) if reason else 'no answer'})")
            return None
        self._write(f"OCSP: response status {status.group(1)}")
        now = time.time()
        expires = now
        for kind, text in UPDATE.findall(result):
            if kind == "Next":
                parsed = datetime.strptime(text.strip(), "%b %d %H:%M:%S %Y GMT")
                expires = parsed.replace(tzinfo=UTC).timestamp()
        if self._settings.ttl is not None:
            expires = now + self._settings.ttl
        return Cached(status.group(1), now, expires, certificate, issuer, url)

    def _check_crl(self, certificate: str, issuer: str | None) -> str:
        text = self._openssl_x509(certificate, "-ext", "crlDistributionPoints")
        url = re.search(r"URI:(\S+)", text)
        if not self._settings.crl_fallback or url is None or issuer is None:
            return "unknown"
        self._write(f"CRL: fetching {url.group(1)}")
        der = str(self._directory / "fetched.crl")
        fetch = ["curl", "-s", "-f", "--noproxy", "*", "--max-time", str(self._settings.timeout), "-o", der]
        _run([*fetch, url.group(1)], self._settings.timeout + 4)
        pem = str(self._directory / "fetched.pem")
        _run(["openssl", "crl", "-inform", "DER", "-in", der, "-out", pem], 10)
        result = _run(
            [
                *("openssl", "verify", "-crl_check", "-CAfile", self._settings.trust, "-CRLfile", pem),
                *("-untrusted", self._file("issuer", issuer), self._file("leaf", certificate)),
            ],
            10,
        )
        status = "good" if ": OK" in result else "revoked" if "certificate revoked" in result else "unknown"
        self._write(f"CRL: status {status}")
        return status

    def _renew_for_ever(self) -> None:
        while True:
            time.sleep(0.25)
            with self._lock:
                for key, known in list(self._cache.items()):
                    if time.time() > known.fetched + (known.expires - known.fetched) / 2:
                        self._write(f"OCSP: renewing response, querying responder {known.url}")
                        fresh = self._query(known.certificate, known.issuer, known.url)
                        known.fetched = time.time()
                        self._cache[key] = fresh or known

    def _root_that_signed(self, certificate: str) -> str | None:
        wanted = self._openssl_x509(certificate, "-issuer").split("=", 1)[-1]
        for root in PEM.findall(Path(self._settings.trust).read_text()):
            if self._openssl_x509(root, "-subject").split("=", 1)[-1] == wanted:
                return str(root)
        return None

    def _openssl_x509(self, certificate: str, *options: str) -> str:
        return _run(["openssl", "x509", "-noout", *options], 10, certificate)

    def _file(self, name: str, text: str) -> str:
        path = self._directory / f"{name}.pem"
        path.write_text(text)
        return str(path)

    def _write(self, line: str) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with Path(self._settings.trace).open("a") as trace:
            trace.write(f"{stamp} {line}\n")


def _run(command: list[str], timeout: float, stdin: str = "") -> str:
    try:
        result = subprocess.run(
            command,
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout,
            env=NO_PROXY_ENVIRONMENT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ""
    return (result.stdout + result.stderr).decode(errors="replace")


def serve_squid(checker: RevocationChecker, enforce: bool) -> None:
    """Answer squid's certificate validation requests until it closes the pipe."""
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    while line := stdin.readline():
        channel, code, length, body = line.split(b" ", 3)
        while len(body) < int(length):
            body += stdin.readline()
        text = body.decode(errors="replace")
        host = re.search(r"^host=(\S+)", text, re.MULTILINE)
        status = "good"
        if code == b"cert_validate":
            status = checker.check(host.group(1) if host else "-", PEM.findall(text))
        if status == "revoked" and enforce:
            errors = (
                b"error_name_0=X509_V_ERR_CERT_REVOKED\n"
                b"error_reason_0=The certificate is revoked\nerror_cert_0=cert_0\n"
            )
            stdout.write(b"%s ERR %d %s\1" % (channel, len(errors), errors))
        else:
            stdout.write(b"%s OK 0 \1" % channel)
        stdout.flush()


if __name__ == "__main__":
    chosen = Settings.load(sys.argv[1])
    serve_squid(RevocationChecker(chosen), chosen.enforce)

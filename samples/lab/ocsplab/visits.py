"""Acts of the people and programs in the client's place: open pages, ask for OCSP by hand."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from urllib.parse import quote

from .network import CHILD_INNER, Namespace
from .pki import OCSP_URL, Authority, Leaf
from .programs import LabError, run


def curl(
    namespace: Namespace,
    host: str,
    ca: Path,
    *,
    proxy: str | None = f"http://{CHILD_INNER}:3128",
    expect_failure: bool = False,
    timeout: int = 30,
) -> None:
    """Open `https://HOST/` with curl and compare what comes back with the page the origin serves.

    :raises LabError: when the page does not come, or comes although `expect_failure` is set
    """
    proxying = ["--noproxy", "*"] if proxy is None else ["--proxy", proxy]
    result = namespace.run(
        [
            *("curl", "--silent", "--show-error", "--max-time", str(timeout), "--cacert", str(ca)),
            *(*proxying, f"https://{host}/"),
        ],
        check=False,
        timeout=timeout + 10,
    )
    came = result.returncode == 0 and result.stdout.decode(errors="replace") == f"{host}\n"
    if came == expect_failure:
        output = (result.stderr + result.stdout).decode(errors="replace").strip()
        raise LabError(f"visit to {host}: curl status {result.returncode}: {output[-800:]}")


def s_client(namespace: Namespace, host: str, ca: Path, *options: str, expect_failure: bool = False) -> None:
    """Open `https://HOST/` with `openssl s_client`, TLS 1.2.

    :raises LabError: when the page does not come, or comes although `expect_failure` is set
    """
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    result = namespace.run(
        [
            *("openssl", "s_client", "-connect", f"{host}:443", "-servername", host),
            *("-CAfile", str(ca), "-tls1_2", "-verify_return_error", "-ign_eof", *options),
        ],
        stdin=request,
        check=False,
        timeout=30,
    )
    output = result.stdout.decode(errors="replace")
    came = f"\n{host}\n" in output.replace("\r", "")
    if came == expect_failure:
        raise LabError(
            f"s_client to {host}: {output[-800:]}\n{result.stderr.decode(errors='replace')[-800:]}"
        )


def ocsp_post(namespace: Namespace, authority: Authority, leaf: Leaf) -> None:
    """Ask for a certificate with `openssl ocsp`: one POST, without a nonce."""
    namespace.run(
        [
            *("openssl", "ocsp", "-issuer", str(authority.issuing), "-cert", str(leaf.certificate)),
            *("-url", OCSP_URL, "-header", "Host=ocsp.pki.test", "-no_nonce", "-CAfile", str(authority.root)),
            *("-verify_other", str(authority.issuing)),
        ]
    )


def ocsp_get(namespace: Namespace, authority: Authority, leaves: list[Leaf], directory: Path) -> None:
    """Ask for several certificates by GET (RFC 6960 appendix A.1) on one connection."""
    urls = []
    for leaf in leaves:
        request = directory / f"{leaf.host}.request"
        run(
            [
                *("openssl", "ocsp", "-issuer", str(authority.issuing), "-cert", str(leaf.certificate)),
                *("-no_nonce", "-reqout", str(request)),
            ]
        )
        urls.append(OCSP_URL + quote(base64.b64encode(request.read_bytes()).decode(), safe=""))
    outputs = [item for _ in urls for item in ("--output", "/dev/null")]
    namespace.run(["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", *outputs, *urls])


def pause(seconds: float = 0.4) -> None:
    """Leave a visible gap between two visits."""
    time.sleep(seconds)

"""TLS over UDP: QUIC versions 1 and 2 by aioquic, DTLS 1.2 by OpenSSL and GnuTLS."""

from __future__ import annotations

import sys
from pathlib import Path

from ocsplab.network import BEHIND
from ocsplab.programs import LabError, run

from .stage import Stage, openssl_client, openssl_server, shell
from .suites import gnutls_client, gnutls_server

PEER = Path(__file__).resolve().parent / "quic_peer.py"
_python = [sys.executable]


def use_python(path: str) -> None:
    """Let QUIC endpoints run with this interpreter, which has aioquic."""
    _python[:] = [path]


def play(stage: Stage) -> None:
    """A visit over each."""
    try:
        run([*_python, "-c", "import aioquic"])
    except LabError as error:
        raise LabError("QUIC needs aioquic: python -m pip install aioquic, then --python PATH") from error
    with stage.recorded("quic"):
        for version in ("1", "2"):
            for suite in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"):
                one = stage.identity(f"v{version}-{suite.lower().replace('_', '-')}.quic.test")
                chain = stage.directory / f"{one.host}.chain.pem"
                chain.write_bytes(one.certificate.read_bytes() + stage.authority.issuing.read_bytes())
                serve = [*_python, str(PEER), "server", one.address, str(chain), str(one.key)]
                stage.serve(one, serve, udp=True)
                log = [str(stage.authority.root), str(stage.keys)]
                stage.visit([*_python, str(PEER), "client", one.address, one.host, version, suite, *log])
    with stage.recorded("dtls"):
        one = stage.identity("openssl.dtls.test")
        stage.serve(one, shell("20", command=openssl_server(one, stage, "-dtls1_2", page=False)), udp=True)
        visit = openssl_client(one, stage, "-dtls1_2", "-no_ign_eof")
        stage.visit(shell("1", "one\\n", "1", command=visit))
        # It listens on all addresses, and answers from the first.
        one = stage.identity("gnutls.dtls.test", address=BEHIND)
        server = [word for word in gnutls_server(stage, one, "NORMAL", "--udp") if word != "--http"]
        stage.serve(one, [*server, "--echo"], udp=True)
        visit = ["timeout", "4", *gnutls_client(stage, one, "NORMAL", "--udp")]
        stage.visit(shell("1", "one\\n", "1", command=visit), check=False)

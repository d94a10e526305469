"""TLS over UDP: QUIC versions 1 and 2 by aioquic."""

from __future__ import annotations

import sys
from pathlib import Path

from ocsplab.programs import LabError, run

from .stage import Stage

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

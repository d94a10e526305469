"""A mitmproxy addon that checks revocation: it asks for staples, checks them, asks OCSP where there is none.

The settings file is named by the environment variable `OCSPLAB_VALIDATOR`; without it nothing is checked.
With `OCSPLAB_RESUME=1` TLS sessions are kept and offered again. All TLS is mitmproxy's own; nothing is sent
from here but by `ocsp_validator`.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ocsp_validator import NO_PROXY_ENVIRONMENT, RevocationChecker, Settings


class Revocation:
    """Staples, sessions and OCSP for the connections that mitmproxy makes to servers."""

    def __init__(self) -> None:
        path = os.environ.get("OCSPLAB_VALIDATOR")
        self._settings = Settings.load(path) if path else None
        self._checker = RevocationChecker(self._settings) if self._settings else None
        self._resume = os.environ.get("OCSPLAB_RESUME") == "1"
        self._sessions: dict[str, Any] = {}
        self._kept: list[Any] = []

    def tls_start_server(self, data: Any) -> None:
        """Ask for a staple, and offer the session of an earlier visit.

        Scripts come before mitmproxy's own TlsConfig, which leaves a connection alone that is there already:
        so it is asked to make its connection now.
        """
        importlib.import_module("mitmproxy.ctx").master.addons.get("tlsconfig").tls_start_server(data)
        if self._checker is not None:
            data.ssl_conn.request_ocsp()
        session = self._sessions.get(data.conn.sni)
        if self._resume and session is not None:
            data.ssl_conn.set_session(session)

    async def tls_established_server(self, data: Any) -> None:
        """Check what the server sent, before the client's handshake goes on."""
        openssl = importlib.import_module("OpenSSL.SSL")
        resumed = bool(openssl._lib.SSL_session_reused(data.ssl_conn._ssl))
        if self._resume:
            # OpenSSL spoils the session of a connection that is freed without a proper shutdown.
            self._kept.append(data.ssl_conn)
            self._sessions[data.conn.sni] = data.ssl_conn.get_session()
        if self._checker is None or resumed:
            return
        chain = [certificate.to_pem().decode() for certificate in data.conn.certificate_list]
        pointer = openssl._ffi.new("unsigned char **")
        length = openssl._lib.SSL_get_tlsext_status_ocsp_resp(data.ssl_conn._ssl, pointer)
        staple = bytes(openssl._ffi.buffer(pointer[0], length)) if length > 0 else b""
        await asyncio.to_thread(self._check, data.conn.sni, chain, staple)

    def _check(self, host: str, chain: list[str], staple: bytes) -> None:
        assert self._checker is not None
        assert self._settings is not None
        good = bool(staple) and self._staple_is_good(chain, staple)
        if good or not staple or self._settings.query_after_bad_staple:
            self._checker.check(host, chain, stapled=good)

    def _staple_is_good(self, chain: list[str], staple: bytes) -> bool:
        assert self._settings is not None
        with tempfile.TemporaryDirectory(prefix="staple-") as directory:
            files = {"leaf": chain[0].encode(), "issuer": chain[1].encode(), "staple": staple}
            for name, content in files.items():
                Path(directory, name).write_bytes(content)
            result = subprocess.run(
                [
                    *("openssl", "ocsp", "-respin", "staple", "-issuer", "issuer", "-cert", "leaf"),
                    *("-CAfile", self._settings.trust, "-validity_period", "2"),
                ],
                cwd=directory,
                capture_output=True,
                env=NO_PROXY_ENVIRONMENT,
                check=False,
            )
        output = (result.stdout + result.stderr).decode(errors="replace")
        return ": good" in output and "Response verify OK" in output and "times invalid" not in output


addons = [Revocation()]

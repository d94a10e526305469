"""Handshakes of the openssl program over loopback, through a relay that records both directions.

For what the ssl module of Python cannot do: staples, early data, key updates, renegotiation.
"""

from __future__ import annotations

import selectors
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from .wire import HOST, Recording, identity

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program")


PATIENCE = 10
"""Seconds that a busy machine may take for one step."""


class _Relay(threading.Thread):
    """Carries one connection to ``port`` and keeps what went through."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        self.port = self._listener.getsockname()[1]
        self.flights: list[tuple[bool, bytes]] = []

    def run(self) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._target))
        peers = {client: server, server: client}
        with selectors.DefaultSelector() as selector, client, server, self._listener:
            for peer in peers:
                selector.register(peer, selectors.EVENT_READ)
            while len(selector.get_map()) == 2:
                for key, _ in selector.select(10):
                    sender = key.fileobj
                    assert isinstance(sender, socket.socket)
                    try:
                        data = sender.recv(65536)
                        if data:
                            self.flights.append((sender is client, data))
                            peers[sender].sendall(data)
                    except OSError:
                        data = b""
                    if not data:
                        selector.unregister(sender)
                        break

    def settle(self, already: int, pause: float) -> None:
        """Wait until more than ``already`` flights went through and then, for ``pause`` seconds, none."""
        end = time.monotonic() + PATIENCE
        while len(self.flights) <= already and self.is_alive() and time.monotonic() < end:
            time.sleep(pause / 10)
        seen = -1
        while seen < len(self.flights):
            seen = len(self.flights)
            time.sleep(pause)


def _write_identity(directory: Path, kind: str) -> Path:
    path = directory / f"{kind}.pem"
    path.write_text(identity(kind).pem)
    return path


def converse(
    directory: Path,
    server: Sequence[str] = (),
    client: Sequence[str] = (),
    steps: Sequence[bytes] = (b"hello\n",),
    *,
    server_steps: Sequence[bytes] = (),
    kind: str = "rsa",
    pause: float = 0.15,
) -> Recording:
    """Run ``openssl s_server`` and ``s_client``; ``steps`` go to the client's input one after the other."""
    pem = str(_write_identity(directory, kind))
    serving = subprocess.Popen(
        [
            "openssl",
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-naccept",
            "1",
            "-cert",
            pem,
            "-key",
            pem,
            *server,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert serving.stdout is not None
    assert serving.stdin is not None
    port = 0
    for line in serving.stdout:
        if line.startswith(b"ACCEPT"):
            port = int(line.rsplit(b":", 1)[1])
            break
    assert port, "openssl s_server does not serve"
    rest = threading.Thread(target=serving.stdout.read, daemon=True)
    rest.start()
    relay = _Relay(port)
    relay.start()
    keylog = directory / "keys.log"
    connecting = subprocess.Popen(
        [
            "openssl",
            "s_client",
            "-keylogfile",
            str(keylog),
            "-connect",
            f"127.0.0.1:{relay.port}",
            "-servername",
            HOST,
            *client,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    assert connecting.stdin is not None
    try:
        already = 0
        for stdin, lines in (
            (connecting.stdin, steps),
            (serving.stdin, server_steps),
            (connecting.stdin, [b"Q\n"]),
        ):
            for line in lines:
                relay.settle(already, pause)
                already = len(relay.flights)
                stdin.write(line)
                stdin.flush()
        connecting.wait(10)
        relay.join(10)
    finally:
        for process in (connecting, serving):
            process.kill()
            process.wait()
        rest.join(10)
        for pipe in (connecting.stdin, serving.stdin, serving.stdout):
            pipe.close()
    return Recording(relay.flights, keylog.read_bytes() if keylog.exists() else b"")

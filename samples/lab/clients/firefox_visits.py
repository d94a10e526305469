"""Opens pages in a headless Firefox, one after the other, by its Marionette protocol.

python3 firefox_visits.py PROFILE URL ...: prints `page URL` where the page came, `none URL ERROR` where not.
A word `wait:SECONDS` among the URLs waits.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

PORT = 2828


class Marionette:
    """One session with a browser that listens on `PORT`."""

    def __init__(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", PORT))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
        self._number = 0
        self._read()
        self.send("WebDriver:NewSession", {"timeouts": {"pageLoad": 25000}})

    def send(self, command: str, parameters: dict[str, object]) -> str | None:
        """Send one command; return its error, or None."""
        self._number += 1
        body = json.dumps([0, self._number, command, parameters])
        self._socket.sendall(f"{len(body)}:{body}".encode())
        error = self._read()[2]
        return None if error is None else f"{error['error']}: {error['message']}"

    def _read(self) -> list[dict[str, object]]:
        digits = b""
        while (byte := self._socket.recv(1)) != b":":
            digits += byte
        data = b""
        while len(data) < int(digits):
            data += self._socket.recv(int(digits) - len(data))
        parsed = json.loads(data)
        return parsed if isinstance(parsed, list) else [parsed]


def main() -> int:
    """Start the browser, open the pages, end the browser."""
    profile, *urls = sys.argv[1:]
    environment = {
        **os.environ,
        "MOZ_LOG": "sync,certverifier:5",
        "MOZ_LOG_FILE": str(Path(profile) / "verifier"),
    }
    browser = subprocess.Popen(
        ["firefox-esr", "--headless", "--marionette", "--no-remote", "--profile", profile], env=environment
    )
    try:
        session = Marionette()
        for url in urls:
            if url.startswith("wait:"):
                time.sleep(float(url.removeprefix("wait:")))
                continue
            error = session.send("WebDriver:Navigate", {"url": url})
            print(f"page {url}" if error is None else f"none {url} {error.splitlines()[0]}", flush=True)
            time.sleep(0.6)
        session.send("Marionette:Quit", {"flags": ["eForceQuit"]})
        browser.wait(20)
    finally:
        browser.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())

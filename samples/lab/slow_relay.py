#!/usr/bin/env python3
"""A responder that takes its time: hands each POST on after some seconds, and its answer back.

slow_relay.py PORT RESPONDER-PORT SECONDS
"""

from __future__ import annotations

import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Relay(BaseHTTPRequestHandler):
    """One request, answered late."""

    def do_POST(self) -> None:
        """Wait, ask the responder, answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        time.sleep(float(sys.argv[3]))
        headers = {"Content-Type": "application/ocsp-request"}
        request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[2]}/", body, headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            content = answer.read()
        self.send_response(200)
        self.send_header("Content-Type", "application/ocsp-response")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Relay).serve_forever()

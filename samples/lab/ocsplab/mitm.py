"""mitmproxy, the second make of proxy."""

from __future__ import annotations

import os
import shutil

HOW_TO_GET = (
    "missing: mitmdump 12 (Python 3.12 or newer); name it with --mitmdump PATH\n"
    "  python3.12 -m venv mitmproxy-venv && mitmproxy-venv/bin/pip install 'mitmproxy>=12,<13'"
)

_chosen: list[str] = []


def use(path: str) -> None:
    """Take the mitmdump program at `path`."""
    _chosen[:] = [path]


def find() -> str | None:
    """Return the path of mitmdump, or None."""
    if _chosen:
        return _chosen[0] if os.access(_chosen[0], os.X_OK) else None
    return shutil.which("mitmdump")

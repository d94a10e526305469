"""Marks of tests that need a program which may be missing here."""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

import pytest

needs_tshark: Final = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def _version_of_tshark() -> str:
    if shutil.which("tshark") is None:
        return ""
    return subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=False).stdout


needs_tshark_4_0: Final = pytest.mark.skipif(
    not _version_of_tshark().startswith("TShark (Wireshark) 4.0."), reason="tshark 4.0 is not installed"
)
"""Later versions of Wireshark number streams by another rule."""

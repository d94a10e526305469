"""Marks of tests that need a program which may be missing here."""

from __future__ import annotations

import shutil
from typing import Final

import pytest

needs_tshark: Final = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

"""The error of a capture of which not even the first packet can be read."""

from __future__ import annotations


class CaptureError(Exception):
    """An input that cannot be read at all; the message is one sentence for the user."""

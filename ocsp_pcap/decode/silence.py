"""Silence for scapy: what it thinks of a packet, or of this machine, is nothing that a user can act on."""

from __future__ import annotations

from functools import cache
from typing import Final

LOGGERS: Final = ("scapy", "scapy.runtime", "scapy.interactive", "scapy.loading")


@cache
def silence_scapy() -> None:
    """Have scapy print nothing. Call before it is imported: importing it warns, too.

    A capture is hostile input, and scapy writes parts of packets as they are to standard error.
    """
    import logging

    for name in LOGGERS:
        logging.getLogger(name).addFilter(lambda _: False)

"""Captures: bytes to columnar packet batches.

A capture is read in blocks of megabytes, in which the record headers are walked once; no packet becomes a
Python object. What comes out is a :class:`PacketBatch`: the block, and columns that say where in it each
packet stands, when it was captured and how long it was. Compressed files, standard input and URLs are
streams like any other. Damage is never an exception once a packet could be read: reading ends there, and
the summary says where and why. Only what cannot be opened at all, or is no capture, raises CaptureError.
"""

from __future__ import annotations

from ocsp_pcap.capture.batch import PADDING, PacketBatch
from ocsp_pcap.capture.errors import CaptureError
from ocsp_pcap.capture.expand import expand
from ocsp_pcap.capture.parser import NOT_A_PACKET
from ocsp_pcap.capture.reader import BLOCK_SIZE, CaptureReader, CaptureSummary, open_capture, together
from ocsp_pcap.capture.source import CaptureSource

__all__ = [
    "BLOCK_SIZE",
    "NOT_A_PACKET",
    "PADDING",
    "CaptureError",
    "CaptureReader",
    "CaptureSource",
    "CaptureSummary",
    "PacketBatch",
    "expand",
    "open_capture",
    "together",
]

"""Captures: bytes to columnar packet batches."""

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

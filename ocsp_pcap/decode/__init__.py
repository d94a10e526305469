"""Packets: link, network and transport headers to columns."""

from __future__ import annotations

from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.decode.decoder import DecodedBatch, Decoder

__all__ = ["DecodedBatch", "Decoder", "TransportColumns"]

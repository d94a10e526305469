"""Packets: link, network and transport headers to columns.

Two ways lead through a batch. The fast path reads fixed-width windows of all packets at once with numpy:
the link layers, IP headers and tunnels that make up nearly all traffic. What it does not know goes one by
one to the slow path, which joins fragments and asks scapy for link types of its own, and costs far more.
Both give the same rows. A packet that neither understands is counted by what it is, and never dropped in
silence. Payloads are not copied: a row says where in the block its payload stands.
"""

from __future__ import annotations

from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.decode.decoder import DecodedBatch, Decoder

__all__ = ["DecodedBatch", "Decoder", "TransportColumns"]

"""Packets: link, network and transport headers to columns."""

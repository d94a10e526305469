"""Protocols that carry TLS in packets of their own: OpenVPN and RDP over UDP."""

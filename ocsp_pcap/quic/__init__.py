"""QUIC: datagrams to handshake events."""

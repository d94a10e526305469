"""TLS: byte streams to handshake events."""

"""TLS handshakes that travel over QUIC (RFC 9000, RFC 9001)."""

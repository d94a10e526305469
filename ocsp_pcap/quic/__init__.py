"""TLS handshakes that travel over UDP: QUIC (RFC 9000, RFC 9001) and DTLS (RFC 6347, RFC 9147)."""

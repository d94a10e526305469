"""Recordings of single TLS, DTLS and QUIC connections, suite by suite and oddity by oddity."""

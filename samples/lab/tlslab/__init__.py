"""Recordings of single TLS and QUIC connections, suite by suite and oddity by oddity."""

"""TLS handshakes that travel over QUIC (RFC 9000, RFC 9001).

Initial packets are protected with keys that anybody can derive, so a ClientHello is always readable; the
rest needs a key log. Packets are opened, their CRYPTO frames put in order and handed to the parsers of
:mod:`ocsp_pcap.tls`, so that a handshake gives the same events over QUIC as over TCP. A packet counts
only where its authentication tag holds.
"""

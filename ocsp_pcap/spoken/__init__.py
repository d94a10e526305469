"""One connection: what its first bytes begin, what proxies put before it, and the handshakes on it.

Ports prove nothing: what is spoken is inferred from the first bytes (:mod:`ocsp_pcap.spoken.first_bytes`),
again behind each prefix (PROXY, SOCKS, CONNECT, STARTTLS), and again inside TLS that keys opened. Bytes
are held only until this is clear, within bounds. A conversation says at every moment of which direction
further bytes can matter; as soon as it is none, its stream is not read any more. Which direction is the
client's is inferred from what is said, not by who sent the first packet, for that may not be in the capture.
Where all bytes of a connection are at hand and in order, :mod:`ocsp_pcap.spoken.plain` says at once what a
conversation would have said of them.
"""

"""One connection: what its first bytes begin, what proxies put before it, and the handshakes on it."""

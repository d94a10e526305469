"""Holds the whole program against what Wireshark saw in real captures."""

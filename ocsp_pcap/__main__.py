"""``python -m ocsp_pcap`` is the same as ``ocsp-pcap``."""

from __future__ import annotations

from ocsp_pcap.cli import main

if __name__ == "__main__":
    main()

"""ocsp-pcap: was OCSP traffic seen for every certificate in a capture, and if not, why not?"""

__version__ = "0.1.0"

"""The kinds of difference between the facts and Wireshark that are known, and no fault of the facts.

The tests that hold real captures against Wireshark go by the same kinds.
"""

from __future__ import annotations

from enum import Enum


class KnownDifference(Enum):
    """Why Wireshark shows a thing otherwise, or not at all."""

    SAME_HELLO = "one handshake"
    """A hello that was sent again is another packet to Wireshark, and the same handshake in the facts."""
    SENT_AGAIN = "sent again"
    """Wireshark dissects what TCP sent twice twice."""
    REORDERED = "out of order"
    """Segments arrived out of order; Wireshark shows what they hold with tcp.reassemble_out_of_order."""
    RENUMBERED = "numbered anew"
    """Wireshark counts from the number of a later SYN/ACK, and takes what follows the first for sent again;
    with tcp.analyze_sequence_numbers off it shows the same."""
    PORT = "port"
    """Wireshark expects another protocol on this port; set to the right one (Decode As) it shows the same."""
    CUT_SHORT = "cut short"
    """The message is cut by the end of the capture or a loss; what is whole stands before the cut."""
    STRAY_BYTES = "stray bytes"
    """Stray bytes of the client go before the ClientHello, and a loss cuts the message behind them."""
    QUIC_VERSION = "QUIC"
    """Wireshark does not know this version of QUIC; an authentication tag vouches for what was read."""
    TOO_LONG = "too long"
    """Wireshark dissects no handshake message of more than 64 KiB, and takes its records for encrypted."""
    CONTENT_TYPE = "content type"
    """Wireshark goes by the Content-Type of HTTP; the facts go by what the body is."""

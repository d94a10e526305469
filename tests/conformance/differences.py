"""Where the table (tshark 4.0.17, default settings) and we differ, and why; each was looked into by hand."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Why(Enum):
    """Why tshark shows no certificate where we do."""

    REORDERED = "segments arrived out of order; tshark shows it with tcp.reassemble_out_of_order"
    PORT = "tshark expects another protocol on this port; with -d tcp.port==N,tls it shows the certificate"
    CUT_SHORT = (
        "the message is cut by the end of the capture or a loss; whole certificates stand before the cut"
    )
    SPURIOUS = "stray bytes of the client go before the ClientHello, and a loss cuts the message behind them"


OURS_ONLY: Final[dict[tuple[str, str, int], tuple[int, Why]]] = {
    ("ja4/socks4-https.pcap", "tcp", 0): (3, Why.REORDERED),
    ("nDPI/KakaoTalk_chat.pcap", "tcp", 18): (1, Why.CUT_SHORT),
    ("nDPI/KakaoTalk_talk.pcap", "tcp", 5): (1, Why.PORT),
    ("nDPI/android.pcap", "tcp", 7): (2, Why.REORDERED),
    ("nDPI/anydesk.pcapng", "tcp", 1): (3, Why.PORT),
    ("nDPI/gnutella.pcap", "tcp", 124): (1, Why.PORT),
    ("nDPI/google_ssl.pcap", "tcp", 0): (3, Why.REORDERED),
    ("nDPI/heuristic_tcp_ack_payload.pcap", "tcp", 0): (3, Why.SPURIOUS),
    ("nDPI/imaps.pcap", "tcp", 1): (1, Why.CUT_SHORT),
    ("nDPI/malware.pcap", "tcp", 3): (2, Why.REORDERED),
    ("nDPI/pops.pcapng", "tcp", 0): (1, Why.CUT_SHORT),
    ("nDPI/rdp.pcap", "tcp", 0): (1, Why.PORT),
    ("nDPI/rdp_over_tls.pcap", "tcp", 0): (1, Why.PORT),
    **{
        ("nDPI/teams.pcap", "tcp", stream): (2, Why.REORDERED)
        for stream in (3, 4, 8, 9, 10, 14, 15, 18, 25, 27, 32, 33, 36, 37, 40, 41)
    },
    ("nDPI/tls_client_certificate_with_missing_server_one.pcapng", "tcp", 0): (1, Why.CUT_SHORT),
    ("nDPI/tls_multiple_synack_different_seq.pcapng", "tcp", 0): (4, Why.REORDERED),
    ("nDPI/tls_port_80.pcapng", "tcp", 0): (1, Why.CUT_SHORT),
    ("nDPI/viber.pcap", "tcp", 2): (3, Why.REORDERED),
    ("nDPI/viber.pcap", "tcp", 6): (2, Why.REORDERED),
}
"""File, transport and stream to the number of certificates that we see there and the table has not."""

OUTSIDE: Final = {
    "nDPI/443-opvn.pcap": "OpenVPN",
    "nDPI/openvpn.pcap": "OpenVPN",
    "nDPI/openvpn_nohmac.pcapng": "OpenVPN",
    "nDPI/openvpn_nohmac_tcp.pcapng": "OpenVPN",
    "nDPI/rdp2.pcap": "RDP over UDP",
}
"""Captures that the table has TLS of, inside a protocol that is outside the mission."""

DAMAGED: Final = {
    "nDPI/fuzz-2021-10-13.pcap": "cut short in the header of a packet",
    "scapy/bad_rsn_parsing_overrides_ssid.pcap": "cut short in the header of a packet",
}
"""Captures that end in mid-packet."""

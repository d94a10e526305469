"""Where the table (tshark 4.0.17, default settings) and we differ, and why; each was looked into by hand."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Why(Enum):
    """Why tshark shows no certificate where we do."""

    DTLS = (
        "tshark names certificates of DTLS in dtls.handshake.certificate, which the table was not asked for"
    )
    REORDERED = "segments arrived out of order; tshark shows it with tcp.reassemble_out_of_order"
    PORT = "tshark expects another protocol on this port; with -d tcp.port==N,tls it shows the certificate"
    CUT_SHORT = (
        "the message is cut by the end of the capture or a loss; whole certificates stand before the cut"
    )
    OPENVPN = "tshark does not put the control packets of this OpenVPN session together"
    SPURIOUS = "stray bytes of the client go before the ClientHello, and a loss cuts the message behind them"


OURS_ONLY: Final[dict[tuple[str, str, int], tuple[int, Why]]] = {
    ("ja4/dtls-udp.notest.cap", "udp", 0): (1, Why.DTLS),
    ("ja4/socks4-https.pcap", "tcp", 0): (3, Why.REORDERED),
    ("nDPI/443-opvn.pcap", "tcp", 0): (3, Why.OPENVPN),
    ("nDPI/KakaoTalk_chat.pcap", "tcp", 18): (1, Why.CUT_SHORT),
    ("nDPI/KakaoTalk_talk.pcap", "tcp", 5): (1, Why.PORT),
    ("nDPI/android.pcap", "tcp", 7): (2, Why.REORDERED),
    ("nDPI/anydesk.pcapng", "tcp", 1): (3, Why.PORT),
    ("nDPI/capwap.pcap", "udp", 3): (2, Why.DTLS),
    ("nDPI/dtls2.pcap", "udp", 0): (1, Why.DTLS),
    ("nDPI/dtls_certificate.pcapng", "udp", 0): (1, Why.DTLS),
    ("nDPI/dtls_certificate_fragments.pcap", "udp", 0): (1, Why.DTLS),
    ("nDPI/dtls_certificate_fragments.pcap", "udp", 1): (2, Why.DTLS),
    ("nDPI/geforcenow.pcapng", "udp", 0): (2, Why.DTLS),
    ("nDPI/gnutella.pcap", "tcp", 124): (1, Why.PORT),
    ("nDPI/google_ssl.pcap", "tcp", 0): (3, Why.REORDERED),
    ("nDPI/heuristic_tcp_ack_payload.pcap", "tcp", 0): (3, Why.SPURIOUS),
    ("nDPI/imaps.pcap", "tcp", 1): (1, Why.CUT_SHORT),
    ("nDPI/malware.pcap", "tcp", 3): (2, Why.REORDERED),
    ("nDPI/openvpn.pcap", "tcp", 1): (3, Why.OPENVPN),
    ("nDPI/openvpn.pcap", "udp", 2): (3, Why.OPENVPN),
    ("nDPI/openvpn.pcap", "udp", 3): (3, Why.OPENVPN),
    ("nDPI/openvpn.pcap", "udp", 4): (3, Why.OPENVPN),
    ("nDPI/openvpn_nohmac.pcapng", "udp", 0): (3, Why.OPENVPN),
    ("nDPI/pops.pcapng", "tcp", 0): (1, Why.CUT_SHORT),
    ("nDPI/rdp.pcap", "tcp", 0): (1, Why.PORT),
    ("nDPI/rdp_over_tls.pcap", "tcp", 0): (1, Why.PORT),
    ("nDPI/stun.pcap", "udp", 3): (2, Why.DTLS),
    ("nDPI/stun_dtls_rtp.pcapng", "udp", 0): (2, Why.DTLS),
    ("nDPI/stun_dtls_unidirectional_client.pcap", "udp", 0): (1, Why.DTLS),
    ("nDPI/stun_dtls_unidirectional_server.pcap", "udp", 0): (1, Why.DTLS),
    ("nDPI/stun_google_meet.pcapng", "udp", 2): (2, Why.DTLS),
    ("nDPI/stun_google_meet.pcapng", "udp", 6): (2, Why.DTLS),
    ("nDPI/stun_zoom.pcapng", "udp", 0): (3, Why.DTLS),
    ("nDPI/stun_zoom.pcapng", "udp", 1): (3, Why.DTLS),
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

OTHER_FRAMES: Final[frozenset[tuple[str, int]]] = frozenset(
    (("nDPI/openvpn.pcap", 0), ("nDPI/openvpn_nohmac_tcp.pcapng", 0))
)
"""TCP streams (of OpenVPN) whose certificates tshark shows in the last frame of the whole flight, and we
in the frame that completed their message."""

DAMAGED: Final = {
    "nDPI/fuzz-2021-10-13.pcap": "cut short in the header of a packet",
    "scapy/bad_rsn_parsing_overrides_ssid.pcap": "cut short in the header of a packet",
}
"""Captures that end in mid-packet."""

"""Where the table (tshark 4.0.17, default settings) and we differ, and why; each was looked into by hand."""

from __future__ import annotations

from typing import Final

from ocsp_pcap.crosscheck.differences import KnownDifference

OURS_ONLY: Final[dict[tuple[str, str, int], tuple[int, KnownDifference]]] = {
    ("ja4/socks4-https.pcap", "tcp", 0): (3, KnownDifference.REORDERED),
    ("nDPI/KakaoTalk_chat.pcap", "tcp", 2): (2, KnownDifference.RENUMBERED),
    ("nDPI/KakaoTalk_chat.pcap", "tcp", 18): (1, KnownDifference.CUT_SHORT),
    ("nDPI/KakaoTalk_talk.pcap", "tcp", 5): (1, KnownDifference.PORT),
    ("nDPI/android.pcap", "tcp", 7): (2, KnownDifference.REORDERED),
    ("nDPI/anydesk.pcapng", "tcp", 1): (3, KnownDifference.PORT),
    ("nDPI/gnutella.pcap", "tcp", 124): (1, KnownDifference.PORT),
    ("nDPI/google_ssl.pcap", "tcp", 0): (3, KnownDifference.REORDERED),
    ("nDPI/heuristic_tcp_ack_payload.pcap", "tcp", 0): (3, KnownDifference.STRAY_BYTES),
    ("nDPI/imaps.pcap", "tcp", 1): (1, KnownDifference.CUT_SHORT),
    ("nDPI/malware.pcap", "tcp", 3): (2, KnownDifference.REORDERED),
    ("nDPI/pops.pcapng", "tcp", 0): (1, KnownDifference.CUT_SHORT),
    ("nDPI/rdp.pcap", "tcp", 0): (1, KnownDifference.PORT),
    ("nDPI/rdp_over_tls.pcap", "tcp", 0): (1, KnownDifference.PORT),
    **{
        ("nDPI/teams.pcap", "tcp", stream): (2, KnownDifference.REORDERED)
        for stream in (3, 4, 8, 9, 10, 14, 15, 18, 25, 27, 32, 33, 36, 37, 40, 41)
    },
    ("nDPI/tls_client_certificate_with_missing_server_one.pcapng", "tcp", 0): (1, KnownDifference.CUT_SHORT),
    ("nDPI/tls_multiple_synack_different_seq.pcapng", "tcp", 0): (4, KnownDifference.REORDERED),
    ("nDPI/tls_port_80.pcapng", "tcp", 0): (1, KnownDifference.CUT_SHORT),
    ("nDPI/viber.pcap", "tcp", 2): (3, KnownDifference.REORDERED),
    ("nDPI/viber.pcap", "tcp", 6): (2, KnownDifference.REORDERED),
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

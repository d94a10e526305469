"""The table of findings, in the order of the contract."""

from __future__ import annotations

from typing import Final

from ocsp_pcap.explain.causes.entry import Cause
from ocsp_pcap.explain.model import Severity


def _finding(code: str, severity: Severity, meaning: str, *next_steps: str) -> Cause:
    """Make an entry for a finding."""
    return Cause(code, "finding", None, severity, meaning, next_steps)


FINDING_TABLE: Final = (
    _finding(
        "ocsp-on-wrong-proxy",
        "problem",
        "OCSP is enabled on a proxy that sees only certificates reissued by its upstream proxy.",
        "Enable OCSP on the parent, the proxy that intercepts and reaches the origins.",
        "Switch it off on the child, {validator}: the certificates that it gets name no responder.",
    ),
    _finding(
        "ocsp-at-egress",
        "info",
        "OCSP is done where origin certificates are visible, at the egress proxy: best practice.",
    ),
    _finding(
        "ocsp-nowhere",
        "problem",
        "No proxy of the chain asks OCSP, although certificates were eligible.",
        "Enable OCSP on the proxy nearest the Internet that intercepts TLS.",
        "Make sure that the captures cover its outer side, with TCP port 80.",
    ),
    _finding(
        "parent-not-intercepting",
        "advice",
        "The parent only tunnels: the child sees the origins' certificates, so OCSP belongs on the child.",
        "Enable OCSP on the child, or intercept TLS on the parent and enable it there.",
        "Make sure that the child's queries can reach the responders, directly or through the parent.",
    ),
    _finding(
        "ocsp-forwarded",
        "advice",
        "OCSP queries travel through a forwarding host.",
        "Make sure that the forwarding host lets requests to responders pass without authentication or "
        "filtering.",
        "Look for the queries in a capture of the forwarding host's outer side.",
    ),
    _finding(
        "crl-fallback",
        "info",
        "A CRL was fetched where OCSP failed or was not to be had.",
        "If OCSP failed first, repair that: a CRL is larger and older.",
        "If the certificate names no responder, nothing is wrong.",
    ),
    _finding(
        "must-staple-violated",
        "problem",
        "The certificate demands a staple (TLS feature status_request), and the server sent none.",
        "Ask whoever runs {host} to enable OCSP stapling, or to reissue the certificate without must-staple.",
        "Check that {validator} offers status_request; without the offer no server may staple.",
    ),
    _finding(
        "revoked-but-used",
        "problem",
        "A response says revoked, and the connection was used all the same.",
        "Treat the connection to {host} as unsafe until it is explained: see frame {frame}.",
        "Make {validator} refuse revoked certificates, and check its exception lists.",
    ),
    _finding(
        "ttl-override-in-use",
        "advice",
        "Queries follow a TTL override of the response cache, not nextUpdate.",
        "Remove the override unless it is meant: shorter than nextUpdate costs queries, longer delays "
        "revocation.",
    ),
    _finding(
        "repeated-queries",
        "advice",
        "The same certificate was asked for again while an earlier response still covered it.",
        "Check the response cache of {validator}: off, too small, shared by none, or cleared by a TTL "
        "override?",
        "If nonces are sent, answers cannot come from a cache in between; switch the nonce off unless "
        "it is demanded.",
    ),
    _finding(
        "capture-problem",
        "advice",
        "The capture is damaged or lacks packets, so absence proves less.",
        "Capture again with full packets, a larger buffer and no filter (tcpdump -s 0 -B 65536 -w FILE).",
        "Check the capturing host's drop counters and both directions of a mirror port.",
    ),
)

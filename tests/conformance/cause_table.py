"""Which real capture shows which cause or finding, which one looks like it, and which frames prove it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Shown:
    """A verdict that a real capture must lead to."""

    where: str
    """A sample, or a capture of the corpus where the name has a suffix."""
    role: str
    host: str
    cause: str
    confidence: str
    told: bool = True
    """With the site file and the roles of the captures."""

    def __str__(self) -> str:
        return f"{self.cause}-{Path(self.where).name}-{self.role}-{self.host}{'' if self.told else '-untold'}"


def _shown(cause: str, confidence: str, *places: tuple[str, str, str]) -> tuple[Shown, ...]:
    return tuple(Shown(where, role, host, cause, confidence) for where, role, host in places)


SHOWN = (
    *_shown(
        "queried",
        "confirmed",
        ("ocsp-at-parent", "parent", "plain.site.test"),
        ("ocsp-at-parent", "parent", "unlisted.site.test"),
        ("direct", "unknown", "get.site.test"),
        ("forwarding-host", "parent", "revoked.site.test"),
        ("parent-tunnels", "child", "plain.site.test"),
        ("tls13-with-keys", "parent", "plain.site.test"),
        ("tls-ocsp-over-https", "unknown", "tls13-gcm.site.test"),
        ("repeated-queries", "parent", "plain.site.test"),
    ),
    *_shown("queried", "likely", ("only-incoming", "parent", "plain.site.test")),
    *_shown("dns-failed", "confirmed", ("responder-troubles", "parent", "nameless.site.test")),
    *_shown(
        "responder-unreachable",
        "confirmed",
        ("responder-troubles", "parent", "dead.site.test"),
        ("responder-troubles", "parent", "refusing.site.test"),
    ),
    *_shown("http-error", "confirmed", ("responder-troubles", "parent", "busy.site.test")),
    *_shown(
        "responder-error",
        "confirmed",
        ("responder-troubles", "parent", "later.site.test"),
        ("responder-troubles", "parent", "denying.site.test"),
    ),
    *_shown(
        "response-invalid",
        "confirmed",
        ("responder-troubles", "parent", "confused.site.test"),
    ),
    *_shown("response-invalid", "likely", ("responder-troubles", "parent", "forging.site.test")),
    *_shown("no-response", "confirmed", ("responder-troubles", "parent", "silent.site.test")),
    *_shown(
        "stapled",
        "confirmed",
        ("staples", "parent", "stapled.site.test"),
        ("staples", "parent", "promised.site.test"),
        ("direct", "unknown", "stapled.site.test"),
        ("tls13-with-keys", "parent", "stapled.site.test"),
        ("ja4/chrome-cloudflare-quic-with-secrets.pcapng", "unknown", "cloudflare-quic.com"),
    ),
    *_shown(
        "staple-invalid",
        "confirmed",
        ("staples", "parent", "stale.site.test"),
        ("staples", "parent", "mismatched.site.test"),
    ),
    *_shown("staple-invalid", "likely", ("nDPI/discord.pcap", "unknown", "discord.com")),
    *_shown(
        "cached",
        "confirmed",
        ("cached-in-capture", "parent", "renewed.site.test"),
        ("cached-before-capture-with-trace", "parent", "plain.site.test"),
    ),
    *_shown(
        "cached",
        "likely",
        ("cached-before-capture", "parent", "plain.site.test"),
        # Another program of the same host asked than the one that came again.
        ("direct", "unknown", "cached.site.test"),
    ),
    *_shown(
        "session-resumed",
        "confirmed",
        ("resumed-sessions", "parent", "plain.site.test"),
        ("direct", "unknown", "resumed.site.test"),
        ("ja4/latest.pcapng", "unknown", "app.slack.com"),
    ),
    *_shown(
        "no-ocsp-url",
        "confirmed",
        ("crl-instead", "parent", "crl-only.site.test"),
        ("ocsp-on-child", "parent", "no-ocsp.site.test"),
        ("parent-tunnels", "child", "no-ocsp.site.test"),
    ),
    *_shown("short-lived", "confirmed", ("crl-instead", "parent", "short-lived.site.test")),
    *_shown(
        "reissued-certificate",
        "confirmed",
        ("ocsp-on-child", "child", "plain.site.test"),
        ("all-interfaces", "child", "plain.site.test"),
        ("crl-instead", "child", "short-lived.site.test"),
    ),
    *_shown(
        "not-intercepted",
        "confirmed",
        ("parent-tunnels", "parent", "plain.site.test"),
        ("all-interfaces-parent-tunnels", "parent", "no-ocsp.site.test"),
        ("nDPI/http_connect.pcap", "parent", "apache.org"),
    ),
    *_shown(
        "ocsp-disabled",
        "confirmed",
        ("ocsp-nowhere", "parent", "plain.site.test"),
        ("ocsp-on-child", "parent", "shop.site.test"),
    ),
    *_shown("ocsp-disabled", "likely", ("nDPI/alexa-app.pcapng", "unknown", "mads.amazon-adsystem.com")),
    *_shown(
        "handshake-failed",
        "confirmed",
        ("handshake-failed", "unknown", "distrusted.site.test"),
        ("handshake-failed", "unknown", "modern.site.test"),
    ),
    Shown("ocsp-nowhere", "parent", "plain.site.test", "unexplained", "possible", told=False),
    *_shown("unexplained", "possible", ("ja4/http2-with-cookies.pcapng", "unknown", "youtube.com")),
    *_shown(
        "certificate-encrypted",
        "confirmed",
        ("tls13-without-keys", "parent", "plain.site.test"),
        ("tls13-without-keys", "child", "plain.site.test"),
        ("ja4/ssh2.pcapng", "unknown", "meet.google.com"),
    ),
    *_shown("capture-filtered", "likely", ("port-80-filtered", "parent", "plain.site.test")),
    *_shown(
        "capture-incomplete",
        "confirmed",
        ("snaplen-200", "parent", "plain.site.test"),
        ("only-outgoing", "parent", "plain.site.test"),
        ("ja4/tls-sni.pcapng", "unknown", "www.google.com"),
    ),
    *_shown("ocsp-over-tls", "likely", ("ocsp-over-tls", "parent", "guarded.site.test")),
)

NEAR_MISSES = {
    "queried": (
        "responder-troubles",
        "parent",
        "confused.site.test",
        "the answer is for another one",
    ),
    "dns-failed": ("responder-troubles", "parent", "dead.site.test", "the name resolved, to a dead address"),
    "responder-unreachable": ("responder-troubles", "parent", "silent.site.test", "TCP was accepted"),
    "http-error": ("responder-troubles", "parent", "later.site.test", "HTTP said 200"),
    "responder-error": ("responder-troubles", "parent", "busy.site.test", "HTTP failed, OCSP said nothing"),
    "response-invalid": ("ocsp-at-parent", "parent", "unlisted.site.test", "unknown is a valid answer"),
    "no-response": ("responder-troubles", "parent", "refusing.site.test", "no query could be sent"),
    "stapled": ("staples", "parent", "stale.site.test", "the staple is outdated"),
    "staple-invalid": ("staples", "parent", "promised.site.test", "the staple is fresh"),
    "cached": ("repeated-queries", "parent", "plain.site.test", "an answer still holds, and it asks again"),
    "session-resumed": ("tls13-without-keys", "parent", "plain.site.test", "the certificate is only hidden"),
    "no-ocsp-url": ("crl-instead", "child", "crl-only.site.test", "a proxy made this one without the URL"),
    "short-lived": ("crl-instead", "parent", "crl-only.site.test", "no URL either, but valid for long"),
    "reissued-certificate": ("ocsp-on-child", "parent", "no-ocsp.site.test", "bare, and the origin's own"),
    "not-intercepted": ("all-interfaces", "parent", "plain.site.test", "both sides are there, hellos differ"),
    "ocsp-disabled": ("cached-before-capture", "parent", "plain.site.test", "it asks about others"),
    "handshake-failed": ("snaplen-200", "parent", "plain.site.test", "its end is cut off"),
    "unexplained": ("port-80-filtered", "parent", "plain.site.test", "the responder was looked up"),
    "certificate-encrypted": ("tls13-with-keys", "parent", "plain.site.test", "there are keys"),
    "capture-filtered": ("ocsp-nowhere", "parent", "plain.site.test", "OCSP is off, port 80 is silent"),
    "capture-incomplete": ("tls13-without-keys", "parent", "plain.site.test", "all is there, encrypted"),
    "ocsp-over-tls": ("tls-ocsp-over-https", "unknown", "tls13-gcm.site.test", "TLS that the keys open"),
}
"""Of each cause a sample, validator and host that looks like it, and why it is none."""

NEVER_CONFIRMED = {
    "unexplained": "it says that nothing decides",
    "ocsp-over-tls": "what is said inside TLS may be anything; with keys it is another cause",
    "capture-filtered": "a trace proves that a query was sent, and no packet what became of it",
}
WITHOUT_CAPTURE: dict[str, str] = {
    "leaf-only": "intermediates and single sightings: tests/samples/test_other_validators.py",
    "failure-cached": "intermediates and single sightings: tests/samples/test_other_validators.py",
    "no-responder-for-issuer": "only a site file tells: tests/unit/explain",
    "clock-wrong": "the clocks of recordings are right: tests/unit/explain/test_attacks_when.py",
    "ambiguous-bytes": "recordings hold no packet that disagrees: tests/unit/explain/test_ambiguous_bytes.py",
}
"""Causes and findings that no real capture here shows, and what recording one would need."""

PROOF: dict[str, set[str]] = {
    "queried": {"certificate", "OCSP request", "OCSP response"},
    "dns-failed": {"certificate", "DNS"},
    "responder-unreachable": {"certificate", "SYN"},
    "http-error": {"certificate", "OCSP request", "HTTP answer"},
    "responder-error": {"certificate", "OCSP request", "OCSP response"},
    "response-invalid": {"certificate", "OCSP request", "OCSP response"},
    "no-response": {"certificate", "OCSP request"},
    "stapled": {"staple"},
    "staple-invalid": {"staple"},
    "cached": {"certificate"},
    "session-resumed": {"ServerHello"},
    "no-ocsp-url": {"certificate"},
    "short-lived": {"certificate"},
    "reissued-certificate": {"certificate"},
    "not-intercepted": {"ClientHello"},
    "ocsp-disabled": {"certificate"},
    "handshake-failed": {"alert"},
    "unexplained": {"certificate"},
    "certificate-encrypted": {"ServerHello", "ClientHello"},
    "capture-filtered": {"certificate", "DNS"},
    "capture-incomplete": {"handshake"},
    "ocsp-over-tls": {"certificate", "TLS connection"},
}
"""Kinds of frames without which a cause is not proven."""

FINDINGS_SHOWN = {
    "ocsp-on-wrong-proxy": ("ocsp-on-child", "ocsp-at-parent"),
    "ocsp-at-egress": ("ocsp-at-parent", "parent-tunnels"),
    "ocsp-nowhere": ("ocsp-nowhere", "ocsp-on-child"),
    "parent-not-intercepting": ("parent-tunnels", "all-interfaces"),
    "ocsp-forwarded": ("forwarding-host", "ocsp-at-parent"),
    "crl-fallback": ("crl-instead", "ocsp-at-parent"),
    "must-staple-violated": ("staples", "direct"),
    "revoked-but-used": ("revoked-but-used", "ocsp-at-parent"),
    "ttl-override-in-use": ("ttl-override", "repeated-queries"),
    "repeated-queries": ("repeated-queries", "ttl-override"),
    "capture-problem": ("snaplen-200", "ocsp-at-parent"),
    "slow-responder": ("slow-responder", "ocsp-at-parent"),
    "reissued-without-revocation": ("client-insists-on-revocation", "all-interfaces"),
    "quic-bypass": ("quic-past-the-proxies", "tls-over-udp"),
    "selective-interception": ("some-hosts-tunnelled", "parent-tunnels"),
    "ocsp-on-child-too": ("ocsp-on-both", "ocsp-on-child"),
    "responders-failing": ("responder-troubles", "crl-instead"),
    "staple-fetch": ("nginx-checks-clients", "staples"),
    "client-certificate-revoked": ("apache-checks-clients", "revoked-but-used"),
    "certificates-hidden": ("tls13-without-keys", "tls13-with-keys"),
}
"""Of each finding a sample that shows it, and one that looks like it."""

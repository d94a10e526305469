"""``certificate-encrypted``: TLS 1.3 (RFC 8446 4.4.2) or QUIC hides the certificate, without keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Saw
from ocsp_pcap.explain.hidden import followed, is_quic, known_of_hidden, opened_in_vain, past_a_proxy
from ocsp_pcap.explain.question import Question

ENTRY: Final = cause(
    "certificate-encrypted",
    "unknown",
    "TLS 1.3 (or QUIC, or ECH) hides the certificate, and no keys open it.",
    (
        "is encrypted (no keys open it)",
        "are encrypted (no keys open them)",
        "may be hidden by encryption",
    ),
    ((Saw,),),
    "Capture again with a TLS key log of {validator} and pass it with --keylog. SSLKEYLOGFILE makes"
    " curl, Chrome, Firefox, mitmproxy and OpenSSL from 3.5 (where built in) write one; Squid 6 and 7: "
    "tls_key_log; openssl s_client: -keylogfile.",
    "F5 BIG-IP records secrets with tcpdump --f5 ssl, HAProxy with tune.ssl.keylog, NGINX Plus with "
    "ssl_key_log and proxy_ssl_key_log, Java with an agent; for a process that offers nothing, eCapture.",
    "Or allow only TLS 1.2 between {validator} and {host} for the test: its certificates are in "
    "clear text. Where a proxy exports no secrets (ProxySG), a policy trace tells, too: --policy-trace.",
    "This connection is {quic}: block UDP port 443 for the test, and clients fall back to TCP.",
    only=lambda of: not of.shown,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the certificate travelled encrypted, and no key opens it."""
    handshake = question.visit.handshake
    if not handshake.certificate_encrypted:
        return
    if opened_in_vain(handshake):
        return
    version = handshake.version or "TLS 1.3"
    words = f"{'QUIC' if is_quic(handshake) else version} encrypts the certificate and "
    if handshake.decrypted:
        words += "the keys for this session do not open the part that holds it"
    elif not (handshake.complete or handshake.application_data):
        words += "nothing that follows the ServerHello can be read"
    else:
        words += "no keys open this session"
    if handshake.encrypted_client_hello:
        outer = f"{handshake.sni} is" if handshake.sni else "what the hello shows is"
        words += (
            f"; the hello has an encrypted part, so {outer} only its outer name, unless that is camouflage"
        )
    if is_quic(handshake) and past_a_proxy(question.case, handshake):
        words += "; it went past the proxy, which validated nothing"
    evidence = (*known_of_hidden(question.visit, version), *followed(question))
    signs: tuple[Standing, ...] = ()
    if handshake.decrypted:
        signs = (Standing("packets-lost", "the keys are those of this session, so its bytes may be damaged"),)
    elif handshake.missing_bytes or not (handshake.complete or handshake.application_data):
        signs = (Standing("packets-lost", "what the server sent after its hello may be missing, too"),)
    yield Claim(ENTRY.code, words, evidence, (Saw(handshake, "server-hello"),), signs)

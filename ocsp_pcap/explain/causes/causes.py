"""The table of causes, in the order of the contract."""

from __future__ import annotations

from typing import Final

from ocsp_pcap.explain.causes.entry import Cause
from ocsp_pcap.explain.model import Presence

DECIDE: Final = (
    "What decides between 'off' and 'cached': set the TTL override of {validator}'s OCSP cache to one minute "
    "or clear the cache, write a policy trace, and open {host} twice, two minutes apart; or capture for "
    "longer than {longer}, which no answer from before outlasts."
)


def _cause(code: str, presence: Presence, meaning: str, *next_steps: str) -> Cause:
    """Make an entry for a cause."""
    return Cause(code, "cause", presence, None, meaning, next_steps)


CAUSE_TABLE: Final = (
    _cause(
        "queried",
        "present",
        "The validator asked and got an answer for this certificate.",
        "The answer is good until {until}: the next query is due with the first new connection after "
        "that, earlier only where the cache is cleared or a TTL override is set.",
    ),
    _cause(
        "dns-failed",
        "attempted",
        "The responder's name did not resolve.",
        "Repeat the lookup on {validator} itself, with the name server that it uses: {responder}.",
        "Make sure that the resolver of {validator} may resolve Internet names; split-horizon DNS often"
        " hides them.",
        "If the proxy shall not resolve Internet names, send OCSP through a forwarding host or switch "
        "it off there.",
    ),
    _cause(
        "responder-unreachable",
        "attempted",
        "TCP to the responder was unanswered, refused or reset.",
        "Permit TCP from {validator} to {responder}, usually port 80, on every firewall between them.",
        "From {validator}'s network run: curl -v http://{responder}/",
        "See tcp.stream eq {stream}: SYN without answer is a silent drop, RST a refusal; compare the "
        "TTL of the RST with that of good packets to see who sent it.",
        "If only the parent may reach the Internet, let the parent do OCSP, or forward OCSP through it.",
    ),
    _cause(
        "http-error",
        "attempted",
        "The responder answered HTTP but not 2xx.",
        "Read the status and body in frame {frame}: a block page, an authentication demand (401, 407), "
        "a redirect or the responder's own error?",
        "If a proxy in between answered, exempt {responder} from authentication and content filtering.",
        "Try the responder directly: openssl ocsp -issuer ISSUER.pem -cert CERT.pem -url "
        "http://{responder}/ -text",
    ),
    _cause(
        "responder-error",
        "attempted",
        "OCSPResponseStatus was other than successful.",
        "Read the responseStatus in frame {frame}: unauthorized means that the responder knows no such "
        "certificate, tryLater and internalError are its own trouble.",
        "Ask the certificate authority behind {responder} about serial number {serial}.",
        "Repeat the query with openssl ocsp and no nonce (-no_nonce); some responders answer only plain"
        " requests.",
    ),
    _cause(
        "response-invalid",
        "attempted",
        "The answer was unparsable, for another certificate, not fresh, or badly signed.",
        "Compare thisUpdate and nextUpdate in frame {frame} with the capture's clock; a wrong clock "
        "makes good answers stale.",
        "Compare the CertID of question and answer (serial number, issuer name hash, issuer key hash).",
        "Look for a cache or filter between {validator} and {responder} that serves old or altered answers.",
        "If the responder itself sends this, report it to the certificate authority.",
    ),
    _cause(
        "no-response",
        "attempted",
        "The validator asked, and no answer is in the capture.",
        "Look at the rest of the connection: tcp.stream eq {stream}",
        "Make sure that the capture went on long enough and saw both directions.",
        "If the request was acknowledged and nothing followed, look for a filter between {validator} "
        "and {responder}.",
    ),
    _cause(
        "stapled",
        "absent",
        "A fresh staple for this certificate came in the handshake.",
        "Nothing is wrong: the origin delivered the response itself, so no query is due.",
        "To see a query, test with a host that does not staple.",
    ),
    _cause(
        "staple-invalid",
        "absent",
        "A staple came but was stale, for another certificate or badly signed, and no query followed.",
        "Ask whoever runs {host} to repair its stapling; a stapling file must be renewed in time.",
        "Compare the staple's nextUpdate in frame {frame} with the capture's clock.",
        "Find out why {validator} did not fall back to a query; a strict validator would ask or refuse.",
    ),
    _cause(
        "cached",
        "absent",
        "An earlier response still covers it.",
        "To see a query, clear the OCSP response cache of {validator} or wait for nextUpdate, then open"
        " a new connection to {host}.",
        "The answer is good until {until}: the next query is due with the first new connection after that.",
        "If the earlier response was seen in frame {frame}, check its nextUpdate there.",
        "A capture longer than {longer} sees the next query: no answer from before lasts until then.",
    ),
    _cause(
        "session-resumed",
        "absent",
        "The session was resumed: no certificate was exchanged.",
        "To see a full handshake, clear the TLS session cache of {validator} or connect from a fresh client.",
        "Start the capture before the first connection to {host}.",
    ),
    _cause(
        "no-ocsp-url",
        "absent",
        "The certificate names no responder.",
        "Nothing can be asked: revocation of this certificate is published by CRL only, if at all.",
        "If policy demands revocation checks, enable CRL checking on {validator}.",
        "To test OCSP, use a host whose certificate names a responder (see the OCSP URL under Authority"
        " Information Access).",
    ),
    _cause(
        "short-lived",
        "absent",
        "Validity is so short that no revocation information is required.",
        "Nothing is wrong: the certificate expires before revocation would matter.",
        "To test OCSP, use a host with a long-lived certificate that names a responder.",
    ),
    _cause(
        "reissued-certificate",
        "absent",
        "The upstream proxy's own CA signed it; the origin's certificate is not visible here.",
        "Enable OCSP on the proxy that intercepts, the parent: it alone sees the origin's certificate.",
        "Switch OCSP for forwarded traffic off on {validator}; it can find nothing there.",
        "Capture on the outer side of the parent to see OCSP for {host}.",
    ),
    _cause(
        "not-intercepted",
        "absent",
        "This proxy only tunnels the connection (the same ClientHello random on both sides); it "
        "validates nothing.",
        "If {host} shall be checked here, intercept TLS for it on {validator}.",
        "Otherwise look at the TLS client behind the tunnel: OCSP is that client's business.",
    ),
    _cause(
        "ocsp-disabled",
        "absent",
        "Eligible, nothing else explains it, and the site file or the whole capture says that OCSP is "
        "off here.",
        "Enable OCSP, or revocation checking for server certificates, on {validator}.",
        "Then open a new connection to {host} and capture again.",
        DECIDE,
    ),
    _cause(
        "handshake-failed",
        "absent",
        "The handshake ended before validation could matter.",
        "Settle the handshake first: read the alert or reset in tcp.stream eq {stream}.",
        "Check protocol versions, cipher suites and trust between {validator} and {host}.",
    ),
    _cause(
        "unexplained",
        "absent",
        "Eligible, and nothing in the capture decides between the remaining causes.",
        "Start a new capture on {validator} with no capture filter, before its OCSP cache and TLS "
        "sessions are filled, and open one new connection to {host}.",
        "Give ocsp-pcap the site file (is OCSP enabled, cache TTL) and, for ProxySG, a policy trace.",
        "Look in the configuration of {validator} whether revocation checking applies to {host}.",
        DECIDE,
    ),
    _cause(
        "certificate-encrypted",
        "unknown",
        "TLS 1.3 (or QUIC, or ECH) hides the certificate, and there are no keys.",
        "Capture again with a TLS key log of {validator} and pass it with --keylog. SSLKEYLOGFILE makes"
        " curl, Chrome, Firefox, mitmproxy and OpenSSL from 3.5 (where built in) write one; Squid 6 and 7: "
        "tls_key_log; openssl s_client: -keylogfile.",
        "F5 BIG-IP records secrets with tcpdump --f5 ssl, HAProxy with tune.ssl.keylog, NGINX Plus with "
        "ssl_key_log and proxy_ssl_key_log, Java with an agent; for a process that offers nothing, eCapture.",
        "Or allow only TLS 1.2 between {validator} and {host} for the test: its certificates are in "
        "clear text. Where a proxy exports no secrets (ProxySG), a policy trace tells, too: --policy-trace.",
        "Where it is QUIC, block UDP port 443 for the test: clients fall back to TCP.",
    ),
    _cause(
        "capture-filtered",
        "unknown",
        "The capture holds no traffic of the kind OCSP would travel in.",
        "Capture again without a filter, or with at least: tcp port 80 or port 53 or tcp port 443 (and "
        "the proxy's ports).",
        "Capture on the interface by which {validator} reaches {responder}.",
    ),
    _cause(
        "capture-incomplete",
        "unknown",
        "Truncation, loss, one direction missing, or a start in mid-stream hides the answer.",
        "Capture again with full packets (tcpdump -s 0 -B 65536) and start before the connection opens.",
        "If one direction is missing, capture both directions of the mirror port, or on the proxy itself.",
        "See what is missing in tcp.stream eq {stream}",
    ),
    _cause(
        "ocsp-over-tls",
        "unknown",
        "The responder was contacted over TLS, or through a tunnel, that cannot be read.",
        "Pass the key log of {validator} with --keylog, if it can write one.",
        "Read the log of {responder}, or of the proxy at the tunnel's end, for a request from {validator}.",
    ),
)

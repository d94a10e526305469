"""The responders that certificates name."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from ocsp_pcap.facts import CertificateFact
from ocsp_pcap.facts.hosts import host_of


def names_responder(certificate: CertificateFact, host: str) -> bool:
    """The certificate names a responder on this host."""
    return any(name == host for name, _, _ in responder_hosts(certificate.ocsp_urls))


@lru_cache(maxsize=4096)
def responder_hosts(urls: tuple[str, ...]) -> tuple[tuple[str, int, str], ...]:
    """Return (host, port, URL) of each usable http or https URL."""
    hosts = []
    for url in urls:
        try:
            parts = urlsplit(url)
            host, port = host_of(url), parts.port
        except ValueError:
            continue
        if parts.scheme.lower() in ("http", "https") and host:
            default = 443 if parts.scheme.lower() == "https" else 80
            hosts.append((host, port or default, url))
    return tuple(hosts)


def host_and_port(url: str | None) -> tuple[str, int] | None:
    """Return host, in lower case, and port of one http or https URL; None where it has none."""
    found = responder_hosts((url,)) if url else ()
    return found[0][:2] if found else None

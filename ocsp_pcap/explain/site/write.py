"""A site as a site file that can be checked and kept: each line with where it comes from."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ocsp_pcap.explain.site.authorities import authorities_in
from ocsp_pcap.explain.site.model import AuthorityCertificate, Proxy, Site, SiteError, Source
from ocsp_pcap.explain.site.read import where
from ocsp_pcap.explain.site.reading import Line, Reading
from ocsp_pcap.explain.site.site_file import NANOSECONDS

ORDER = (
    "product",
    "addresses",
    "ocsp",
    "intercepts",
    "ca",
    "issuers",
    "responder_url",
    "cache_ttl",
    "forwarding_host",
    "crl_fallback",
    "validates_tunnels",
)
MAX_LINES = 200
"""Lines of each list that are printed."""


def site_toml(site: Site, readings: Sequence[Reading]) -> str:
    """Return a site as TOML; what stands in no key follows as comments, and what was not understood."""
    lines = ["# What the files say of the proxies. Check it, and keep it as a site file (--site)."]
    lines += [_comment(note) for note in site.notes]
    for proxy in site.proxies:
        lines += ["", f"[proxies.{proxy.role}]"]
        for key in ORDER:
            lines += _key(proxy, key)
        lines += _reservations(proxy)
    for reading in readings:
        lines += _listed(f"{reading.path}: also read, and no key of a site file stands for it", reading.seen)
        lines += _listed(f"{reading.path}: not understood", reading.unread)
    return "\n".join(lines) + "\n"


def _key(proxy: Proxy, key: str) -> Iterator[str]:
    value = getattr(proxy, key)
    if value is None or value in ((), frozenset()):
        return
    for source in proxy.sources_of(key):
        yield _comment(_origin(source))
    if key in proxy.disputed:
        yield "# another file says otherwise, see above"
    if key == "ca":
        yield f"ca = [{', '.join(_authorities(value))}]"
        return
    yield f"{key} = {_value(key, value)}"


def _reservations(proxy: Proxy) -> Iterator[str]:
    """Yield what keeps the file from saying more than the files that it is made of."""
    if proxy.listens:
        yield "# where it listens, and its own queries need not leave; take out those by which it goes on"
        yield f"listens = {_value('listens', proxy.listens)}"
    if proxy.more_addresses:
        yield "# the files need not tell all addresses: add where it goes on from, then take this line out"
        yield "more_addresses = true"
    if concluded := [key for key in ORDER if key in proxy.concluded]:
        yield "# supports an answer and proves none: take out what you have checked"
        yield f"concluded = {_value('concluded', concluded)}"


def _authorities(authorities: Sequence[AuthorityCertificate]) -> Iterator[str]:
    """Yield the strings of ``ca``: files, and certificates that stand in a configuration or are not alone."""
    for path in dict.fromkeys(authority.path for authority in authorities):
        mine = [authority.der for authority in authorities if authority.path == path]
        if _holds(Path(path), mine):
            yield _string(str(Path(path).resolve()))
            continue
        for der in mine:
            yield f'"""\n{ssl.DER_cert_to_PEM_cert(der)}"""'


def _holds(path: Path, ders: Sequence[bytes]) -> bool:
    """Tell whether a file still holds these certificates, and no others."""
    try:
        return path.is_file() and [one.der for one in authorities_in(path.read_bytes(), "")] == list(ders)
    except (OSError, SiteError):
        return False


def _origin(source: Source) -> str:
    return f"{where(source)}: {source.text}" if source.text else where(source)


def _value(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if key == "cache_ttl":
        return _duration(value)
    if key == "forwarding_host":
        host, _, port = value.rpartition(":")
        return _string(f"[{host}]:{port}" if ":" in host else value)
    if isinstance(value, str):
        return _string(value)
    items = sorted(value) if isinstance(value, frozenset) else value
    return f"[{', '.join(_string(item) for item in items)}]"


def _duration(nanoseconds: int) -> str:
    for unit in ("d", "h", "m", "s", "ms", "us", "ns"):
        if nanoseconds and nanoseconds % NANOSECONDS[unit] == 0:
            return f'"{nanoseconds // NANOSECONDS[unit]}{unit}"'
    return '"0s"'


def _string(text: str) -> str:
    escaped = "".join(_escape(character) for character in text)
    return f'"{escaped}"'


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        return "\ufffd"
    if character.isprintable():
        return character
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _comment(text: str) -> str:
    """A comment of one line: no character in it ends the line or is read by a terminal."""
    return "# " + "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))


def _listed(title: str, lines: Sequence[Line]) -> Iterator[str]:
    if not lines:
        return
    yield ""
    yield _comment(f"{title}:")
    for line in lines[:MAX_LINES]:
        at = "" if line.number is None else f"line {line.number}: "
        yield f"#   {_comment(f'{at}{line.text}')[2:]}"
    if len(lines) > MAX_LINES:
        yield f"#   and {len(lines) - MAX_LINES} more"

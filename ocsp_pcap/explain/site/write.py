"""A site as a site file that can be checked and kept: each line with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ocsp_pcap.explain.site.model import Proxy, Site, Source
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
    for reading in readings:
        lines += _listed(f"{reading.path}: also read, and no key of a site file stands for it", reading.seen)
        lines += _listed(f"{reading.path}: not understood", reading.unread)
    return "\n".join(lines) + "\n"


def _key(proxy: Proxy, key: str) -> Iterator[str]:
    value = getattr(proxy, key)
    if value is None or value in ((), frozenset()):
        return
    source = proxy.source(key)
    if source is not None:
        yield _comment(_origin(source))
    if key in proxy.disputed:
        yield "# another file says otherwise, see above"
    if key == "addresses" and proxy.more_addresses:
        yield "# where it listens; add the addresses from which it goes on"
    if key == "ca":
        files = [authority.path for authority in value if Path(authority.path).is_file()]
        if len(files) < len(value):
            yield "# the certificate stands in the configuration: save it as a PEM file and name that in ca"
        if not files:
            return
        value = [str(Path(file).resolve()) for file in dict.fromkeys(files)]
    yield f"{key} = {_value(key, value)}"


def _origin(source: Source) -> str:
    sure = "" if source.firm else " (concluded, supports an answer but proves none)"
    return f"{where(source)}: {source.text}{sure}" if source.text else f"{where(source)}{sure}"


def _value(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if key == "cache_ttl":
        return _duration(value)
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
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"\\u{code:04x}"
    return character if not 0xD800 <= code < 0xE000 else "\ufffd"


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

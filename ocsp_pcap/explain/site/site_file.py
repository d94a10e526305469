"""Our own site file: what the engineer says about the proxies (TOML; every key is optional)."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from reprlib import Repr
from typing import Any, get_args

from ocsp_pcap.bounds import BOUNDS, too_large
from ocsp_pcap.explain.site.authorities import authorities_in
from ocsp_pcap.explain.site.model import AuthorityCertificate, Proxy, ProxyRole, Site, SiteError, Source

DURATION = re.compile(r"^\s*([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*(ns|us|ms|s|m|h|d|w)?\s*$")
NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86400 * 10**9,
    "w": 7 * 86400 * 10**9,
}
LONGEST = 100 * 366 * 86400 * 10**9
"""No duration is longer than a certificate lives."""
KEYS = (
    "addresses",
    "ca",
    "cache_ttl",
    "concluded",
    "crl_fallback",
    "forwarding_host",
    "intercepts",
    "issuers",
    "listens",
    "more_addresses",
    "ocsp",
    "product",
    "responder_url",
    "validates_tunnels",
)
TABLE = re.compile(r"^\s*\[\s*[\"']?proxies[\"']?\s*\.\s*[\"']?(\w+)[\"']?\s*\]")
ASSIGNMENT = re.compile(r"^\s*[\"']?([a-z_]+)[\"']?\s*=")

_brief = Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = 60


def parse_site(content: bytes, path: Path) -> Site:
    """Read the content of a site file; files that it names stand beside it.

    Raises:
        SiteError: it is no TOML, too large or nested too deep, or has an unknown key or an unusable value.
    """
    import tomllib

    if len(content) > BOUNDS.site_file_bytes:
        raise SiteError(f"{path}: {too_large('site_file_bytes')}")
    try:
        text = content.decode("utf-8-sig")
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SiteError(f"{path}: is no valid TOML: {error}") from error
    except RecursionError as error:
        raise SiteError(f"{path}: is nested too deep for a site file") from error
    except ValueError as error:
        raise SiteError(f"{path}: has a number that is too long to be read") from error
    unknown = sorted(set(document) - {"proxies"})
    if unknown:
        raise SiteError(
            f"{path}: unknown table [{unknown[0][:60]}]; "
            "the site file has [proxies.child] and [proxies.parent]"
        )
    tables = document.get("proxies", {})
    if not isinstance(tables, dict):
        raise SiteError(f"{path}: proxies must be tables, [proxies.child] and [proxies.parent]")
    lines = _lines(text)
    proxies = tuple(_proxy(path, role, table, lines) for role, table in tables.items())
    _refuse_shared_addresses(path, proxies)
    return Site(str(path), proxies)


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Return the 1-based line of (proxy, key), where it is written as the documentation writes it."""
    found: dict[tuple[str, str], int] = {}
    proxy = ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("["):
            match = TABLE.match(line)
            proxy = match[1] if match else ""
        elif proxy and (match := ASSIGNMENT.match(line)):
            found.setdefault((proxy, match[1]), number)
    return found


def _proxy(path: Path, role: str, table: Any, lines: dict[tuple[str, str], int]) -> Proxy:
    if role not in get_args(ProxyRole):
        raise SiteError(f"{path}: unknown proxy {_brief.repr(role)}; known are child and parent")
    where = f"{path}: [proxies.{role}]"
    if not isinstance(table, dict):
        raise SiteError(f"{where} must be a table")
    for key in table:
        if key not in KEYS:
            raise SiteError(f"{where}: unknown key {_brief.repr(key)}; known are {', '.join(KEYS)}")
    concluded = _concluded(where, table)
    listens = frozenset(_address(where, value) for value in _strings(where, table, "listens"))
    return Proxy(
        role=role,  # type: ignore[arg-type]
        addresses=listens.union(_address(where, value) for value in _strings(where, table, "addresses")),
        listens=listens,
        ocsp=_boolean(where, table, "ocsp"),
        intercepts=_boolean(where, table, "intercepts"),
        ca=tuple(
            authority
            for name in _strings(where, table, "ca")
            for authority in _authorities(where, path.parent, name)
        ),
        cache_ttl=_duration(where, table.get("cache_ttl")),
        forwarding_host=_endpoint(where, table.get("forwarding_host")),
        crl_fallback=_boolean(where, table, "crl_fallback"),
        product=_product(where, table.get("product")),
        issuers=tuple(_issuer(where, name) for name in _strings(where, table, "issuers")),
        responder_url=_url(where, table.get("responder_url")),
        validates_tunnels=_boolean(where, table, "validates_tunnels"),
        more_addresses=_boolean(where, table, "more_addresses") or False,
        sources=tuple(
            (
                key,
                Source(
                    str(path),
                    lines.get((role, key)),
                    "toml",
                    f"[proxies.{role}] {key} = {_toml(value)}",
                    firm=key not in concluded,
                ),
            )
            for key, value in table.items()
        ),
    )


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else _brief.repr(value).replace("'", '"')


def _strings(where: str, table: dict[str, Any], key: str) -> list[str]:
    value = table.get(key, [])
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SiteError(f"{where}: {key} must be a list of strings")
    return value


def _concluded(where: str, table: dict[str, Any]) -> frozenset[str]:
    """Return the keys whose values were concluded from a configuration, and not checked since."""
    names = _strings(where, table, "concluded")
    for name in names:
        if name not in KEYS or name not in table:
            raise SiteError(
                f"{where}: concluded names {_brief.repr(name)}, which is no key that stands there"
            )
    return frozenset(names)


def _boolean(where: str, table: dict[str, Any], key: str) -> bool | None:
    value = table.get(key)
    if value is not None and not isinstance(value, bool):
        raise SiteError(f"{where}: {key} must be true or false, not {_brief.repr(value)}")
    return value


def _address(where: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise SiteError(f"{where}: {_brief.repr(text)} is no IP address") from None


def _endpoint(where: str, value: Any) -> str | None:
    if value is None:
        return None
    match = (
        re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\s]+):([0-9]{1,5})", value) if isinstance(value, str) else None
    )
    if match is None or not 0 < int(match[2]) < 65536:
        raise SiteError(f'{where}: forwarding_host must be "address:port", not {_brief.repr(value)}')
    return f"{match[1].strip('[]')}:{match[2]}"


def _duration(where: str, value: Any) -> int | None:
    if value is None:
        return None
    duration: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        duration = value * NANOSECONDS["s"]
    elif isinstance(value, str) and (match := DURATION.match(value)):
        duration = int(float(match[1]) * NANOSECONDS[match[2] or "s"])
    if duration is None or not 0 <= duration <= LONGEST:
        raise SiteError(
            f'{where}: cache_ttl must be a duration such as "1m", "4h" or seconds, not {_brief.repr(value)}'
        )
    return duration


def _product(where: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,39}", value):
        raise SiteError(f'{where}: product must be a name such as "proxysg", not {_brief.repr(value)}')
    return value.lower()


def _issuer(where: str, value: str) -> str:
    if not value.strip():
        raise SiteError(f'{where}: issuers must be names such as "CN=Corp CA", not {_brief.repr(value)}')
    return value.strip()


def _url(where: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"(?i)https?://[^\s/?#]+\S*", value):
        raise SiteError(f'{where}: responder_url must be "http://HOST/…", not {_brief.repr(value)}')
    return value


def _authorities(where: str, folder: Path, name: str) -> list[AuthorityCertificate]:
    """Return the certificates that one string of ``ca`` means: a file's, or those that it holds itself."""
    if "-----BEGIN CERTIFICATE-----" in name:
        try:
            return authorities_in(name.encode(), "certificate in the site file")
        except SiteError as error:
            raise SiteError(f"{where}: {error}") from error
    path = folder / name
    try:
        with path.open("rb") as file:
            content = file.read(BOUNDS.authority_bytes + 1)
        if len(content) > BOUNDS.authority_bytes:
            raise SiteError(f"{where}: ca {str(path)!r} holds more than {BOUNDS.authority_bytes:,} bytes")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SiteError(f"{where}: ca {str(path)!r} cannot be read: {reason}") from error
    try:
        return authorities_in(content, str(path))
    except SiteError as error:
        raise SiteError(f"{where}: {error}") from error


def _refuse_shared_addresses(path: Path, proxies: tuple[Proxy, ...]) -> None:
    for index, proxy in enumerate(proxies):
        for other in proxies[index + 1 :]:
            if shared := sorted(proxy.addresses & other.addresses):
                raise SiteError(f"{path}: {shared[0]} is given to both {proxy.role} and {other.role}")

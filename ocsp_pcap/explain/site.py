"""The site file: what the engineer knows about the proxies (TOML; every key is optional)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

ProxyRole: TypeAlias = Literal["child", "parent"]

DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|h|d|w)?\s*$")
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


class SiteError(Exception):
    """The site file cannot be used; the message says which key and why."""


@dataclass(frozen=True, slots=True)
class AuthorityCertificate:
    """An interception CA named by the site file."""

    path: str
    der: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy of the chain; None means that the site file does not say."""

    role: ProxyRole
    addresses: frozenset[str] = frozenset()
    ocsp: bool | None = None
    intercepts: bool | None = None
    ca: tuple[AuthorityCertificate, ...] = ()
    cache_ttl: int | None = None
    """Response cache TTL override in nanoseconds."""
    forwarding_host: str | None = None
    """``address:port`` through which the proxy sends its OCSP queries."""
    crl_fallback: bool | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """All that the site file says."""

    path: str = "site.toml"
    proxies: tuple[Proxy, ...] = ()

    def proxy(self, role: str) -> Proxy | None:
        """Return the proxy of this role, where the site file names one."""
        return next((proxy for proxy in self.proxies if proxy.role == role), None)

    def proxy_at(self, address: str) -> Proxy | None:
        """Return the proxy that owns this address."""
        return next((proxy for proxy in self.proxies if address in proxy.addresses), None)


def load_site(path: Path) -> Site:
    """Read a site file.

    Raises:
        SiteError: the file cannot be read, is no TOML, or has an unknown key or an unusable value.
    """
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SiteError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SiteError(f"{path}: is no valid TOML: {error}") from error
    unknown = sorted(set(document) - {"proxies"})
    if unknown:
        raise SiteError(
            f"{path}: unknown table [{unknown[0]}]; the site file has [proxies.child] and [proxies.parent]"
        )
    tables = document.get("proxies", {})
    if not isinstance(tables, dict):
        raise SiteError(f"{path}: proxies must be tables, [proxies.child] and [proxies.parent]")
    proxies = tuple(_proxy(path, role, table) for role, table in tables.items())
    _refuse_shared_addresses(path, proxies)
    return Site(str(path), proxies)


def _proxy(path: Path, role: str, table: Any) -> Proxy:
    where = f"{path}: [proxies.{role}]"
    if role not in get_args(ProxyRole):
        raise SiteError(f"{where}: unknown proxy {role!r}; known are child and parent")
    if not isinstance(table, dict):
        raise SiteError(f"{where} must be a table")
    known = {"addresses", "ocsp", "intercepts", "ca", "cache_ttl", "forwarding_host", "crl_fallback"}
    for key in table:
        if key not in known:
            raise SiteError(f"{where}: unknown key {key!r}; known are {', '.join(sorted(known))}")
    return Proxy(
        role=role,  # type: ignore[arg-type]
        addresses=frozenset(_address(where, value) for value in _strings(where, table, "addresses")),
        ocsp=_boolean(where, table, "ocsp"),
        intercepts=_boolean(where, table, "intercepts"),
        ca=tuple(
            authority
            for name in _strings(where, table, "ca")
            for authority in _authorities(where, path.parent / name)
        ),
        cache_ttl=_duration(where, table.get("cache_ttl")),
        forwarding_host=_endpoint(where, table.get("forwarding_host")),
        crl_fallback=_boolean(where, table, "crl_fallback"),
    )


def _strings(where: str, table: dict[str, Any], key: str) -> list[str]:
    value = table.get(key, [])
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SiteError(f"{where}: {key} must be a list of strings")
    return value


def _boolean(where: str, table: dict[str, Any], key: str) -> bool | None:
    value = table.get(key)
    if value is not None and not isinstance(value, bool):
        raise SiteError(f"{where}: {key} must be true or false, not {value!r}")
    return value


def _address(where: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise SiteError(f"{where}: {text!r} is no IP address") from None


def _endpoint(where: str, value: Any) -> str | None:
    if value is None:
        return None
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\s]+):(\d{1,5})", value) if isinstance(value, str) else None
    if match is None or not 0 < int(match[2]) < 65536:
        raise SiteError(f'{where}: forwarding_host must be "address:port", not {value!r}')
    return f"{match[1].strip('[]')}:{match[2]}"


def _duration(where: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value * NANOSECONDS["s"]
    match = DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise SiteError(f'{where}: cache_ttl must be a duration such as "1m", "4h" or seconds, not {value!r}')
    return int(float(match[1]) * NANOSECONDS[match[2] or "s"])


def _authorities(where: str, path: Path) -> list[AuthorityCertificate]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        content = path.read_bytes()
    except OSError as error:
        raise SiteError(f"{where}: ca {str(path)!r} cannot be read: {error.strerror}") from error
    try:
        if b"-----BEGIN" in content:
            certificates = x509.load_pem_x509_certificates(content)
        else:
            certificates = [x509.load_der_x509_certificate(content)]
    except ValueError as error:
        raise SiteError(f"{where}: ca {str(path)!r} holds no certificate: {error}") from error
    ders = [certificate.public_bytes(Encoding.DER) for certificate in certificates]
    return [AuthorityCertificate(str(path), der, sha256(der).hexdigest()) for der in ders]


def _refuse_shared_addresses(path: Path, proxies: tuple[Proxy, ...]) -> None:
    for index, proxy in enumerate(proxies):
        for other in proxies[index + 1 :]:
            if shared := sorted(proxy.addresses & other.addresses):
                raise SiteError(f"{path}: {shared[0]} is given to both {proxy.role} and {other.role}")

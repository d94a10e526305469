"""Files into one site: which form each has, which proxy it is of, what they say together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

from ocsp_pcap.explain.site.bigip import looks_like_bigip, read_bigip
from ocsp_pcap.explain.site.fortios import looks_like_fortios, read_fortios
from ocsp_pcap.explain.site.model import Proxy, ProxyRole, Site, SiteError, Source
from ocsp_pcap.explain.site.proxysg import looks_like_proxysg, read_proxysg
from ocsp_pcap.explain.site.reading import Reading, read_bounded, text_of
from ocsp_pcap.explain.site.site_file import parse_site
from ocsp_pcap.explain.site.squid import looks_like_squid, read_squid

Form: TypeAlias = Literal["toml", "proxysg", "fortios", "bigip", "squid"]

ROLE = re.compile(r"^(?P<role>child|parent)=(?P<file>.+)$", re.DOTALL)
LISTS = frozenset({"addresses", "ca", "issuers"})
TABLE = re.compile(r"^\s*(?:\[|proxies\b)")


def load_sites(arguments: Sequence[str | Path]) -> Site:
    """Read site files and configurations, and put together what they say.

    An argument is a file, or ``child=FILE`` or ``parent=FILE`` where the file does not tell which proxy
    it is of.

    Raises:
        SiteError: a file cannot be read, its form is not known, or nothing says which proxy it is of.
    """
    sites, readings = read_files(arguments)
    return merged(sites, readings)


def read_files(arguments: Sequence[str | Path]) -> tuple[list[Site], list[Reading]]:
    """Read each file by itself: our own site files, and configurations.

    Raises:
        SiteError: a file cannot be read, or its form is not known.
    """
    sites: list[Site] = []
    readings: list[Reading] = []
    for argument in arguments:
        role, path = file_of(argument)
        content = read_bounded(path)
        text = text_of(content)
        form = form_of(text, path)
        if form == "toml":
            if role is not None:
                raise SiteError(
                    f"{path}: a site file says itself which proxy is which; give it without {role}="
                )
            sites.append(parse_site(content, path))
            continue
        if form == "squid":
            reading = read_squid(path, text)
        else:
            readers = {"proxysg": read_proxysg, "fortios": read_fortios, "bigip": read_bigip}
            reading = readers[form](str(path), text)
        reading.role = role
        readings.append(reading)
    return sites, readings


def file_of(argument: str | Path) -> tuple[ProxyRole | None, Path]:
    """Return the proxy that an argument names, where it does, and its file."""
    match = ROLE.match(str(argument))
    if match is None or Path(argument).exists():
        return None, Path(argument)
    return cast("ProxyRole", match["role"]), Path(match["file"])


def form_of(text: str, path: Path) -> Form:
    """Tell from its content what form a file has.

    Raises:
        SiteError: it has none that is known.
    """
    forms = {
        "proxysg": looks_like_proxysg(text),
        "fortios": looks_like_fortios(text),
        "bigip": looks_like_bigip(text),
        "squid": looks_like_squid(text),
    }
    found = [form for form, known in forms.items() if known]
    if len(found) == 1:
        return cast("Form", found[0])
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    first = next(lines, "")
    if path.suffix.lower() == ".toml" or not first or TABLE.match(first):
        return "toml"
    if found:
        raise SiteError(f"{path}: looks like configurations of several products ({', '.join(found)})")
    if re.match(r"\s*[\w.\"'-]+\s*=", first):
        return "toml"
    raise SiteError(
        f"{path}: is neither a site file (TOML) nor a ProxySG sysinfo or configuration, a squid.conf, "
        "a FortiOS or a BIG-IP configuration"
    )


def merged(sites: Sequence[Site], readings: Sequence[Reading]) -> Site:
    """Put together what several files say; our own site files count more than configurations.

    Several configurations may be of one role (two children, two files of one proxy) where the user says so.

    Raises:
        SiteError: two configurations look like those of one proxy, or one address is given to two.
    """
    notes: list[str] = []
    proxies: dict[ProxyRole, Proxy] = {}
    for site in sites:
        for proxy in site.proxies:
            known = proxies.get(proxy.role)
            proxies[proxy.role] = proxy if known is None else _joined(known, proxy, notes)
    taken: dict[ProxyRole, str] = {}
    for reading in sorted(readings, key=lambda reading: reading.role is None):
        role = reading.role or _role(reading, readings, proxies, notes)
        if role in taken and reading.role is None:
            raise SiteError(
                f"{reading.path}: like {taken[role]} it looks like the configuration of the {role}; "
                f"say which is which, with child=FILE and parent=FILE"
            )
        taken[role] = reading.path
        notes += reading.problems
        proxy = reading.proxy(role)
        proxies[role] = _joined(proxies[role], proxy, notes) if role in proxies else proxy
    ordered = tuple(proxies[role] for role in get_args(ProxyRole) if role in proxies)
    _refuse_shared(ordered)
    paths = [site.path for site in sites] + [reading.path for reading in readings]
    return Site(paths[0] if paths else "site.toml", ordered, tuple(dict.fromkeys(notes)))


def _role(
    reading: Reading, readings: Sequence[Reading], proxies: dict[ProxyRole, Proxy], notes: list[str]
) -> ProxyRole:
    """Tell which proxy a configuration is of: by its addresses, by who goes through whom."""
    own = reading.values.get("addresses", frozenset())
    for known, proxy in proxies.items():
        if own & proxy.addresses:
            return known
    role: ProxyRole = "child" if reading.goes_through is not None else "parent"
    others = [other for other in readings if other is not reading]
    if any(other.goes_through and _host(other.goes_through) in own for other in others):
        role, why = "parent", "another configuration sends everything to it"
    elif reading.goes_through is not None:
        why = f"it sends everything to {reading.goes_through}"
    else:
        why = "nothing in it sends everything to another proxy"
    notes.append(
        f"{reading.path}: taken as the {role}'s, since {why}; "
        f"{role}={Path(reading.path).name} says so for good"
    )
    return role


def _host(endpoint: str) -> str:
    return endpoint.rpartition(":")[0].strip("[]")


def _joined(first: Proxy, second: Proxy, notes: list[str]) -> Proxy:
    """Put together what two files say of one proxy: lists are joined, else the first counts."""
    changes: dict[str, Any] = {}
    disputed: list[str] = list(first.disputed)
    for one in fields(Proxy):
        key = one.name
        if key in ("role", "sources", "disputed", "more_addresses", "listens"):
            continue
        ours, theirs = getattr(first, key), getattr(second, key)
        if key in LISTS:
            joined = ours | theirs if key == "addresses" else (*ours, *(x for x in theirs if x not in ours))
            changes[key] = joined
        elif ours is None:
            changes[key] = theirs
        elif theirs is not None and theirs != ours:
            disputed.append(key)
            mine, other = first.source(key), second.source(key)
            if mine is not None and other is not None:
                notes.append(
                    f"{where(mine)} says “{mine.text}”, {where(other)} says “{other.text}”: the first counts"
                )
    known = {key for key, _ in first.sources} - LISTS
    changes["sources"] = (*first.sources, *(item for item in second.sources if item[0] not in known))
    changes["disputed"] = tuple(dict.fromkeys(disputed))
    source = first.source("addresses")
    # Our own file names all addresses, where it does not say otherwise.
    own = source is not None and source.kind == "toml" and bool(first.addresses)
    outer = (first.addresses - first.listens) | (second.addresses - second.listens)
    changes["listens"] = (first.listens | second.listens) - outer
    changes["more_addresses"] = first.more_addresses or (second.more_addresses and not own)
    return replace(first, **changes)


def where(source: Source) -> str:
    """Return a source's file and line, as it is printed."""
    return source.path if source.line is None else f"{source.path}:{source.line}"


def _refuse_shared(proxies: Sequence[Proxy]) -> None:
    for index, proxy in enumerate(proxies):
        for other in proxies[index + 1 :]:
            if shared := sorted(proxy.addresses & other.addresses):
                sources = [source for p in (proxy, other) if (source := p.source("addresses")) is not None]
                places = " and ".join(dict.fromkeys(source.path for source in sources)) or "the site"
                raise SiteError(f"{places}: {shared[0]} is given to both {proxy.role} and {other.role}")

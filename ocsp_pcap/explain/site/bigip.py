"""BIG-IP: a ``bigip.conf``, or what ``tmsh list`` printed.

Objects with a kind, a name and values in braces. Read from the tmsh reference, and not tried against the
appliance: what is concluded is a sign.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ocsp_pcap.bounds import BOUNDS, at_most
from ocsp_pcap.explain.site.reading import Reading, numbered

RECOGNISED = re.compile(
    r"^#TMSH-VERSION|^(?:sys crypto cert-validator ocsp|ltm (?:virtual|profile|pool)|net self)\b.*\{\s*$",
    re.MULTILINE,
)
UNDERSTOOD = re.compile(
    r"^(?:sys crypto cert-validator ocsp|ltm profile (?:server-ssl|client-ssl|ocsp-stapling-params)"
    r"|ltm pool|net self)\b"
)


@dataclass(frozen=True, slots=True)
class _Value:
    line: int
    kind: str
    name: str
    inner: tuple[str, ...]
    key: str
    value: str

    @property
    def text(self) -> str:
        inner = "".join(f" / {part}" for part in self.inner)
        return f"{self.kind} {self.name}{inner}: {self.key} {self.value}"


def looks_like_bigip(text: str) -> bool:
    """Tell whether a text is a configuration of BIG-IP."""
    return RECOGNISED.search(text[: 1 << 20]) is not None


def read_bigip(path: str, text: str) -> Reading:
    """Read a configuration."""
    reading = Reading(path, "bigip", "f5-sslo", tried=False)
    reading.tell("product", "f5-sslo", None, "has the form of a BIG-IP configuration")
    values = list(_values(reading, text))
    for value in values:
        if value.kind == "net self" and value.key == "address":
            _address(reading, value)
        elif "ocsp" in f"{value.kind} {value.key}" or value.key == "ssl-forward-proxy":
            reading.notice(value.line, value.text)
    _validators(reading, values)
    _interception(reading, values)
    return reading


def _values(reading: Reading, text: str) -> Iterator[_Value]:
    above: list[str] = []
    skipped: set[str] = set()
    for number, line in numbered(text):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[-1] == "}" and "{" in words and len(words) > 2:
            # An object, or a list, on one line.
            if above and len(above) <= BOUNDS.configuration_depth:
                yield from _inside(number, above, words[0], " ".join(words[2:-1]))
            continue
        if words[-1] == "{":
            if not above and not UNDERSTOOD.match(line):
                kind = " ".join(words[:2])
                if kind not in skipped:
                    skipped.add(kind)
                    reading.skip(number, kind)
            above.append(" ".join(words[:-1]))
            if len(above) == BOUNDS.configuration_depth + 1:
                reading.problems.append(f"{reading.path}:{number}: {at_most('configuration_depth')}")
        elif words[0] == "}":
            if above:
                above.pop()
        elif above and len(above) <= BOUNDS.configuration_depth:
            yield from _inside(number, above, words[0], " ".join(words[1:]))
    if above:
        reading.problems.append(f"{reading.path}: ends inside “{above[0][:80]}”; what is before was read")


def _inside(number: int, above: list[str], key: str, value: str) -> Iterator[_Value]:
    if UNDERSTOOD.match(above[0]):
        kind, _, name = above[0].rpartition(" ")
        yield _Value(number, kind, name, tuple(above[1:]), key, value)


def _address(reading: Reading, value: _Value) -> None:
    try:
        address = ipaddress.ip_address(re.split(r"[/%]", value.value)[0])
    except ValueError:
        reading.skip(value.line, value.text)
        return
    reading.tell("addresses", str(address), value.line, value.text)


def _validators(reading: Reading, values: list[_Value]) -> None:
    """Take what the only OCSP validator says; with several, which one asks is left open."""
    own = [value for value in values if value.kind == "sys crypto cert-validator ocsp" and not value.inner]
    if len({value.name for value in own}) != 1:
        return
    for value in own:
        if value.key == "responder-url" and value.value.lower().startswith("http"):
            reading.tell("responder_url", value.value, value.line, value.text)
        elif value.key == "cache-timeout" and value.value.isascii() and value.value.isdigit():
            reading.tell("cache_ttl", min(int(value.value), 10**9) * 10**9, value.line, value.text)
        elif value.key == "proxy-server-pool":
            members = [
                member.inner[1]
                for member in values
                if member.kind == "ltm pool"
                and member.name == value.value
                and member.inner[:1] == ("members",)
                if len(member.inner) > 1
            ]
            if len(set(members)) == 1 and (endpoint := _endpoint(members[0])) is not None:
                reading.tell("forwarding_host", endpoint, value.line, value.text)


def _endpoint(member: str) -> str | None:
    """Return ``address:port`` of a pool's member such as ``/Common/10.1.1.9:3128``."""
    host, _, port = member.rpartition("/")[2].rpartition(":")
    numbers = {"webcache": "8080", "http": "80", "https": "443", "squid": "3128"}
    port = numbers.get(port, port)
    return f"{host}:{port}" if host and port.isascii() and port.isdigit() and 0 < int(port) < 65536 else None


def _interception(reading: Reading, values: list[_Value]) -> None:
    """Tell from the profiles towards servers whether they intercept, and whether OCSP is asked there."""
    profiles = [value for value in values if value.kind == "ltm profile server-ssl" and not value.inner]
    intercepting = [v for v in profiles if v.key == "ssl-forward-proxy" and v.value == "enabled"]
    if not intercepting:
        return
    reading.tell("intercepts", True, intercepting[0].line, intercepting[0].text)
    names = {value.name for value in intercepting}
    ocsp = [value for value in profiles if value.key == "ocsp" and value.name in names]
    on = [value for value in ocsp if value.value != "none"]
    if on and len({value.name for value in on}) == len(names):
        reading.tell("ocsp", True, on[0].line, on[0].text)
    elif ocsp and not on and len({value.name for value in ocsp}) == len(names):
        reading.tell("ocsp", False, ocsp[0].line, ocsp[0].text)

"""FortiOS: a backup, or what ``show`` and ``show full-configuration`` printed.

``config`` opens a table, ``edit`` an entry, ``set`` a value; ``next`` and ``end`` close. Read from the CLI
reference, and not tried against the appliance: what is concluded is a sign. A backup leaves defaults out, so
what does not stand there is not known.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from ocsp_pcap.explain.site.reading import Reading, numbered

RECOGNISED = re.compile(
    r"^#config-version=|^config "
    r"(?:system (?:global|interface)|vpn certificate|firewall (?:policy|ssl-ssh-profile))\b",
    re.MULTILINE,
)
UNDERSTOOD = frozenset(
    {
        "system interface",
        "vpn certificate setting",
        "vpn certificate ocsp-server",
        "firewall ssl-ssh-profile",
        "firewall policy",
    }
)
BUILT_IN = {
    "deep-inspection": "deep-inspection",
    "custom-deep-inspection": "deep-inspection",
    "certificate-inspection": "certificate-inspection",
    "no-inspection": "disable",
}
"""Profiles that every appliance has, with the inspection of HTTPS that they are named after."""


@dataclass(frozen=True, slots=True)
class _Setting:
    line: int
    table: str
    entry: str
    inner: tuple[str, ...]
    """Tables inside the entry."""
    name: str
    values: tuple[str, ...]

    @property
    def text(self) -> str:
        entry = f" / {self.entry}" if self.entry else ""
        inner = "".join(f" / {table}" for table in self.inner)
        return f"[{self.table}{entry}{inner}] set {self.name} {' '.join(self.values)}"


def looks_like_fortios(text: str) -> bool:
    """Tell whether a text is a configuration of FortiOS."""
    return RECOGNISED.search(text[: 1 << 20]) is not None


def read_fortios(path: str, text: str) -> Reading:
    """Read a configuration."""
    reading = Reading(path, "fortios", "fortigate", tried=False)
    reading.tell("product", "fortigate", None, "has the form of a FortiOS configuration")
    settings = list(_settings(reading, text))
    _addresses(reading, settings)
    _ocsp(reading, settings)
    _inspection(reading, settings)
    return reading


def _settings(reading: Reading, text: str) -> Iterator[_Setting]:
    tables: list[str] = []
    entries: list[str] = []
    skipped: set[str] = set()
    for number, line in numbered(text):
        words = _words(line)
        if not words:
            continue
        if words[0] == "config":
            tables.append(" ".join(words[1:]))
            entries.append("")
            if len(tables) == 1 and tables[0] not in UNDERSTOOD and tables[0] not in skipped:
                skipped.add(tables[0])
                reading.skip(number, f"config {tables[0]}")
        elif words[0] == "edit" and entries:
            entries[-1] = " ".join(words[1:])
        elif words[0] == "next" and entries:
            entries[-1] = ""
        elif words[0] == "end" and tables:
            tables.pop()
            entries.pop()
        elif words[0] == "set" and len(words) > 2 and tables and tables[0] in UNDERSTOOD:
            yield _Setting(number, tables[0], entries[0], tuple(tables[1:]), words[1], tuple(words[2:]))
    if tables:
        reading.problems.append(f"{reading.path}: ends inside “config {tables[0]}”; what is before was read")


def _words(line: str) -> list[str]:
    line = line.strip()
    if line.startswith("#"):
        return []
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _addresses(reading: Reading, settings: list[_Setting]) -> None:
    for setting in settings:
        own = setting.table == "system interface" and setting.name in ("ip", "ip6-address")
        source = setting.table == "vpn certificate setting" and setting.name in (
            "source-ip",
            "ssl-ocsp-source-ip",
        )
        if own or source:
            try:
                address = ipaddress.ip_address(setting.values[0].partition("/")[0])
            except ValueError:
                reading.skip(setting.line, setting.text)
                continue
            if not address.is_unspecified:
                reading.tell("addresses", str(address), setting.line, setting.text)


def _ocsp(reading: Reading, settings: list[_Setting]) -> None:
    own = {s.name: s for s in settings if s.table == "vpn certificate setting" and not s.inner}
    for setting in own.values():
        if "ocsp" in setting.name or setting.name in ("proxy", "proxy-port", "source-ip", "check-ca-chain"):
            reading.notice(setting.line, setting.text)
    status = own.get("ssl-ocsp-status") or own.get("ocsp-status")
    if status is not None and status.values[0] in ("enable", "mandatory", "disable"):
        reading.tell("ocsp", status.values[0] != "disable", status.line, status.text)
    option = own.get("ssl-ocsp-option") or own.get("ocsp-option")
    default = own.get("ocsp-default-server")
    urls = {s.entry: s for s in settings if s.table == "vpn certificate ocsp-server" and s.name == "url"}
    for setting in urls.values():
        reading.notice(setting.line, setting.text)
    if option is not None and option.values[0] == "server" and default is not None:
        url = urls.get(" ".join(default.values))
        if url is not None:
            reading.tell("responder_url", url.values[0], url.line, url.text)
    proxy, port = own.get("proxy"), own.get("proxy-port")
    if proxy is not None:
        number = port.values[0] if port is not None else "8080"
        if number.isascii() and number.isdigit() and 0 < int(number) < 65536:
            reading.tell("forwarding_host", f"{proxy.values[0]}:{number}", proxy.line, proxy.text)


def _inspection(reading: Reading, settings: list[_Setting]) -> None:
    modes = {
        s.entry: s
        for s in settings
        if s.table == "firewall ssl-ssh-profile" and s.inner == ("https",) and s.name == "status"
    }
    whole = {s.entry: s for s in settings if s.table == "firewall ssl-ssh-profile" and s.inner == ("ssl",)}
    used = [s for s in settings if s.table == "firewall policy" and s.name == "ssl-ssh-profile"]
    for setting in (*modes.values(), *whole.values(), *used):
        reading.notice(setting.line, setting.text)
    for setting in settings:
        if setting.table == "firewall ssl-ssh-profile" and setting.inner[:1] == ("ssl-exempt",):
            reading.notice(setting.line, setting.text)
    found: set[str | None] = set()
    for setting in used:
        name = " ".join(setting.values)
        found.add(modes[name].values[0] if name in modes else BUILT_IN.get(name))
    if found and found <= {"deep-inspection"}:
        reading.tell("intercepts", True, used[0].line, used[0].text)
    elif found and found <= {"certificate-inspection", "disable"}:
        reading.tell("intercepts", False, used[0].line, used[0].text)

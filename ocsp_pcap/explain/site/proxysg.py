"""ProxySG: a sysinfo, or what ``show configuration`` printed.

A sysinfo is a list of sections, parted by a line of underscores, each with a title and its ``URL_Path``; one
of them is the configuration. That is a list of commands, some of which open a mode (``;mode`` … ``exit``) or
bring a text of their own (``inline`` … up to their end marker). Read from a sysinfo of SGOS 5.3 and from the
Content Policy Language's documentation, and not tried against the appliance: what is concluded is a sign.
What stands about OCSP is quoted and not interpreted.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from ocsp_pcap.explain.site.authorities import authorities_in
from ocsp_pcap.explain.site.model import SiteError
from ocsp_pcap.explain.site.reading import Reading, numbered

SEPARATOR = re.compile(r"^_{60,}\s*$")
CONFIGURATION = "/cli/show/configuration"
RECOGNISED = re.compile(r"ProxySG Appliance System Information|^!- (?:Version: SGOS|BEGIN \w+)", re.MULTILINE)
VERSION = re.compile(r"\bSGOS (\d+(?:\.\d+)+)")
BLOCK = re.compile(r"^!- (?P<edge>BEGIN|END) (?P<name>\S+)")
INLINE = re.compile(r"^inline\s+(?P<kind>\S+)\s+(?P<rest>(?!\s).*?)\"?(?P<end>end-[\w-]+-inline)\"?\s*$")
GESTURE = re.compile(
    r"(?P<name>ssl\.forward_proxy(?:\.[\w.]+)?|server\.certificate\.validate(?:\.[\w.]+)?|forward(?:\.[\w.]+)?)"
    r"\(\s*(?P<value>[^()]{0,200})\)"
)
ADDRESS = re.compile(r"^(?:ip-address|virtual-ip address|address)\s+(?P<address>[0-9A-Fa-f.:]+)(?:[/ ]|$)")
HOST = re.compile(r"^(?:create (?:host )?|fwd_host )\"?(?P<alias>[\w.-]+)\"?\s+(?P<host>\S+)(?P<rest>.*)$")
PORT = re.compile(r"\b(?:http|https|tcp)=(\d{1,5})\b")
DEFINED = re.compile(r"#? ?\d+ forwarding (?:hosts|groups) defined|fwd_fail ")
SECRETS = re.compile(r"password|secret|private-key|community", re.IGNORECASE)
UNDERSTOOD_BLOCKS = frozenset({"networking", "ssl", "services", "policy", "proxies", "forwarding", "general"})
MODES_WITH_ADDRESSES = ("interface ",)


@dataclass(slots=True)
class _State:
    """Where in the configuration a line stands."""

    block: str | None = None
    modes: list[str] = field(default_factory=list)
    end: str | None = None
    """The marker that ends the text of an ``inline`` command."""
    inline_kind: str = ""
    inline_name: str = ""
    inline_line: int = 0
    held: list[str] = field(default_factory=list)
    layer: str = ""
    certificates: dict[str, tuple[int, str]] = field(default_factory=dict)
    keyring: str | None = None
    gestures: list[tuple[int, str, str, bool, str]] = field(default_factory=list)
    """(line, name, value, whether the rule has a condition, text)."""
    hosts: dict[str, tuple[int, str]] = field(default_factory=dict)
    rules: int = 0
    """Lines of rules, wherever policy stands."""


def looks_like_proxysg(text: str) -> bool:
    """Tell whether a text is a sysinfo or a configuration of SGOS."""
    return RECOGNISED.search(text[: 1 << 20]) is not None


def read_proxysg(path: str, text: str) -> Reading:
    """Read a sysinfo or a configuration."""
    reading = Reading(path, "proxysg", "proxysg", tried=False)
    reading.tell("product", "proxysg", None, "has the form of a ProxySG configuration")
    state = _State()
    section = CONFIGURATION
    title_due = False
    configured = False
    lines = list(numbered(text))
    if match := VERSION.search(text[: 1 << 20]):
        reading.notice(text.count("\n", 0, match.start()) + 1, f"SGOS {match[1]}")
    if any(SEPARATOR.match(line) for _, line in lines):
        section = ""
    title = ""
    for number, line in lines:
        if SEPARATOR.match(line) and state.end is None:
            section, title_due, state.layer = "", True, ""
            continue
        if title_due and line.strip():
            title, title_due = line.strip(), False
            continue
        if line.startswith("URL_Path "):
            section = line.removeprefix("URL_Path ").strip()
            if section not in (CONFIGURATION, "/Policy/current", "/Forwarding/Settings", "/SYSINFO/Version"):
                reading.skip(number, f"section {title} ({section})")
            continue
        if section == CONFIGURATION:
            configured = configured or bool(line.strip())
            _configuration(reading, state, number, line)
        elif section == "/Policy/current":
            _policy(state, number, line)
        elif section == "/Forwarding/Settings":
            _forwarding_host(state, number, line.strip())
            if DEFINED.match(line.strip()):
                reading.notice(number, line.strip(" #\r"))
    _finish(reading, state, configured)
    if title and not text.endswith(("\n", "\r")):
        reading.problems.append(
            f"{path}: ends in the middle of line {lines[-1][0]}, in the section {title}: the rest is "
            "not known"
        )
    return reading


def _configuration(reading: Reading, state: _State, number: int, line: str) -> None:
    stripped = line.strip()
    if state.end is not None:
        if stripped.startswith(state.end):
            _end_inline(reading, state)
        elif state.inline_kind == "policy" and not state.inline_name.startswith("vpm-xml"):
            _policy(state, number, line)
        elif state.inline_kind.startswith(("certificate", "ca-certificate")):
            state.held.append(line)
        return
    if match := BLOCK.match(stripped):
        begins = match["edge"] == "BEGIN"
        state.block = match["name"] if begins else None
        state.modes.clear()
        if begins and match["name"] not in UNDERSTOOD_BLOCKS:
            reading.skip(number, f"configuration of {match['name']}")
        return
    if match := INLINE.match(stripped):
        state.end, state.inline_kind, state.inline_line = match["end"], match["kind"], number
        state.inline_name, state.held = match["rest"].strip().strip('"'), []
        return
    if stripped.endswith(";mode"):
        state.modes.append(stripped.removesuffix(";mode").strip())
        return
    if stripped == "exit":
        if state.modes:
            state.modes.pop()
        return
    if stripped and not stripped.startswith("!"):
        _command(reading, state, number, stripped)


def _command(reading: Reading, state: _State, number: int, line: str) -> None:
    mode = state.modes[-1] if state.modes else ""
    where = f"[{' / '.join(state.modes)}] {line}" if state.modes else line
    if SECRETS.search(line):
        return
    if "ocsp" in f"{mode} {line}".lower():
        reading.notice(number, where)
    elif (mode.startswith(MODES_WITH_ADDRESSES) or line.startswith("virtual-ip")) and (
        match := ADDRESS.match(line)
    ):
        _address(reading, number, match["address"], where)
    elif state.block == "services" and line.startswith(("intercept ", "add ", "bypass ")):
        if any(mode.startswith("proxy-services") for mode in state.modes):
            reading.notice(number, where)
    elif (forwarding := any(mode.startswith("forwarding") for mode in state.modes)) or line.startswith(
        "fwd_host "
    ):
        _forwarding_host(state, number, line)
        if forwarding:
            reading.notice(number, where)
    elif match := re.match(r"proxy issuer-keyring (\S+)", line):
        state.keyring = match[1].strip('"')
        reading.notice(number, where)
    elif state.block == "ssl" or line.startswith(("appliance-name", "policy proxy-default")):
        reading.notice(number, where)


def _address(reading: Reading, number: int, text: str, where: str) -> None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        reading.skip(number, where)
        return
    if not (address.is_unspecified or address.is_loopback):
        reading.tell("addresses", str(address), number, where)


def _end_inline(reading: Reading, state: _State) -> None:
    if state.inline_kind.startswith(("certificate", "ca-certificate")):
        state.certificates[state.inline_name] = (state.inline_line, "\n".join(state.held))
    elif state.inline_kind not in ("policy", "keyring"):
        reading.skip(state.inline_line, f"inline {state.inline_kind} {state.inline_name}")
    state.end, state.held = None, []
    state.layer = ""


def _policy(state: _State, number: int, line: str) -> None:
    """Read one line of CPL: gestures, and whether conditions stand before them."""
    code = line.partition(";")[0].strip()
    if code.startswith("<"):
        state.layer = code
        code = code.partition(">")[2].strip()
        if code:
            state.layer += " …"
    if code.startswith("define "):
        state.layer = "define"
    elif code.startswith("end") and state.layer == "define":
        state.layer = ""
    if not code or state.layer == "define":
        return
    state.rules += bool(state.layer and not code.startswith(("<", "end")))
    found = list(GESTURE.finditer(code))
    rest = GESTURE.sub("", code)
    conditional = bool(re.search(r"[\w.]+\s*=", rest)) or state.layer.endswith("…")
    for match in found:
        text = f"{state.layer.removesuffix(' …')} {code}".strip()
        state.gestures.append((number, match["name"], match["value"].strip(), conditional, text))


def _forwarding_host(state: _State, number: int, line: str) -> None:
    match = None if line.startswith("#") else HOST.match(line)
    if match is not None and (port := PORT.search(match["rest"])) and 0 < int(port[1]) < 65536:
        state.hosts[match["alias"]] = (number, f"{match['host']}:{port[1]}")


def _finish(reading: Reading, state: _State, configured: bool) -> None:
    if state.end is not None:
        reading.problems.append(
            f"{reading.path}: ends inside the text that line {state.inline_line} begins; "
            "what is before was read"
        )
    elif state.block is not None:
        reading.problems.append(
            f"{reading.path}: ends inside the configuration of {state.block}; what is before was read"
        )
    if not configured:
        reading.problems.append(
            f"{reading.path}: has no section {CONFIGURATION}, so no addresses and services"
        )
    _certificates(reading, state)
    _gestures(reading, state)


def _certificates(reading: Reading, state: _State) -> None:
    for name, (line, text) in state.certificates.items():
        reading.notice(line, f"certificate {name}")
        if state.keyring is not None and name == state.keyring:
            try:
                found = authorities_in(text.encode(), f"{reading.path}:{line}")
            except SiteError:
                reading.skip(line, f"certificate of keyring {name}")
                continue
            reading.tell("ca", tuple(found), line, f"certificate of the issuer keyring {name}")


def _gestures(reading: Reading, state: _State) -> None:
    intercepting = [gesture for gesture in state.gestures if gesture[1] == "ssl.forward_proxy"]
    if state.rules and not state.gestures:
        reading.notice(
            None,
            f"policy of {state.rules} lines, none with ssl.forward_proxy(), server.certificate.validate() "
            "or forward()",
        )
    seen: set[str] = set()
    for number, _, _, _, text in state.gestures:
        # The policy stands both in the configuration and, compiled, in a section of its own.
        if text not in seen:
            seen.add(text)
            reading.notice(number, text)
    ways = {(value, conditional) for _, _, value, conditional, _ in intercepting}
    for value, meant in (("https", True), ("no", False)):
        if ways and all(way == (value, False) for way in ways):
            reading.tell("intercepts", meant, intercepting[0][0], intercepting[0][4])
    off = ("server.certificate.validate", "server.certificate.validate.check_revocation")
    checks = [gesture for gesture in state.gestures if gesture[1] in off]
    refusals = [gesture for gesture in checks if gesture[2] == "no" and not gesture[3]]
    if refusals and len(refusals) == len(checks):
        reading.tell("ocsp", False, refusals[0][0], refusals[0][4])
    forwards = [
        g for g in state.gestures if g[1] == "forward" and not g[3] and g[2].strip('"') in state.hosts
    ]
    if forwards:
        reading.goes_through = state.hosts[forwards[0][2].strip('"')][1]
    for alias, (number, endpoint) in state.hosts.items():
        reading.notice(number, f"forwarding host {alias} is {endpoint}")

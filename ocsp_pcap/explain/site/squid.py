"""Squid's squid.conf: what it intercepts, whether a helper checks certificates, where it goes on to.

Read as Squid 5 and 6 document it, and tried against the real program. Nothing is executed, and no file
outside the configuration's own folder is opened: where an ``include`` names another folder, the same path is
looked for below the configuration's own.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ocsp_pcap.bounds import BOUNDS, at_most
from ocsp_pcap.explain.site.authorities import authorities_in
from ocsp_pcap.explain.site.model import SiteError
from ocsp_pcap.explain.site.reading import Reading, numbered, read_bounded, text_of

BUMPING = frozenset({"bump", "client-first", "server-first"})
TUNNELLING = frozenset({"splice", "none"})
LOOKING = frozenset({"peek", "stare"})
RECOGNISED = re.compile(
    r"(?m)^[ \t]*(?:http_port|https_port|ssl_bump|cache_peer|http_access|sslcrtd_program|"
    r"sslcrtvalidator_program|tls_outgoing_options|visible_hostname|never_direct|coredump_dir|"
    r"refresh_pattern)[ \t]+\S"
)
CHECKING = frozenset(
    {
        "sslproxy_cert_error",
        "sslproxy_cert_adapt",
        "sslproxy_flags",
        "sslproxy_cafile",
        "sslproxy_foreign_intermediate_certs",
        "tls_outgoing_options",
        "sslcrtvalidator_children",
        "sslcrtd_program",
        "on_unsupported_protocol",
        "always_direct",
        "tls_key_log",
        "visible_hostname",
    }
)
"""Directives that bear on the question, and that no key of the site file stands for."""
UNDERSTOOD = frozenset(
    {
        *("acl", "http_port", "https_port", "ssl_bump", "sslcrtvalidator_program", "cache_peer"),
        *("never_direct", "tcp_outgoing_address", "udp_outgoing_address"),
    }
)
"""Directives that are read; what else there is, is listed, each once."""


def looks_like_squid(text: str) -> bool:
    """Tell whether a text is a squid.conf: two of the directives that one has."""
    return len({match[0].split()[0] for match in RECOGNISED.finditer(text[: 1 << 20])}) >= 2


@dataclass(frozen=True, slots=True)
class _Directive:
    path: str
    line: int
    words: tuple[str, ...]
    text: str


@dataclass(slots=True)
class _Configuration:
    folder: Path
    reading: Reading
    files: int = 0
    directives: list[_Directive] = field(default_factory=list)


def read_squid(path: Path, text: str) -> Reading:
    """Read a squid.conf; ``path`` says where it stands, for what it includes."""
    reading = Reading(str(path), "squid", "squid", tried=True)
    configuration = _Configuration(path.parent.resolve(), reading)
    _collect(configuration, path, text, ())
    reading.tell("product", "squid", None, "has the form of a squid.conf")
    reading.values["more_addresses"] = True
    _interpret(reading, configuration)
    return reading


def _collect(configuration: _Configuration, path: Path, text: str, above: tuple[Path, ...]) -> None:
    configuration.files += 1
    conditions: list[bool | None] = []
    for number, line in _joined(text):
        words = _words(line)
        if not words:
            continue
        name = words[0]
        if name == "if":
            conditions.append(_condition(words[1:]))
            if conditions[-1] is None:
                configuration.reading.skip(number, line, str(path))
                configuration.reading.problems.append(
                    f"{path}:{number}: whether “{line.strip()[:60]}” holds is not known here"
                )
            continue
        if name == "else" and conditions:
            conditions[-1] = None if conditions[-1] is None else not conditions[-1]
            continue
        if name == "endif" and conditions:
            conditions.pop()
            continue
        if any(condition is not True for condition in conditions):
            continue
        if name == "include":
            for pattern in words[1:]:
                _include(configuration, path, number, pattern, (*above, path.resolve()))
            continue
        configuration.directives.append(_Directive(str(path), number, words, line.strip()))
    if conditions:
        configuration.reading.problems.append(f"{path}: ends inside an “if” without its “endif”")


def _include(
    configuration: _Configuration, path: Path, number: int, pattern: str, above: tuple[Path, ...]
) -> None:
    reading = configuration.reading
    found = _inside(configuration.folder, pattern)
    if not found:
        reading.problems.append(
            f"{path}:{number}: what it includes, {pattern[:80]}, is not in the folder of the configuration, "
            "so what stands there is not known"
        )
        return
    for file in found:
        if file in above:
            reading.problems.append(f"{path}:{number}: {pattern[:80]} is included again and again")
            return
        if configuration.files >= BOUNDS.configuration_files:
            reading.problems.append(f"{path}:{number}: {at_most('configuration_files')}")
            return
        try:
            text = text_of(read_bounded(file))
        except SiteError as error:
            reading.problems.append(str(error))
            continue
        _collect(configuration, file, text, above)


def _inside(folder: Path, pattern: str) -> list[Path]:
    """Return the files that a path or pattern means, as far as they are in the folder.

    A configuration that was taken from its machine keeps absolute paths: what ends alike counts.
    """
    parts = [part.replace("**", "*") for part in Path(pattern).parts if part not in ("/", "..", ".")]
    for start in range(len(parts)):
        rest = "/".join(parts[start:])
        if start and start == len(parts) - 1 and re.search(r"[*?\[]", rest):
            # Without its folder, a pattern means any file.
            return []
        try:
            found = sorted(file.resolve() for file in folder.glob(rest))
        except (ValueError, OSError, NotImplementedError):
            return []
        if own := [file for file in found if file.is_relative_to(folder) and file.is_file()]:
            return own
    return []


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with their continuations, under the number of their first."""
    start, held = 0, ""
    for number, line in numbered(text):
        start = start or number
        if line.endswith("\\"):
            held += line[:-1]
            continue
        yield start, held + line
        start, held = 0, ""
    if held:
        yield start, held


def _words(line: str) -> tuple[str, ...]:
    line = line.strip()
    if not line or line.startswith("#"):
        return ()
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        words = line.split()
    for index, word in enumerate(words):
        if word.startswith("#"):
            return tuple(words[:index])
    return tuple(words)


def _condition(words: tuple[str, ...]) -> bool | None:
    """Return whether an ``if`` holds: ``true``, ``false`` or two numbers; None: it hangs on the process."""
    text = " ".join(words).lower()
    if text in ("true", "false"):
        return text == "true"
    if match := re.fullmatch(r"([0-9]{1,9})\s*=\s*([0-9]{1,9})", text):
        return int(match[1]) == int(match[2])
    return None


def _interpret(reading: Reading, configuration: _Configuration) -> None:
    acls: dict[str, list[_Directive]] = {}
    ports: list[_Directive] = []
    rules: list[_Directive] = []
    peers: list[_Directive] = []
    validator: _Directive | None = None
    never_direct: list[_Directive] = []
    skipped: set[str] = set()
    for directive in configuration.directives:
        name, words = directive.words[0], directive.words[1:]
        if name == "acl" and words:
            acls.setdefault(words[0], []).append(directive)
        elif name in ("http_port", "https_port") and words:
            ports.append(directive)
        elif name == "ssl_bump" and words:
            rules.append(directive)
        elif name == "sslcrtvalidator_program" and words and words[0] != "none":
            validator = directive
        elif name == "cache_peer" and len(words) >= 3:
            peers.append(directive)
        elif name == "never_direct":
            never_direct.append(directive)
        elif name in ("tcp_outgoing_address", "udp_outgoing_address") and words:
            _address(reading, directive, words[0])
        elif name in CHECKING:
            reading.notice(directive.line, directive.text, directive.path)
        elif name not in UNDERSTOOD and name not in skipped:
            skipped.add(name)
            reading.skip(directive.line, directive.text, directive.path)
    _ports(reading, configuration.folder, ports)
    _interception(reading, ports, rules, acls)
    _validator(reading, validator, configuration.directives)
    _way_on(reading, peers, never_direct)


def _ports(reading: Reading, folder: Path, ports: list[_Directive]) -> None:
    goes_out = reading.values.get("addresses", frozenset())
    for port in ports:
        where, _, _ = port.words[1].rpartition(":")
        if where:
            _address(reading, port, where)
    if listens := reading.values.get("addresses", frozenset()) - goes_out:
        reading.values["listens"] = listens
    for port in ports:
        for word in port.words[2:]:
            key, equals, value = word.partition("=")
            if equals and key in ("tls-cert", "cert") and "ssl-bump" in port.words:
                _signing(reading, folder, port, value)


def _signing(reading: Reading, folder: Path, port: _Directive, name: str) -> None:
    """Take the certificates, never the key, of the file that signs what is reissued."""
    for file in _inside(folder, name)[:1]:
        try:
            found = authorities_in(read_bounded(file), str(file))
        except SiteError as error:
            reading.notice(port.line, f"{name} holds no certificate: {error}", port.path)
            return
        reading.tell_at("ca", tuple(found), port.path, port.line, port.text)
        return
    reading.notice(
        port.line, f"signs with {name}, which is not in the folder of the configuration", port.path
    )


def _address(reading: Reading, directive: _Directive, text: str) -> None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        reading.skip(directive.line, directive.text, directive.path)
        return
    if not (address.is_unspecified or address.is_loopback):
        reading.tell_at("addresses", str(address), directive.path, directive.line, directive.text)


def _interception(
    reading: Reading, ports: list[_Directive], rules: list[_Directive], acls: dict[str, list[_Directive]]
) -> None:
    for rule in rules:
        reading.notice(rule.line, rule.text, rule.path)
    for name in dict.fromkeys(word.lstrip("!") for rule in rules for word in rule.words[2:]):
        for definition in acls.get(name, ()):
            # Which hosts a rule is about stands in its ACLs.
            reading.notice(definition.line, definition.text, definition.path)
    bumping = [port for port in ports if "ssl-bump" in port.words]
    if not ports or not reading.complete:
        return
    if not bumping:
        reading.tell_at("intercepts", False, ports[0].path, ports[0].line, f"no ssl-bump: {ports[0].text}")
        return
    ends = _ends(1, "", rules, acls) - {"terminate"}
    deciding = rules[-1] if rules else bumping[0]
    if ends == {"bump"} and len(bumping) == len(ports):
        reading.tell_at("intercepts", True, deciding.path, deciding.line, deciding.text)
    elif ends == {"splice"}:
        reading.tell_at("intercepts", False, deciding.path, deciding.line, deciding.text)
    elif ends:
        reading.notice(deciding.line, "some connections are intercepted, others tunnelled", deciding.path)


def _ends(step: int, before: str, rules: list[_Directive], acls: dict[str, list[_Directive]]) -> set[str]:
    """Return what may become of a connection: "bump", "splice", "terminate".

    At each of three steps the first rule whose ACLs match, and whose action that step allows, decides; a
    peek at step 2 precludes to bump afterwards, a stare to splice.
    """
    found: set[str] = set()
    for rule in rules:
        action = rule.words[1]
        if not _allowed(step, before, action):
            continue
        matches = _matches(step, rule.words[2:], acls)
        if matches is False:
            continue
        if action in BUMPING:
            found.add("bump")
        elif action in TUNNELLING:
            found.add("splice")
        elif action in LOOKING:
            found |= _ends(step + 1, action, rules, acls)
        else:
            found.add("terminate")
        if matches:
            return found
    return found | {"bump" if before == "stare" else "splice"}


def _allowed(step: int, before: str, action: str) -> bool:
    if action in LOOKING:
        return step < 3
    if step == 3 and before == "peek":
        return action not in BUMPING
    if step == 3 and before == "stare":
        return action not in TUNNELLING
    return True


def _matches(step: int, names: tuple[str, ...], acls: dict[str, list[_Directive]]) -> bool | None:
    """Return whether all ACLs of a rule match at a step; None: that hangs on the connection."""
    known: bool | None = True
    for name in names:
        wanted = not name.startswith("!")
        value = _acl(step, name.lstrip("!"), acls)
        if value is None:
            known = None
        elif value is not wanted:
            return False
    return known


def _acl(step: int, name: str, acls: dict[str, list[_Directive]]) -> bool | None:
    if name == "all":
        return True
    definitions = acls.get(name, [])
    if definitions and all(d.words[2:3] == ("at_step",) for d in definitions):
        return any(f"SslBump{step}" in d.words[3:] for d in definitions)
    return None


def _validator(reading: Reading, validator: _Directive | None, directives: list[_Directive]) -> None:
    if validator is not None:
        # The helper decides what it checks: that it asks OCSP is a conclusion, not a word of the file.
        reading.tell_at("ocsp", True, validator.path, validator.line, validator.text, firm=False)
        reading.notice(validator.line, validator.text, validator.path)
    elif reading.complete and directives:
        reading.tell_at(
            "ocsp",
            False,
            reading.path,
            None,
            "no sslcrtvalidator_program: Squid itself asks no OCSP responder",
        )


def _way_on(reading: Reading, peers: list[_Directive], never_direct: list[_Directive]) -> None:
    parents = [peer for peer in peers if peer.words[2] == "parent"]
    for peer in peers:
        reading.notice(peer.line, peer.text, peer.path)
    for directive in never_direct:
        reading.notice(directive.line, directive.text, directive.path)
    always = any(d.words[1:] == ("allow", "all") for d in never_direct)
    if parents and always:
        reading.goes_through = f"{parents[0].words[1]}:{parents[0].words[3]}"

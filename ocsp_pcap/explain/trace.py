"""Policy traces: what a proxy itself wrote about its OCSP checks.

A trace is a second witness, and proves no more than it says: which host a line is about, and when. ProxySG
writes one block a transaction, between lines ``start transaction`` and ``stop transaction``, with the time of
the whole block somewhere in it; other writers put a time before each line. Lines of checks that ran side by
side may be mixed, and then the order of lines does not tell whose answer is whose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from ocsp_pcap.bounds import BOUNDS, too_large
from ocsp_pcap.explain.stamps import Stamp, leading_stamp, read_stamp
from ocsp_pcap.explain.trace_entry import Action, TraceEntry

VALIDATING = re.compile(r"Validating certificate for (?P<host>[^\s,;]+)")
CACHED = re.compile(r"OCSP: using cached response")
QUERY = re.compile(r"OCSP: querying responder (?P<url>\S+)")
START = re.compile(r"\bstart transaction\b", re.IGNORECASE)
STOP = re.compile(r"\b(?:stop|end) transaction\b", re.IGNORECASE)
IDENTITY = re.compile(r"\btransaction[ _-]?id\s*[=:]\s*(?P<id>[\w-]{1,40})", re.IGNORECASE)
TIME = re.compile(r"^\s*(?:date/)?time:\s+", re.IGNORECASE)
REQUEST = re.compile(r"^\s*(?:[A-Z]{3,10}\s+)?(?:CONNECT\s+|[a-z]{2,10}://)(?P<host>\[[^\]\s]+\]|[^\s/:?]+)")
SIDE_BY_SIDE = 30 * 10**9
"""Nanoseconds within which two checks may wait for their answers at once."""


class TraceError(Exception):
    """The file is no policy trace; the message says why."""


@dataclass(slots=True)
class _Check:
    """One check of a host's certificate: the line that names the host, and what followed."""

    host: str
    stamp: Stamp | None
    actions: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Transaction:
    """Lines that belong together."""

    identity: str | None = None
    stamp: Stamp | None = None
    requested: str | None = None
    """Host of the request line, which comes after the lines about its certificate."""
    checks: list[_Check] = field(default_factory=list)
    waiting_since: int | None = None
    """When the last one was made that is without an answer, of those before the last check."""
    waiting: bool = False
    """One of those bears no time."""
    entries: list[int] = field(default_factory=list)
    """Positions of its entries in the list of all."""
    mixed: bool = False
    """Lines of another transaction stand between its own."""

    def check(self, check: _Check) -> None:
        """Take another check."""
        if self.checks and not (last := self.checks[-1]).actions:
            if last.stamp is None or last.stamp.time is None:
                self.waiting = True
            else:
                self.waiting_since = max(last.stamp.time, self.waiting_since or last.stamp.time)
        self.checks.append(check)

    def waits(self, now: Stamp | None) -> bool:
        """Tell whether a check before the last one is still without an answer, which this line may be."""
        if self.waiting or self.waiting_since is None:
            return self.waiting
        return now is None or now.time is None or now.time - self.waiting_since <= SIDE_BY_SIDE


def load_trace(path: Path) -> tuple[TraceEntry, ...]:
    """Read a policy trace.

    Raises:
        TraceError: the file cannot be read, or holds no line of the kind a policy trace has.
    """
    try:
        if path.stat().st_size > BOUNDS.document_bytes:
            raise TraceError(f"{path}: {too_large('document_bytes')}")
        content = path.read_bytes()
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}") from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = content.decode(encoding, errors="replace")
    entries, checks = parse_trace(text, str(path))
    if not (entries or checks or START.search(text)):
        raise TraceError(
            f'{path}: is no policy trace: it has no line "Validating certificate for HOST", which a '
            'policy trace has for each certificate that the proxy checks, and no line "start transaction"'
        )
    return entries


def parse_trace(text: str, path: str) -> tuple[tuple[TraceEntry, ...], int]:
    """Return the entries of a trace, and how many certificate checks it mentions at all."""
    reader = _Reader(path, closes=STOP.search(text) is not None)
    for number, line in enumerate(text.splitlines(), 1):
        reader.line(number, line)
    return reader.finish(), reader.checks


class _Reader:
    """Takes one line after another."""

    def __init__(self, path: str, *, closes: bool) -> None:
        self.path = path
        self.closes = closes
        """The trace says where a transaction ends; else it ends where the next one starts."""
        self.checks = 0
        self.entries: list[TraceEntry] = []
        self.open: list[_Transaction] = []
        self.by_identity: dict[str, _Transaction] = {}
        self.closed: list[_Transaction] = []
        self.outside = _Transaction()

    def line(self, number: int, line: str) -> None:
        if START.search(line):
            self._start(line)
        elif STOP.search(line):
            self._stop(line)
        else:
            self._inside(number, line)

    def finish(self) -> tuple[TraceEntry, ...]:
        for transaction in (*self.closed, *self.open, self.outside):
            self._settle(transaction)
        return tuple(entry for entry in self.entries if entry.host)

    def _start(self, line: str) -> None:
        if not self.closes:
            self.closed += self.open
            self.open.clear()
        match = START.search(line)
        rest = line[match.end() :] if match is not None else ""
        identity = IDENTITY.search(line)
        transaction = _Transaction(identity["id"] if identity else None)
        transaction.stamp = leading_stamp(line) or _first_stamp(rest)
        if identity is not None:
            self.by_identity[identity["id"]] = transaction
        self.open.append(transaction)
        if len(self.open) > 1:
            for other in self.open:
                other.mixed = True

    def _stop(self, line: str) -> None:
        identity = IDENTITY.search(line)
        if identity is not None and identity["id"] in self.by_identity:
            transaction = self.by_identity[identity["id"]]
        elif self.open:
            transaction = self.open[-1]
        else:
            return
        if transaction in self.open:
            self.open.remove(transaction)
            self.closed.append(transaction)

    def _inside(self, number: int, line: str) -> None:
        transaction = self._belongs(line)
        stamp = leading_stamp(line)
        if match := VALIDATING.search(line):
            self.checks += 1
            transaction.check(_Check(_host(match["host"]), stamp))
        elif CACHED.search(line):
            self._action(transaction, number, stamp, "cached", None)
        elif match := QUERY.search(line):
            self._action(transaction, number, stamp, "query", match["url"])
        elif match := TIME.match(line):
            transaction.stamp = read_stamp(line, match.end()) or transaction.stamp
        elif transaction is not self.outside and (match := REQUEST.match(line)):
            transaction.requested = transaction.requested or _host(match["host"])

    def _belongs(self, line: str) -> _Transaction:
        identity = IDENTITY.search(line)
        if identity is None:
            return self.open[-1] if self.open else self.outside
        name = identity["id"]
        if self.open and self.open[-1].identity is None and name not in self.by_identity:
            self.open[-1].identity = name
            self.by_identity[name] = self.open[-1]
        return self.by_identity.setdefault(name, _Transaction(name))

    def _action(
        self, transaction: _Transaction, number: int, stamp: Stamp | None, action: Action, url: str | None
    ) -> None:
        check = transaction.checks[-1] if transaction.checks else None
        found = stamp if stamp is not None and stamp.dated else check.stamp if check is not None else None
        certain = check is None or not transaction.waits(found)
        transaction.entries.append(len(self.entries))
        if check is not None:
            check.actions.append(len(self.entries))
        entry = TraceEntry(
            self.path,
            number,
            found.time if found is not None else None,
            check.host if check is not None else "",
            action,
            url,
            dated=found is not None and found.dated,
            zone=found is not None and found.zone,
            certain=certain,
        )
        self.entries.append(entry)

    def _settle(self, transaction: _Transaction) -> None:
        """Give a transaction's entries what stands after them, and take certainty where there is none."""
        stamp = transaction.stamp
        name = transaction.identity
        if name is None and transaction.entries and transaction is not self.outside:
            name = f"line {self.entries[transaction.entries[0]].line}"
        shared = transaction.mixed and transaction.identity is None
        for position in transaction.entries:
            entry = replace(self.entries[position], transaction=name)
            if entry.time is None and stamp is not None:
                entry = replace(entry, time=stamp.time, dated=stamp.dated, zone=stamp.zone)
            if not entry.host:
                entry = replace(entry, host=transaction.requested or "")
            self.entries[position] = replace(entry, certain=entry.certain and not shared)
        of_checks = {position for check in transaction.checks for position in check.actions}
        rest = [position for position in transaction.entries if position not in of_checks]
        for positions in (rest, *(check.actions for check in transaction.checks)):
            if transaction is self.outside and positions is rest:
                continue
            if len({self.entries[position].action for position in positions}) > 1:
                # A check covers a whole chain: which line is about which certificate is not said.
                for position in positions:
                    self.entries[position] = replace(self.entries[position], certain=False)


def _first_stamp(text: str) -> Stamp | None:
    """Read the time that a heading mentions, wherever it stands in it."""
    for word in re.finditer(r"(?<![\w:.])[A-Z0-9]", text[:200]):
        stamp = read_stamp(text, word.start())
        if stamp is not None and stamp.dated:
            return stamp
    return None


def _host(text: str) -> str:
    host = text.strip("\"'()<>")
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    if host.count(":") == 1:
        host = host.partition(":")[0]
    return host.rstrip(".").lower()

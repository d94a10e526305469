"""The changes between two explanations: before and after a change of configuration, say.

Certificates are compared by who validates them and for which host, so that a renewed certificate is still the
same case. Better is what is checked now, or need not be, where it was not, or failed; worse the other way
round. What one of the two sides leaves open has changed, and is neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.entries import Check
from ocsp_pcap.explain.model import PRESENCES, Explanation, Severity
from ocsp_pcap.facts.lines import to_json

Direction: TypeAlias = Literal["better", "worse", "changed", "new", "gone"]

_LEVELS: Final[Mapping[Check, int]] = {"off": 0, "failed": 1, "impossible": 2, "needless": 2, "done": 3}
"""How well off a certificate is with each."""
_OWN: Final = ("leaf", "server")
"""Chain role and presenter of a server's own certificate."""


@dataclass(frozen=True, slots=True)
class State:
    """The word of one explanation about a certificate."""

    presence: str
    cause: str
    status: str | None
    confidence: str
    summary: str
    sha256: str | None

    @property
    def essence(self) -> tuple[str | None, ...]:
        """What counts as a change."""
        return self.presence, self.cause, self.status


@dataclass(frozen=True, slots=True)
class Change:
    """One certificate of which the two explanations say something else."""

    role: str
    validator: str
    host: str
    """Of an intermediate, its subject."""
    chain_role: str
    presented_by: str
    direction: Direction
    before: State | None
    after: State | None


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding that only one of the two explanations has."""

    code: str
    severity: Severity
    direction: Direction
    summary: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many certificates one validator's OCSP covers, of those that it received from servers."""

    who: str
    """Role, or address where the role is not known."""
    asked_before: int
    of_before: int
    asked_after: int
    of_after: int
    without: tuple[tuple[str, str], ...]
    """(host, cause) of those about which it does not ask afterwards."""


@dataclass(frozen=True, slots=True)
class Difference:
    """All that changed."""

    headline_before: str
    headline_after: str
    tallies: tuple[Tally, ...]
    changes: tuple[Change, ...]
    findings: tuple[FindingChange, ...]
    same: int
    """Certificates of which both say the same."""

    @property
    def worse(self) -> bool:
        """Something got worse."""
        directions = [change.direction for change in self.changes] + [f.direction for f in self.findings]
        return "worse" in directions


@dataclass(frozen=True, slots=True)
class ExplanationOutline:
    """The parts of an explanation that are compared, whether it is at hand or was stored as JSON."""

    headline: str
    states: Mapping[tuple[str, str, str, str], tuple[State, str]]
    """By role (or address), host, chain role and presenter: state, and address of the validator."""
    findings: Mapping[str, tuple[Severity, str]]


def outline_of(explanation: Explanation) -> ExplanationOutline:
    """Take what is compared from an explanation."""
    lists = {"verdicts": explanation.verdicts, "findings": explanation.findings}
    document = {name: [to_json(item) for item in items] for name, items in lists.items()}
    return outline_of_json({"headline": explanation.headline, **document})


def outline_of_json(document: Mapping[str, Any]) -> ExplanationOutline:
    """Take what is compared from what ``explain --format json`` printed.

    Raises:
        ValueError: it is no such document.
    """
    try:
        findings = {f["code"]: (f["severity"], f["summary"]) for f in document["findings"]}
        return ExplanationOutline(document["headline"], _states(document["verdicts"]), findings)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is no explanation of this program's ({type(error).__name__}: {error})") from error


def _states(verdicts: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str, str], tuple[State, str]]:
    states: dict[tuple[str, str, str, str], tuple[State, str]] = {}
    for verdict in verdicts:
        role, address, host = verdict["validator"]["role"], verdict["validator"]["address"], verdict["host"]
        chain_role, presenter = verdict["chain_role"], verdict["presented_by"]
        sha256, subject = (c["sha256"], c["subject"]) if (c := verdict["certificate"]) else (None, "")
        said = {key: verdict[key] for key in ("presence", "cause", "status", "confidence", "summary")}
        texts = (role, address, host, chain_role, presenter, sha256, subject, *said.values())
        if not all(value is None or isinstance(value, str) for value in texts):
            raise TypeError("a verdict holds what is no text")
        state = State(**said, sha256=sha256)
        # Many hosts share an intermediate; it is explained once, under the host where it was seen first.
        name = subject if chain_role == "intermediate" else host or ""
        place = (address if role == "unknown" else role, name, chain_role, presenter)
        known = states.get(place)
        if known is None or PRESENCES.index(state.presence) < PRESENCES.index(known[0].presence):
            states[place] = (state, address)
    return states


def difference(before: ExplanationOutline, after: ExplanationOutline) -> Difference:
    """Compare two explanations."""
    changes: list[Change] = []
    same = 0
    for place in dict.fromkeys((*before.states, *after.states)):
        first, second = before.states.get(place), after.states.get(place)
        if first is not None and second is not None and first[0].essence == second[0].essence:
            same += 1
            continue
        who, host, chain_role, presenter = place
        address = (second or first or (None, ""))[1]
        role = "unknown" if who == address else who
        old, new = (None if each is None else each[0] for each in (first, second))
        changes.append(Change(role, address, host, chain_role, presenter, _direction(old, new), old, new))
    order = ("worse", "better", "changed", "new", "gone")
    changes.sort(key=lambda change: (order.index(change.direction), change.role, change.host))
    return Difference(
        before.headline,
        after.headline,
        tuple(_tallies(before, after)),
        tuple(changes),
        tuple(_findings(before, after)),
        same,
    )


def _direction(before: State | None, after: State | None) -> Direction:
    if before is None:
        return "new"
    if after is None:
        return "gone"
    old, new = _level(before), _level(after)
    if before.status == "good" and after.status in ("revoked", "unknown"):
        return "worse"
    if before.status in ("revoked", "unknown") and after.status == "good":
        return "better"
    if old is None or new is None or old == new or min(old, new) > 1:
        return "changed"
    return "better" if new > old else "worse"


def _level(state: State) -> int | None:
    """Return how well off a certificate is, from 0 (nobody asks) to 3; None: that is not known."""
    # Another version may have stored a cause that is not known here.
    check = CAUSES[state.cause].check if state.cause in CAUSES else None
    return _LEVELS.get(check) if check is not None else None


def _findings(before: ExplanationOutline, after: ExplanationOutline) -> Iterable[FindingChange]:
    for code, (severity, summary) in after.findings.items():
        if code not in before.findings:
            yield FindingChange(code, severity, "worse" if severity == "problem" else "new", summary)
    for code, (severity, summary) in before.findings.items():
        if code not in after.findings:
            yield FindingChange(code, severity, "better" if severity == "problem" else "gone", summary)


def _tallies(before: ExplanationOutline, after: ExplanationOutline) -> Iterable[Tally]:
    whos = dict.fromkeys(place[0] for one in (before, after) for place in one.states if place[2:] == _OWN)
    for who in whos:
        old, new = (
            [s.presence == "present" for place, (s, _) in one.states.items() if _is_own(place, who)]
            for one in (before, after)
        )
        without = tuple(
            (place[1], state.cause)
            for place, (state, _) in after.states.items()
            if _is_own(place, who) and state.presence != "present"
        )
        yield Tally(who, sum(old), len(old), sum(new), len(new), without)


def _is_own(place: tuple[str, str, str, str], who: str) -> bool:
    return place[0] == who and place[2:] == _OWN

"""Facts as JSON: the contract between this program and others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain

from ocsp_pcap.facts import Fact, Facts
from ocsp_pcap.facts.codec import FormatError, from_json
from ocsp_pcap.facts.model import collected
from ocsp_pcap.facts.plan import KINDS
from ocsp_pcap.facts.unheld import lines_of


class FactsError(ValueError):
    """Stored facts cannot be read; says in which line and why."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


def dumps(value: object, *, indent: int | None = None) -> str:
    """Return a JSON value as text that no terminal can take for a command: ASCII without controls."""
    return safe_json(json.dumps(value, allow_nan=False, indent=indent))


def safe_json(text: str) -> str:
    """Return JSON without the one control character that JSON lets stand as it is."""
    # Looking for it takes a tenth of the time that replacing none does.
    return text.replace("\x7f", "\\u007f") if "\x7f" in text else text


def facts_to_jsonl(facts: Iterable[Fact]) -> Iterator[str]:
    """Yield one line of JSON, without its end, for each fact: what :func:`dumps` makes of its object."""
    kinds = facts.kinds() if isinstance(facts, Facts) else (facts,)
    return map(safe_json, chain.from_iterable(map(lines_of, kinds)))


def fact_from_json(value: object) -> Fact:
    """Return the fact that a JSON object of the contract holds. Raise FormatError if it holds none."""
    if not isinstance(value, dict):
        raise FormatError("expected an object")
    kind = value.get("kind")
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise FormatError(f"unknown kind of fact {ascii(kind)[:40]}, known are " + ", ".join(KINDS))
    fact: Fact = from_json(cls, value)
    return fact


def facts_from_jsonl(lines: Iterable[str | bytes]) -> Facts:
    """Return facts that were stored one JSON object a line.

    Empty lines and keys that are not known are passed over; of several facts about one certificate
    the first counts. Raise FactsError for a line that is broken.
    """
    read = (_read_line(number, line) for number, line in enumerate(lines, start=1))
    return collected((fact for fact in read if fact is not None), lambda first, _: first)


def _read_line(number: int, line: str | bytes) -> Fact | None:
    """Read one line; None where it is empty."""
    try:
        text = line.decode("utf-8") if isinstance(line, bytes) else line
        text = text.removeprefix("\ufeff").strip(" \t\r\n")
        return fact_from_json(json.loads(text)) if text else None
    except UnicodeDecodeError:
        raise FactsError(number, "this is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise FactsError(number, f"this is not JSON: {error.msg} at column {error.colno}") from None
    except FormatError as error:
        raise FactsError(number, str(error)) from None
    except (RecursionError, ValueError):
        raise FactsError(number, "this is not JSON of a reasonable depth and size") from None

"""Facts and verdicts as tables: sequences that a notebook shows and pandas turns into data frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ocsp_pcap.explain.model import Verdict
from ocsp_pcap.facts import (
    CaptureFact,
    CertificateFact,
    CrlFetchFact,
    DnsLookupFact,
    Facts,
    HandshakeFact,
    OcspExchangeFact,
    TcpAttemptFact,
)
from ocsp_pcap.facts.plan import Integer, Moment, Structure, plan_of
from ocsp_pcap.terminal.escape import safe_text

if TYPE_CHECKING:
    import pandas as pd

Row = TypeVar("Row")

_SHOWN = 20
"""Rows of a table that a notebook shows by itself."""


class Table(Sequence[Row], Generic[Row]):
    """Some facts or verdicts: a sequence of them, and a table where pandas is at hand."""

    def __init__(self, rows: Sequence[Row], columns: Sequence[str] = ()) -> None:
        self._rows = tuple(rows)
        self._columns = tuple(columns)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        return self._rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __repr__(self) -> str:
        return f"<{len(self)} rows: {', '.join(self._names()[:6])}, …; .to_pandas() makes a table>"

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame, a row each: times are timestamps in UTC, nested fields columns of their own.

        Raises ImportError where pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("tables need pandas: pip install 'ocsp-pcap[notebook]'") from error
        records = [_flat(row) for row in self._rows]
        frame = pd.DataFrame.from_records(records, columns=self._names())
        cls: Any = type(self._rows[0]) if self._rows else None
        moments = {"time"} | (set() if cls is None else set(_columns(cls, Moment)))
        numbers = set() if cls is None else set(_columns(cls, Integer))
        for name in frame.columns:
            if name in moments:
                frame[name] = pd.to_datetime(frame[name].astype("Int64"), unit="ns", utc=True)
            elif name in numbers:
                frame[name] = frame[name].astype("Int64")
        return frame

    def _repr_html_(self) -> str:
        names = [name for name in self._names() if not self._columns or name in self._columns][:10]
        head = "".join(f"<th>{escape(safe_text(name))}</th>" for name in names)
        lines = []
        for row in self._rows[:_SHOWN]:
            record = _flat(row)
            cells = "".join(f"<td>{escape(safe_text(_short(record.get(name))))}</td>" for name in names)
            lines.append(f"<tr>{cells}</tr>")
        more = f"<p>{len(self) - _SHOWN:,} rows more</p>" if len(self) > _SHOWN else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>{more}"

    def _names(self) -> list[str]:
        names: dict[str, None] = dict.fromkeys(self._columns)
        for row in self._rows:
            names |= dict.fromkeys(_flat(row))
        return list(names)


@dataclass(frozen=True)
class FactTables:
    """All that was seen, a table a kind."""

    everything: Facts
    """As the rest of the program takes it."""

    @cached_property
    def captures(self) -> Table[CaptureFact]:
        """What was read, and what limits its testimony."""
        return Table(self.everything.captures, ("path", "packets", "first_time", "last_time", "damage"))

    @cached_property
    def certificates(self) -> Table[CertificateFact]:
        """Each distinct certificate."""
        columns = (
            "sha256",
            "subject",
            "issuer",
            "serial",
            "not_before",
            "not_after",
            "ocsp_urls",
            "crl_urls",
        )
        return Table(tuple(self.everything.certificates.values()), columns)

    @cached_property
    def handshakes(self) -> Table[HandshakeFact]:
        """TLS handshakes."""
        columns = ("time", "client", "server", "sni", "version", "resumed", "capture", "stream")
        return Table(self.everything.handshakes, columns)

    @cached_property
    def ocsp_exchanges(self) -> Table[OcspExchangeFact]:
        """OCSP requests with their answers."""
        columns = ("time", "client", "server", "method", "url", "http_status", "capture", "stream")
        return Table(self.everything.ocsp_exchanges, columns)

    @cached_property
    def crl_fetches(self) -> Table[CrlFetchFact]:
        """Downloads of revocation lists."""
        return Table(self.everything.crl_fetches, ("time", "client", "url", "http_status", "capture"))

    @cached_property
    def dns_lookups(self) -> Table[DnsLookupFact]:
        """Lookups of hosts that matter."""
        return Table(self.everything.dns_lookups, ("time", "client", "name", "type", "rcode", "answers"))

    @cached_property
    def tcp_attempts(self) -> Table[TcpAttemptFact]:
        """Attempts to connect to hosts that matter."""
        return Table(self.everything.tcp_attempts, ("time", "client", "server", "outcome", "capture"))


def _flat(row: Any) -> dict[str, Any]:
    """Return a fact or verdict as one level of names and values."""
    if isinstance(row, Verdict):
        certificate = row.certificate
        named = {
            "role": row.validator.role,
            "validator": row.validator.address,
            "subject": certificate.subject if certificate else None,
            "serial": certificate.serial if certificate else None,
            "sha256": certificate.sha256 if certificate else None,
            "frames": sorted({item.frame for item in row.evidence if item.frame is not None}),
            "time": min((sighting.time for sighting in row.sightings), default=None),
            "handshakes": len(row.sightings),
        }
        row = replace(row, sightings=(), evidence=())
        rest = dict(_fields(row))
        left_out = {"sightings", "evidence", *(f"certificate_{name}" for name in named)}
        return named | {
            name: value
            for name, value in rest.items()
            if name not in left_out and not name.startswith("validator_")
        }
    return dict(_fields(row))


def _fields(row: Any) -> Iterator[tuple[str, Any]]:
    cls: Any = type(row)
    for member in plan_of(cls).members:
        value = getattr(row, member.name)
        if not isinstance(member.shape, Structure):
            yield member.name, list(value) if isinstance(value, tuple) else value
        elif value is not None:
            for name, inner in _fields(value):
                yield f"{member.name}_{name}", inner


def _columns(cls: Any, shape: type) -> Iterator[str]:
    """Yield the names of columns of one shape."""
    for member in plan_of(cls).members:
        if isinstance(member.shape, shape):
            yield member.name
        elif isinstance(member.shape, Structure):
            yield from (f"{member.name}_{name}" for name in _columns(member.shape.cls, shape))


def _short(value: Any) -> str:
    text = "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 200 else f"{text[:199]}…"

"""The words of one file about one proxy, before it is known which proxy that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocsp_pcap.bounds import BOUNDS, too_large
from ocsp_pcap.explain.site.model import Proxy, ProxyRole, SiteError, Source, SourceKind

MAX_QUOTE = 160
MAX_LISTED = 2000
"""Lines of each list that are kept; a configuration has fewer that matter."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, with what it is quoted for."""

    path: str
    number: int | None
    text: str

    def __str__(self) -> str:
        where = self.path if self.number is None else f"{self.path}:{self.number}"
        return f"{where}: {self.text}"


@dataclass(slots=True)
class Reading:
    """The content of a configuration: values under the names of the site file's keys, the rest as lines."""

    path: str
    kind: SourceKind
    product: str
    tried: bool
    """The reader was tried against the real program."""
    values: dict[str, Any] = field(default_factory=dict)
    sources: list[tuple[str, Source]] = field(default_factory=list)
    goes_through: str | None = None
    """``address:port`` of the proxy that everything goes through: it is a child then."""
    seen: list[Line] = field(default_factory=list)
    """Lines that bear on OCSP or interception, and that no key of the site file stands for."""
    unread: list[Line] = field(default_factory=list)
    """Lines and parts that were not understood."""
    problems: list[str] = field(default_factory=list)
    """Sentences about what could not be read; what is not said in such a file is not known."""
    role: ProxyRole | None = None
    """Which proxy it is of, where the user said."""

    @property
    def complete(self) -> bool:
        """All of it could be read, so that what is missing is really not there."""
        return not self.problems

    def tell(self, key: str, value: Any, line: int | None, text: str, *, firm: bool = True) -> None:
        """Note a value under a key of the site file; of several the first counts, but for lists."""
        self.tell_at(key, value, self.path, line, text, firm=firm)

    def tell_at(
        self, key: str, value: Any, path: str, line: int | None, text: str, *, firm: bool = True
    ) -> None:
        """Note a value that stands in another file than the one that was named."""
        if key == "addresses":
            known = self.values.get(key, frozenset())
            if value in known:
                return
            value = known | {value}
        elif key == "ca":
            held = self.values.get(key, ())
            if not (new := tuple(one for one in value if one not in held)):
                return
            value = (*held, *new)
        elif key in self.values:
            return
        self.values[key] = value
        self.sources.append((key, Source(path, line, self.kind, quoted(text), firm and self.tried)))

    def notice(self, line: int | None, text: str, path: str | None = None) -> None:
        """Keep a line that is worth showing."""
        if len(self.seen) < MAX_LISTED:
            self.seen.append(Line(path or self.path, line, quoted(text)))

    def skip(self, line: int | None, text: str, path: str | None = None) -> None:
        """Keep a line that was not understood."""
        if len(self.unread) < MAX_LISTED:
            self.unread.append(Line(path or self.path, line, quoted(text)))

    def proxy(self, role: ProxyRole) -> Proxy:
        """Return it as a proxy of the chain."""
        more = self.values | ({} if self.complete else {"more_addresses": True})
        return Proxy(role=role, sources=tuple(self.sources), **more)


def quoted(text: str) -> str:
    """A line without its indentation, cut where it is very long."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…"


def read_bounded(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        SiteError: it cannot be read, or is larger than any configuration.
    """
    try:
        if not path.is_file() and path.exists() and not path.is_fifo():
            raise SiteError(
                f"{path}: cannot be read: Is a directory" if path.is_dir() else f"{path}: is no file"
            )
        with path.open("rb") as file:
            content = file.read(BOUNDS.document_bytes + 1)
    except OSError as error:
        raise SiteError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SiteError(f"{path}: cannot be read: {error}") from error
    if len(content) > BOUNDS.document_bytes:
        raise SiteError(f"{path}: {too_large('document_bytes')}")
    return content


def text_of(content: bytes) -> str:
    """Return a configuration's text; what is no character of its encoding is replaced."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return content.decode(encoding, errors="replace")


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """Yield (1-based line number, line without its end)."""
    for number, line in enumerate(text.split("\n"), 1):
        yield number, line.rstrip("\r")

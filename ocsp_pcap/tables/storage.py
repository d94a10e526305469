"""The place of tables: a directory of this machine, or a URL that fsspec knows."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, TypeAlias

from ocsp_pcap.capture.expand import is_url
from ocsp_pcap.facts.codec import FormatError
from ocsp_pcap.facts.plan import KINDS
from ocsp_pcap.tables.errors import TablesError, need

SUFFIX: Final = ".parquet"
_MOST_WORDS: Final = 160
_OURS: Final = re.compile(rf"(?:{'|'.join(KINDS)})/part-[0-9]+\.parquet")
"""What a directory of tables holds, and nothing else."""

Write: TypeAlias = Callable[[Callable[[str], BinaryIO]], None]
"""Writes tables; it is given what opens a file by its name below the directory."""


class Storage(Protocol):
    """A directory of tables, which may not be there yet."""

    def parts(self, kind: str) -> list[str]:
        """Return the names of the part files of a kind below the directory, in order."""

    def files(self, names: Sequence[str]) -> AbstractContextManager[list[Path]]:
        """Give part files as files of this machine, for as long as they are needed."""

    def refuse(self) -> None:
        """Raise TablesError where the directory cannot be made, or holds anything but tables."""

    def replace(self, write: Write) -> None:
        """Put what ``write`` writes in the place of what the directory holds."""


def storage(place: str) -> Storage:
    """Return the storage that a path or URL names.

    Raises:
        TablesError: fsspec is not installed, or does not know the scheme.
    """
    if not is_url(place):
        return _Local(Path(place))
    core = need("fsspec.core", place)
    try:
        system, path = core.url_to_fs(place)
    except (ImportError, ValueError, OSError) as error:
        raise TablesError(f"{place}: cannot be used: {one_line(error)}") from error
    protocols = (system.protocol,) if isinstance(system.protocol, str) else system.protocol
    return _Local(Path(path)) if "file" in protocols else _Remote(place, system, path)


@contextmanager
def failures(place: str, verb: str, errors: type[Exception] = OSError) -> Iterator[None]:
    """Make TablesError of what a file system raises."""
    try:
        yield
    except (TablesError, FormatError):
        raise
    except errors as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else one_line(error)
        raise TablesError(f"{place}: cannot be {verb}: {reason}") from error


def one_line(error: Exception) -> str:
    """Return what another library says of an error, shortly."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:_MOST_WORDS]


class _Local:
    """A directory of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def parts(self, kind: str) -> list[str]:
        folder = self._path / kind
        if not folder.is_dir():
            return []
        return sorted(f"{kind}/{file.name}" for file in folder.iterdir() if _is_part(file.name))

    @contextmanager
    def files(self, names: Sequence[str]) -> Iterator[list[Path]]:
        yield [self._path / name for name in names]

    def refuse(self) -> None:
        path = self._path
        with failures(str(path), "written"):
            if path.is_dir():
                for file in path.rglob("*"):
                    name = file.relative_to(path).as_posix()
                    if not (_OURS.fullmatch(name) or (name in KINDS and file.is_dir())):
                        raise _strange(str(path), name)
            elif path.exists():
                raise TablesError(f"{path}: cannot be written: this is a file, and tables need a directory")
            elif not path.absolute().parent.is_dir():
                raise TablesError(f"{path}: cannot be written: there is no directory {path.parent}")

    def replace(self, write: Write) -> None:
        with failures(str(self._path), "written"):
            target = self._path.resolve()
            # Beside the target, so that it can be renamed.
            work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
            try:
                new, old = work / "new", work / "old"
                new.mkdir()
                write(lambda name: _create(new / name))
                self.refuse()
                if target.exists():
                    target.rename(old)
                new.rename(target)
            finally:
                shutil.rmtree(work, ignore_errors=True)


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(exist_ok=True)
    return path.open("wb")


class _Remote:
    """A directory of a file system of fsspec, such as an object store, where nothing can be renamed.

    There each file appears once it is whole, and old parts go before new ones come. These file systems
    raise whatever the libraries below them raise.
    """

    def __init__(self, place: str, system: Any, path: str) -> None:
        self._place = place
        self._system = system
        self._path = path.rstrip("/")

    def parts(self, kind: str) -> list[str]:
        prefix = f"{kind}/"
        with failures(self._place, "read", Exception):
            names = self._names()
        return [name for name in names if name.startswith(prefix) and _is_part(name[len(prefix) :])]

    @contextmanager
    def files(self, names: Sequence[str]) -> Iterator[list[Path]]:
        with tempfile.TemporaryDirectory(prefix="ocsp-pcap-") as folder:
            copies = [Path(folder, str(number)) for number in range(len(names))]
            for name, copy in zip(names, copies, strict=True):
                with failures(f"{self._place}/{name}", "read", Exception):
                    self._system.get_file(f"{self._path}/{name}", str(copy))
            yield copies

    def refuse(self) -> None:
        with failures(self._place, "written", Exception):
            for name in self._names():
                if not _OURS.fullmatch(name):
                    raise _strange(self._place, name)

    def replace(self, write: Write) -> None:
        with failures(self._place, "written", Exception):
            self.refuse()
            for name in self._names():
                self._system.rm_file(f"{self._path}/{name}")
            write(self._create)

    def _create(self, name: str) -> BinaryIO:
        path = f"{self._path}/{name}"
        self._system.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH120 - no path of this machine
        file: BinaryIO = self._system.open(path, "wb")
        return file

    def _names(self) -> list[str]:
        """Return the files below the directory, by their names in it."""
        self._system.invalidate_cache()
        root = str(self._system._strip_protocol(self._path)).rstrip("/")
        return sorted(str(path)[len(root) + 1 :] for path in self._system.find(root))


def _is_part(name: str) -> bool:
    """Tell whether readers of tables take a file for a part; they pass over hidden ones and marks."""
    return name.endswith(SUFFIX) and not name.startswith((".", "_")) and "/" not in name


def _strange(place: str, name: str) -> TablesError:
    return TablesError(f"{place}: holds {name}, which is no table of facts; it is not replaced")

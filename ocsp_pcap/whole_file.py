"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Yield a path to write to; at the end of the block what stands there takes the place of ``out``.

    Where the block ends by an exception (Ctrl-C, a disk that is full), an old file stays as it was and the
    new one is removed; where the process is killed, too, if the file system has files without a name. The
    new one has the permissions of the old one, else those of any new file, and a link keeps pointing to it.
    A pipe or device is written to as it is.

    Raises:
        OSError: no file can be made beside ``out``, or it cannot be replaced.
    """
    if out.exists() and not out.is_file():
        yield out
        return
    target = Path(os.path.realpath(out))
    descriptor, new = _new_file_beside(target)
    try:
        os.fchmod(descriptor, _mode(target))
        yield new
        if new.parent != target.parent:
            nameless, new = new, target.with_name(f".{target.name}.{os.urandom(4).hex()}")
            # Only linkat, which Python takes where a folder is given, follows the link to the file.
            os.link(nameless, new, src_dir_fd=descriptor)
        new.replace(target)
    finally:
        os.close(descriptor)
        if new.parent == target.parent:
            with suppress(OSError):
                new.unlink(missing_ok=True)


def _new_file_beside(target: Path) -> tuple[int, Path]:
    """Return a new file and the path to write it by; it has no name, where the system allows that."""
    with suppress(OSError, AttributeError):
        descriptor = os.open(target.parent, os.O_TMPFILE | os.O_RDWR, 0o600)
        path = Path(f"/proc/self/fd/{descriptor}")
        if path.exists():
            return descriptor, path
        os.close(descriptor)
    import tempfile

    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    return descriptor, Path(name)


@contextmanager
def replacing_in(folder: Path, own: Iterable[str] = ()) -> Iterator[Path]:
    """Yield an empty folder; at the end of the block its files stand in ``folder``, which is made if need be.

    Where the block ends by an exception, ``folder`` stays as it was. Files of the names ``own`` that are
    not made again go from it, as they speak of something else by then; any others stay.

    Raises:
        OSError: no folder can be made beside ``folder``, or its files cannot be put there.
    """
    import tempfile

    target = Path(os.path.realpath(folder))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as name:
        yield Path(name)
        target.mkdir(exist_ok=True)
        paths = sorted(Path(name).iterdir())
        for path in paths:
            path.replace(target / path.name)
        for old in set(own).difference(path.name for path in paths):
            (target / old).unlink(missing_ok=True)


def partial(out: Path) -> Path:
    """Return where an incomplete result goes in place of ``out``."""
    return out.with_name(f"{out.name}.partial")


def _mode(target: Path) -> int:
    """Return the permissions of a file; mkstemp gives a new one to its owner alone."""
    with suppress(OSError):
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask

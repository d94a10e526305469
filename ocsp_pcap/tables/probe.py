"""Decode Parquet files in a process of their own: damage can end the process that reads them.

pyarrow decodes in C++, and some damage that it does not expect aborts it, which no exception handler
sees. So the files are decoded once in a child process, which may die, before their values are read.

As a script this takes paths, each ended by a NUL, from standard input, and prints a dot for each file
that it is done with, whatever is wrong with it: the reader tells that better.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subprocess import Popen


class Probe:
    """A process that decodes files; it runs while its maker does something else."""

    def __init__(self, files: Sequence[Path]) -> None:
        # -P: what stands beside this script is not what its imports mean.
        self._process: Popen[bytes] = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._names = b"".join(bytes(file.absolute()) + b"\0" for file in files)
        self._count = len(files)

    def deadly(self) -> int | None:
        """Wait, and return which file, by its place in order, ended the process; None: no one did."""
        done, _ = self._process.communicate(self._names)
        return None if self._process.returncode == 0 else min(len(done), self._count - 1)


def _decode(path: bytes) -> None:
    from pyarrow import parquet

    with Path(path.decode(sys.getfilesystemencoding(), "surrogateescape")).open("rb") as file:
        table = parquet.ParquetFile(file)
        for number in range(table.metadata.num_row_groups):
            group = table.metadata.row_group(number)
            for column in range(group.num_columns):
                _ = group.column(column).num_values
        for batch in table.iter_batches(10_000, use_threads=False):
            batch.validate(full=True)


def _main() -> None:
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for path in sys.stdin.buffer.read().split(b"\0")[:-1]:
        with suppress(Exception):
            _decode(path)
        sys.stdout.buffer.write(b".")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()

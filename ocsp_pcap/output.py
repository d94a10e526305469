"""Where results and messages go: standard output or a file, standard error, exit statuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final

import click

from ocsp_pcap.whole_file import partial, replacing

if TYPE_CHECKING:
    from rich.console import Console

    from ocsp_pcap.terminal.paper import Paper

BROKEN: Final = 1
"""Exit status: an expectation does not hold, or two witnesses disagree."""
UNUSABLE: Final = 2
"""Exit status: usage, or an input that cannot be read at all."""
INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as a shell has it: 128 and the number of the signal."""
FILE_WIDTH: Final = 120
"""Columns of a text report that is written to a file."""
STANDARD_OUTPUT: Final = "standard output"
WRITTEN_AT_ONCE: Final = 1 << 18
"""Bytes of a result: Python would write 8 kB, and to standard output single lines where it is told not to
buffer (PYTHONUNBUFFERED), as in many containers."""
_FACTS: Final = b'{"kind": "capture"'
_SITE_FILE: Final = b"# What the files say of the proxies."


class Failure(click.ClickException):
    """An input or output that cannot be used: one clear sentence, exit status 2."""

    exit_code = UNUSABLE

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence to standard error, without click's usage lines."""
        for line in self.message.splitlines():
            say(line)


class Interrupted(Failure):
    """Ctrl-C came before there was anything to tell of."""

    exit_code = INTERRUPTED


def say(sentence: str) -> None:
    """Print a sentence to standard error, with nothing in it that acts on a terminal."""
    from ocsp_pcap.terminal.escape import safe_text

    click.echo(f"ocsp-pcap: {safe_text(sentence)}", err=True)


def warn(sentence: str) -> None:
    """Print a warning to standard error."""
    say(f"warning: {sentence}")


@contextmanager
def console(output: Path | None) -> Iterator[Console]:
    """Yield a rich console on standard output, or on a file where one is named.

    Styles are for terminals only, and ``NO_COLOR`` is honoured. A reader that goes away ends the
    block, but is no failure.

    Raises:
        Failure: the output cannot be written.
    """
    from rich.console import Console

    class _Console(Console):
        def on_broken_pipe(self) -> None:
            """Let the error through that rich would make exit status 1 of."""
            raise BrokenPipeError

    with _failures(output):
        if output is None:
            terminal = sys.stdout is not None and sys.stdout.isatty()
            _as_asked_for()
            plain = bool(os.environ.get("NO_COLOR"))
            yield _Console(
                highlight=False,
                force_terminal=None if terminal else False,
                color_system=None if plain else "auto",
            )
        else:
            with replacing(output) as path, path.open("w", encoding="utf-8") as file:
                yield _Console(file=file, width=FILE_WIDTH, highlight=False, force_terminal=False)


@contextmanager
def page(output: Path | None) -> Iterator[Console | Paper]:
    """Yield what a sheet is written on: a console where one is seen, else a file or a pipe.

    Raises:
        Failure: the output cannot be written.
    """
    from ocsp_pcap.terminal.paper import Paper

    if output is None and (sys.stdout is None or sys.stdout.isatty()):
        with console(None) as terminal:
            yield terminal
        return
    with _failures(output):
        if output is None:
            _as_asked_for()
            yield Paper(sys.stdout, _width(), sys.stdout.encoding or "utf-8")
            # Where that fails at Python's end nobody can say so.
            sys.stdout.flush()
        else:
            with replacing(output) as path, path.open("w", encoding="utf-8") as file:
                yield Paper(file, FILE_WIDTH, "utf-8")


def _width() -> int:
    """Return the columns of the terminal from which this was called, as rich does; 80 where none is known."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit():
        return int(columns)
    for descriptor in range(3):
        try:
            return os.get_terminal_size(descriptor).columns or 80
        except (OSError, ValueError):
            continue
    return 80


def _as_asked_for() -> None:
    """Have standard output write what it lacks in ASCII, where that is asked for."""
    if _asks_for_ascii() and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="ascii", errors="backslashreplace")


def _asks_for_ascii() -> bool:
    """Tell whether the user asked for plain ASCII, where Python takes UTF-8 all the same (PEP 540)."""
    chosen = {"PYTHONIOENCODING", "PYTHONUTF8"} & os.environ.keys()
    return os.environ.get("LC_ALL") in ("C", "POSIX") and not chosen


def write(parts: Iterable[str | bytes], output: Path | None) -> None:
    """Write text, as UTF-8, or bytes to standard output, or to a file where one is named.

    Raises:
        Failure: the output cannot be written.
    """
    with _failures(output):
        if output is not None:
            with replacing(output) as path, path.open("wb", WRITTEN_AT_ONCE) as file:
                _write(parts, file)
        elif sys.stdout is not None:
            with _standard_output() as stream:
                _write(parts, stream)


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    stream = sys.stdout.buffer
    if isinstance(stream, BufferedWriter | FileIO):
        stream.flush()
        with os.fdopen(stream.fileno(), "wb", WRITTEN_AT_ONCE, closefd=False) as blocks:
            yield blocks
    else:
        yield stream


def settled(output: Path | None, *, interrupted: bool) -> Path | None:
    """Return where a result goes: beside the file that was named, where reading was interrupted."""
    if output is None or not interrupted or (output.exists() and not output.is_file()):
        return output
    aside = partial(output)
    say(f"{aside}: what was found so far; {output} is left as it was")
    return aside


def refuse_output(output: Path | None, inputs: Iterable[Path], *, replaces: bool = True) -> None:
    """Raise Failure where an output is sure to fail, or would overwrite an input, before work begins.

    A file that is there and is no report of this program will be replaced, but not without a word;
    ``replaces`` is false where the caller leaves what is there alone.
    """
    if output is None:
        return
    if output.is_dir():
        raise Failure(f"{output}: cannot be written: this is a directory")
    if not output.parent.is_dir():
        raise Failure(f"{output}: cannot be written: there is no directory {output.parent}")
    if not output.is_file():
        return
    for path in inputs:
        if path.exists() and path.samefile(output):
            raise Failure(f"{output}: is an input, and writing would destroy it")
    if replaces and not _looks_like_ours(output):
        say(f"{output}: will be replaced; what it holds does not look like a report of ocsp-pcap")


def _looks_like_ours(path: Path) -> bool:
    """Tell whether a file is empty, or its beginning is like that of a result of this program.

    Text and Markdown begin with the headline; all others name the program or are facts.
    """
    try:
        with path.open("rb") as file:
            start = file.read(65_536)
    except OSError:
        return True
    first, _, _ = start.lstrip().partition(b"\n")
    return not start or b"ocsp-pcap" in start or b"OCSP" in first or first.startswith((_FACTS, _SITE_FILE))


def _write(parts: Iterable[str | bytes], stream: BinaryIO) -> None:
    for part in parts:
        stream.write(part.encode() if isinstance(part, str) else part)
    stream.flush()


@contextmanager
def _failures(output: Path | None) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        _discard_standard_output()
    except OSError as error:
        if output is None:
            _discard_standard_output()
        name = output if output is not None else STANDARD_OUTPUT
        raise Failure(f"{name}: cannot be written: {error.strerror or error}") from error


def _discard_standard_output() -> None:
    """Send the rest of the output nowhere, or Python would complain when it flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

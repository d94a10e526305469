"""Offers of a shell behind the Tab key: captures, codes, bounds; and the script that teaches it to ask."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

import click
from click.shell_completion import CompletionItem, get_completion_class

Shell: TypeAlias = Literal["bash", "zsh", "fish"]
CAPTURE_ENDINGS: Final = (".pcap", ".pcapng", ".cap", ".ntar", ".dmp", ".trc", ".jsonl")
"""What names of captures, and of stored facts, end with, before a number or the name of a compression."""
_COMPRESSIONS: Final = (".gz", ".xz", ".zst", ".lz4", ".bz2")
_INSTALL: Final = {
    "bash": "ocsp-pcap completion bash > ~/.local/share/bash-completion/completions/ocsp-pcap",
    "zsh": "ocsp-pcap completion zsh > ~/.zfunc/_ocsp-pcap",
    "fish": "ocsp-pcap completion fish > ~/.config/fish/completions/ocsp-pcap.fish",
}


def script(shell: Shell) -> str:
    """Return the script that a shell has to read, with a line that says where it belongs."""
    made = get_completion_class(shell)
    assert made is not None
    command = click.Group("ocsp-pcap")
    source = made(command, {}, "ocsp-pcap", "_OCSP_PCAP_COMPLETE").source()
    # click's script forgets what was offered when directories are; bash can offer them besides.
    source = re.sub(r"COMPREPLY=\(\)\s*compopt -o dirnames", "compopt -o plusdirs", source)
    head = "#compdef ocsp-pcap\n" if shell == "zsh" else ""
    return f"{head}# {_INSTALL[shell]}\n{source.removeprefix('#compdef ocsp-pcap').strip()}\n"


def captures(incomplete: str) -> list[CompletionItem]:
    """Offer captures, stored facts and directories."""
    return [*_entries(incomplete), CompletionItem(incomplete, type="dir")]


def codes(incomplete: str) -> list[CompletionItem]:
    """Offer the codes of causes and findings, with what they mean."""
    from ocsp_pcap.explain.causes import CAUSES

    return [
        CompletionItem(code, help=entry.meaning)
        for code, entry in sorted(CAUSES.items())
        if code.startswith(incomplete)
    ]


def bounds(incomplete: str) -> list[CompletionItem]:
    """Offer the names of bounds, to be followed by a value."""
    from ocsp_pcap.bounds import table

    names = [("list", "print them all"), *((f"{name}=", what) for name, _, what, _ in table())]
    return [CompletionItem(name, help=what) for name, what in names if name.startswith(incomplete)]


def _entries(incomplete: str) -> Iterator[CompletionItem]:
    folder, name = os.path.split(incomplete)
    try:
        found: Iterable[os.DirEntry[str]] = sorted(os.scandir(folder or "."), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        hidden = entry.name.startswith(".") and not name.startswith(".")
        if entry.name.startswith(name) and not hidden and entry.is_file() and is_capture_name(entry.name):
            yield CompletionItem(os.path.join(folder, entry.name))  # noqa: PTH118 - "./" stays as it was typed


OFFERS: Final[Mapping[str, Callable[[str], list[CompletionItem]]]] = {
    "captures": captures,
    "codes": codes,
    "bounds": bounds,
}
"""What may be asked for, by what options and arguments name."""


def is_capture_name(name: str) -> bool:
    """Tell whether a file is called as captures, or stored facts, are."""
    path = Path(name.lower())
    if path.suffix in _COMPRESSIONS:
        path = path.with_suffix("")
    # tcpdump -C puts a number behind the name.
    return path.suffix.rstrip("0123456789") in CAPTURE_ENDINGS

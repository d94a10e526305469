"""JSON lines of facts, made side by side by processes that are forked when all is read.

Each has what this process has, so that nothing is handed to it but the order of blocks; it makes the facts of
its blocks, too, where they are not held. It sends text, and is never much more than a block ahead.
"""

from __future__ import annotations

import pickle
from collections.abc import Generator, Sequence
from typing import BinaryIO, Final

from ocsp_pcap.facts import Fact, Facts
from ocsp_pcap.facts.json import facts_to_jsonl
from ocsp_pcap.parallel.processes import Child

BLOCK: Final = 384
"""Facts whose lines are made at once: a pipe holds the text of as many handshakes."""
LEAST_BLOCKS: Final = 10
"""Fewer are made sooner than one more process is forked."""


def jsonl_blocks(facts: Facts, jobs: int) -> Generator[str | bytes]:
    """Yield the lines of :func:`facts_to_jsonl`, many at once; so many processes make them."""
    blocks = [kind[start : start + BLOCK] for kind in facts.kinds() for start in range(0, len(kind), BLOCK)]
    jobs = min(jobs, 1 + len(blocks) // LEAST_BLOCKS)
    others = [Child(_send, blocks[number::jobs]) for number in range(1, jobs)]
    try:
        for number, block in enumerate(blocks):
            turn = number % jobs
            yield (others[turn - 1].taken() if turn else None) or _text(block)
    finally:
        for other in others:
            other.close()


def _send(blocks: Sequence[Sequence[Fact]], there: BinaryIO) -> None:
    for block in blocks:
        pickle.dump(_text(block).encode(), there)
        there.flush()


def _text(block: Sequence[Fact]) -> str:
    return "".join(f"{line}\n" for line in facts_to_jsonl(block))

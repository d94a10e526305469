"""Lines of facts are the same, whoever makes them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.facts import Fact, Facts
from ocsp_pcap.facts.json import facts_to_jsonl
from ocsp_pcap.facts.lines import line_of
from ocsp_pcap.parallel import writing
from ocsp_pcap.parallel.processes import Child
from ocsp_pcap.parallel.writing import jsonl_blocks

SAMPLES = Path(__file__).resolve().parents[3] / "samples"


@pytest.fixture(scope="module", params=[True, False], ids=["held", "unheld"])
def facts(request: pytest.FixtureRequest) -> Facts:
    captures = [SAMPLES / name / "capture.pcap" for name in ("direct", "handshake-failed")]
    return read_facts(captures, ReadOptions(held=request.param))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BLOCK", 3)
    monkeypatch.setattr(writing, "LEAST_BLOCKS", 1)


def written(facts: Facts, jobs: int) -> list[str]:
    parts = [part if isinstance(part, str) else part.decode() for part in jsonl_blocks(facts, jobs)]
    return "".join(parts).splitlines()


@pytest.mark.parametrize("jobs", [1, 2, 3, 50])
def test_any_number_of_processes(jobs: int, facts: Facts) -> None:
    assert written(facts, jobs) == list(facts_to_jsonl(facts))


def test_lines_of_facts_that_are_not_held(facts: Facts) -> None:
    assert list(facts_to_jsonl(facts)) == [line_of(fact) for fact in facts]


def test_any_part_of_facts_that_are_not_held(facts: Facts) -> None:
    whole = tuple(facts.handshakes)
    for first in range(len(whole) + 1):
        for behind in (first, first + 1, first + 5, None):
            assert tuple(facts.handshakes[first:behind]) == whole[first:behind]
    assert tuple(facts.handshakes[:3][1:2]) == whole[1:2]
    assert tuple(facts.handshakes[::2]) == whole[::2]
    for place in range(-len(whole), len(whole)):
        assert facts.handshakes[place] == whole[place]
    for place in (len(whole), -len(whole) - 1):
        with pytest.raises(IndexError):
            facts.handshakes[place]
    assert tuple(reversed(facts.handshakes)) == whole[::-1]


@pytest.mark.parametrize("sent", [0, 1, 100, 10_000])
def test_a_process_that_is_killed(sent: int, facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had to write is written here, be it in the middle of a block."""

    def send(blocks: Sequence[Sequence[Fact]], there: BinaryIO) -> None:
        whole = BytesIO()
        began(blocks, whole)
        there.write(whole.getvalue()[:sent])
        there.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    began = writing._send
    monkeypatch.setattr(writing, "_send", send)
    assert written(facts, 3) == list(facts_to_jsonl(facts))


def test_a_process_whose_memory_runs_out(
    facts: Facts, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It ends without a traceback, and what it had to write is written here."""

    def send(blocks: Sequence[Sequence[Fact]], there: BinaryIO) -> None:
        raise MemoryError

    monkeypatch.setattr(writing, "_send", send)
    assert written(facts, 3) == list(facts_to_jsonl(facts))
    assert capfd.readouterr().err == ""


def test_no_more_processes_than_there_is_work_for(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    class Process(Child):
        def __init__(self, send: Callable[..., None], *args: object) -> None:
            super().__init__(send, *args)
            begun.append(1)

    monkeypatch.setattr(writing, "Child", Process)
    monkeypatch.setattr(writing, "LEAST_BLOCKS", 4)
    assert written(facts, 1000) == list(facts_to_jsonl(facts))
    blocks = sum(-(-len(kind) // 3) for kind in facts.kinds())
    assert len(begun) == blocks // 4 > 1


def test_few_facts_are_written_here(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BLOCK", 512)
    monkeypatch.setattr(writing, "LEAST_BLOCKS", 8)
    monkeypatch.setattr(writing, "Child", None)
    assert written(facts, 2) == list(facts_to_jsonl(facts))


def test_a_reader_that_goes_away_ends_the_processes(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []

    class Process(Child):
        def close(self) -> None:
            super().close()
            closed.append(1)

    monkeypatch.setattr(writing, "Child", Process)
    blocks = jsonl_blocks(facts, 3)
    next(blocks)
    blocks.close()
    assert closed == [1, 1]

"""TCP streams: how many are read at one time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ocsp_pcap.bounds import BOUNDS, sentences, take_reached
from ocsp_pcap.capture.batch import PADDING
from ocsp_pcap.decode.columns import ACK, TransportColumns
from ocsp_pcap.observe.tcp import TcpObserver
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.reassembly import SEGMENT_BYTES

BEGINNING = bytes.fromhex("16030100c8010000c40303") + bytes(40)
"""The first bytes of a ClientHello, the rest of which never comes."""


def columns(clients: range) -> TransportColumns:
    """One segment of each client, in frames numbered from the first client's number plus one."""
    count = len(clients)
    number = np.arange(clients.start, clients.stop)
    zeros = np.zeros(count, np.uint64)
    return TransportColumns(
        buffer=np.frombuffer(BEGINNING + bytes(PADDING), np.uint8),
        extra=b"",
        frame=number + 1,
        time=number * 1000,
        ip_version=np.full(count, 4, np.uint8),
        source_high=zeros,
        source_low=(0x0A000000 + number).astype(np.uint64),
        destination_high=zeros,
        destination_low=np.full(count, 0xC0A80001, np.uint64),
        source_port=np.full(count, 40000, np.uint16),
        destination_port=np.full(count, 443, np.uint16),
        sequence=np.ones(count, np.uint32),
        acknowledgment=np.ones(count, np.uint32),
        flags=np.full(count, ACK, np.uint8),
        payload_offset=np.zeros(count, np.int64),
        payload_length=np.full(count, len(BEGINNING), np.int64),
        payload_missing=np.zeros(count, np.int64),
        in_error=np.zeros(count, np.bool_),
        hop_limit=np.full(count, 64, np.uint8),
        window=np.full(count, 65535, np.uint16),
    )


@pytest.mark.reaches("all_waiting_bytes")
def test_of_too_many_bytes_that_wait_the_oldest_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 100 * len(BEGINNING)
    monkeypatch.setattr(BOUNDS, "all_waiting_bytes", most)
    take_reached()
    observer = TcpObserver(Shared())
    for start in range(0, 400, 40):
        observer.receive(columns(range(start, start + 40)))
        waiting = sum(stream.conversation.held for stream in observer.streams._streams.values())
        assert waiting == observer.streams._waiting <= most
    ended = {stream.number for stream in observer.streams.finished}
    assert ended == set(range(len(ended))), "those that were silent longest"
    (sentence,) = sentences(counts := take_reached())
    assert counts == {"all_waiting_bytes": len(ended)}
    assert "a bound of this program" in sentence
    assert f"at most {most:,} bytes of all connections that wait behind a hole" in sentence
    observer.finish()
    assert len(observer.streams.finished) == 400, "what they showed is not lost"
    assert observer.streams._waiting == 0


def test_bytes_behind_a_hole_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    observer = TcpObserver(Shared())
    observer.receive(columns(range(1)))
    ahead = columns(range(1))
    for times in range(1, 4):
        observer.receive(replace(ahead, sequence=np.full(1, 5000 + times * 100, np.uint32)))
    assert observer.streams._waiting == len(BEGINNING) + 3 * (len(BEGINNING) + SEGMENT_BYTES)
    monkeypatch.setattr(BOUNDS, "all_waiting_bytes", 200)
    observer.receive(columns(range(1, 2)))
    assert len(observer.streams.finished) == 1
    assert observer.streams.gaps, "what it waited for counts as missing"


@pytest.mark.reaches("unanswered_hellos")
def test_of_hellos_that_nothing_answers_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BOUNDS, "unanswered_hellos", 3)
    take_reached()
    observer = TcpObserver(Shared())
    observer.receive(columns(range(8)))
    observer.finish()
    assert len(observer.streams.finished) == 3
    (said,) = sentences(take_reached())
    assert "5 times" in said
    assert "--bound unanswered_hellos=N" in said


def test_of_too_many_streams_the_idle_ones_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BOUNDS, "open_streams", 100)
    take_reached()
    observer = TcpObserver(Shared())
    for start in range(0, 400, 40):
        observer.receive(columns(range(start, start + 40)))
        assert len(observer.streams._streams) <= 100
    ended = {stream.number for stream in observer.streams.finished}
    assert ended == set(range(len(ended))), "those that were silent longest"
    assert not take_reached(), "nothing came of them since"
    later = columns(range(10))
    observer.receive(replace(later, sequence=later.sequence + np.uint32(len(BEGINNING))))
    assert take_reached() == {"open_streams": 10}
    observer.finish()
    assert len(observer.streams.finished) == 400, "what they showed is not lost"


def test_samples_need_no_bound() -> None:
    from ocsp_pcap.api import read_facts

    facts = read_facts(sorted((Path(__file__).parents[3] / "samples").glob("direct/*.pcap")))
    assert not any("not followed" in note for capture in facts.captures for note in capture.notes)

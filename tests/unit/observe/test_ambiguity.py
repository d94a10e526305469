"""Packets that disagree about the same bytes: which a receiver took, and what is said of them.

The bytes in question are a ClientHello: one names taken.test, the other forged.test.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ocsp_pcap.api import read_facts
from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.facts import Facts
from tests.unit.observe.segments import CLIENT, SERVER, START, Wire, client_hello, opening, write_capture
from tests.unit.tls.wire import message, server_hello, tls_record

TAKEN, FORGED = client_hello("taken.test"), client_hello("foged.test")
SIZE = len(TAKEN)
ANSWER = bytes.fromhex("15030100020228")
"""A TLS alert: what the server says of the ClientHello."""


def test_both_hellos_are_of_one_length() -> None:
    assert len(FORGED) == SIZE


def hello(data: bytes = TAKEN, **fields: object) -> Wire:
    return replace(Wire(CLIENT, "PA", 0, data), **fields)  # type: ignore[arg-type]


def rest() -> list[Wire]:
    """What follows a ClientHello that was taken."""
    return [
        Wire(SERVER, "A", 0, heard=SIZE),
        Wire(SERVER, "PA", 0, ANSWER, heard=SIZE),
        Wire(CLIENT, "FA", SIZE, heard=len(ANSWER)),
        Wire(SERVER, "FA", len(ANSWER), heard=SIZE + 1),
        Wire(CLIENT, "A", SIZE + 1, heard=len(ANSWER) + 1),
    ]


def timestamp(value: int) -> bytes:
    return b"\x01\x01\x08\x0a" + value.to_bytes(4) + bytes(4)


COPIES: dict[str, tuple[list[Wire], str]] = {
    "the checksum is wrong": ([hello(FORGED, checksum="wrong"), hello()], "taken.test"),
    "the wrong checksum comes second": ([hello(), hello(FORGED, checksum="wrong")], "taken.test"),
    "the hop limit is too low": ([hello(FORGED, hop_limit=1), hello()], "taken.test"),
    "there is no ACK": ([hello(FORGED, flags="P", heard=None), hello()], "taken.test"),
    "it acknowledges what was never sent": ([hello(FORGED, heard=4000), hello()], "taken.test"),
    "it was acknowledged before the other came": (
        [hello(), Wire(SERVER, "A", 0, heard=SIZE), hello(FORGED)],
        "taken.test",
    ),
    "nothing tells: the first counts": ([hello(), hello(FORGED)], "taken.test"),
    "a part of it came alone": ([Wire(CLIENT, "A", 0, TAKEN[:100]), Wire(CLIENT, "PA", 60, FORGED[60:])], ""),
    "the forged one waited behind a hole": (
        [Wire(CLIENT, "PA", 100, FORGED[100:], checksum="wrong"), hello()],
        "taken.test",
    ),
}


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("kind", COPIES)
def test_the_copy_that_the_receiver_took_is_read(kind: str, version: int, tmp_path: Path) -> None:
    copies, name = COPIES[kind]
    wires = opening() + copies + rest()
    (handshake,) = read(tmp_path, wires, version=version).handshakes
    if name:
        assert handshake.sni == name
    first = 4
    frames = {first + number for number, wire in enumerate(copies) if wire.data}
    assert set(handshake.ambiguous) == frames
    assert handshake.stream == 0


def test_a_forged_copy_is_no_witness_of_how_checksums_look(tmp_path: Path) -> None:
    forged = Wire(CLIENT, "A", 67, FORGED[67:], checksum="wrong")
    taken = [Wire(CLIENT, "A", 0, TAKEN[:67]), Wire(CLIENT, "PA", 67, TAKEN[67:])]
    (handshake,) = read(tmp_path, [*opening(), forged, forged, *taken, *rest()]).handshakes
    assert handshake.sni == "taken.test"


def test_what_begins_on_disputed_bytes_is_ambiguous_though_the_message_before_never_ends(
    tmp_path: Path,
) -> None:
    record = tls_record(22, message(2, server_hello()))
    again = [Wire(CLIENT, "PA", SIZE, data, heard=len(record)) for data in (FORGED, TAKEN)]
    wires = [*opening(), hello(), Wire(SERVER, "PA", 0, record, heard=SIZE), *again]
    first, second = read(tmp_path, wires).handshakes
    assert (first.complete, second.sni) == (False, "foged.test")
    assert first.ambiguous == second.ambiguous == (6, 7)


def test_a_segment_far_ahead_is_not_the_first_of_a_direction_seen_alone(tmp_path: Path) -> None:
    """What an acknowledgment without data shows of the beginning; nothing of the other side is there."""
    wires = [Wire(CLIENT, "A", 0), Wire(CLIENT, "PA", 5_000_000, FORGED), hello(), Wire(CLIENT, "FA", SIZE)]
    (handshake,) = read(tmp_path, wires).handshakes
    assert handshake.sni == "taken.test"


def test_a_packet_whose_ip_header_is_damaged_was_not_taken(tmp_path: Path) -> None:
    wires = [*opening(), hello(FORGED, header_checksum=0x5A5A), hello(), *rest()]
    (handshake,) = read(tmp_path, wires).handshakes
    assert handshake.sni == "taken.test"


@pytest.mark.parametrize("kind", COPIES)
def test_copies_at_any_sequence_number(kind: str, tmp_path: Path) -> None:
    copies, name = COPIES[kind]
    start = ((1 << 32) - 150, (1 << 32) - 3)
    (handshake,) = read(tmp_path, opening() + copies + rest(), start=start).handshakes
    assert handshake.ambiguous
    if name:
        assert handshake.sni == name


def test_an_older_timestamp_is_dropped(tmp_path: Path) -> None:
    """RFC 7323 5.3."""
    wires = [replace(wire, options=timestamp(1000 + number)) for number, wire in enumerate(opening())]
    greeting = Wire(CLIENT, "PA", 0, TAKEN[:10], options=timestamp(1100))
    forged = Wire(CLIENT, "PA", 10, FORGED[10:], options=timestamp(5))
    wires += [greeting, forged, replace(forged, data=TAKEN[10:], options=timestamp(1101)), *rest()]
    (handshake,) = read(tmp_path, wires).handshakes
    assert handshake.sni == "taken.test"
    assert handshake.ambiguous == (5, 6)


def test_data_of_a_syn_that_was_not_acknowledged_with_it(tmp_path: Path) -> None:
    """RFC 7413 3: the server answers the SYN alone where the cookie does not fit."""
    wires = opening()
    wires[0] = replace(wires[0], data=FORGED)
    (handshake,) = read(tmp_path, [*wires, hello(), *rest()]).handshakes
    assert handshake.sni == "taken.test"
    assert handshake.ambiguous == (1, 4)


def test_data_of_a_syn_that_was_acknowledged_are_the_first_bytes(tmp_path: Path) -> None:
    wires = opening()
    wires[0] = replace(wires[0], data=TAKEN)
    wires[1] = replace(wires[1], heard=SIZE)
    wires[2] = replace(wires[2], position=SIZE)
    (handshake,) = read(tmp_path, [*wires, *rest()]).handshakes
    assert handshake.sni == "taken.test"
    assert not handshake.ambiguous


@pytest.mark.parametrize("checksum", ["wrong", "unfinished"])
def test_checksums_that_an_interface_makes_say_nothing(checksum: str, tmp_path: Path) -> None:
    """A capture of the sending host: none of its checksums is right, and the first copy counts."""
    wires = [
        replace(wire, checksum=checksum) if wire.direction == CLIENT else wire
        for wire in [*opening(), hello(), hello(FORGED), *rest()]
    ]
    wires[4] = replace(wires[4], checksum="right")
    (handshake,) = read(tmp_path, wires).handshakes
    assert handshake.sni == "taken.test"
    assert handshake.ambiguous == (4, 5)


@pytest.mark.parametrize("checksum", ["right", "wrong", "unfinished"])
def test_copies_that_agree_are_no_matter(checksum: str, tmp_path: Path) -> None:
    wires = [*opening(), hello(checksum=checksum), hello(), Wire(CLIENT, "A", 100, TAKEN[100:]), *rest()]
    facts = read(tmp_path, wires)
    assert facts.handshakes[0].sni == "taken.test"
    assert not facts.handshakes[0].ambiguous
    assert not facts.captures[0].ambiguous_streams


def test_a_keep_alive_may_carry_any_byte(tmp_path: Path) -> None:
    """RFC 9293 3.8.4."""
    probe = Wire(CLIENT, "A", SIZE - 1, b"\0", heard=len(ANSWER))
    wires = [*opening(), hello(), *rest()[:2], probe, *rest()[2:]]
    (handshake,) = read(tmp_path, wires).handshakes
    assert not handshake.ambiguous


def test_urgent_data_may_be_no_part_of_the_stream(tmp_path: Path) -> None:
    """RFC 6093 3: stacks differ."""
    wires = [*opening(), hello(flags="PAU", urgent=7), *rest()]
    (handshake,) = read(tmp_path, wires).handshakes
    assert handshake.sni == "taken.test"
    assert handshake.ambiguous == (4,)


STRAY: dict[str, Wire] = {
    "an RST far ahead": Wire(CLIENT, "R", 5_000_000, heard=None),
    "an RST far behind": Wire(CLIENT, "R", -2_000_000, heard=None),
    "an RST of the server far ahead": Wire(SERVER, "R", 1_000_000, heard=None),
    "a FIN far ahead": Wire(CLIENT, "FA", 5_000_000),
    "a FIN before what was sent": Wire(CLIENT, "FA", -500),
    "data far ahead": Wire(CLIENT, "PA", 3_000_000, FORGED),
    "data beyond any window": Wire(CLIENT, "PA", 1 << 25, FORGED),
}


@pytest.mark.parametrize("kind", STRAY)
def test_what_is_out_of_the_window_hides_nothing(kind: str, tmp_path: Path) -> None:
    wires = [*opening(), STRAY[kind], hello(), *rest()]
    facts = read(tmp_path, wires)
    (handshake,) = facts.handshakes
    assert handshake.sni == "taken.test"
    assert handshake.alerts, "what the server answered was read"
    assert not handshake.ambiguous
    assert not handshake.missing_bytes
    assert facts.captures[0].tcp_gaps == 0
    assert handshake.closed == "fin"


@pytest.mark.parametrize("ends", ["FA", "R"])
@pytest.mark.parametrize("at_once", [1, 2, 5, 100])
def test_an_rst_in_the_window_that_was_not_taken(
    at_once: int, ends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its receiver acknowledges afterwards, in whichever batch, shows that the connection goes on."""
    monkeypatch.setattr("ocsp_pcap.capture.reader.BATCH_ROWS", at_once)
    end = Wire(CLIENT, ends, SIZE, heard=None if ends == "R" else len(ANSWER))
    wires = [*opening(), Wire(CLIENT, "R", 0, heard=None, hop_limit=1), hello(), *rest()[:2], end]
    (handshake,) = read(tmp_path, wires).handshakes
    assert handshake.sni == "taken.test"
    assert handshake.alerts
    assert not handshake.ambiguous


def test_an_rst_after_which_nobody_acknowledges_leaves_it_open(tmp_path: Path) -> None:
    wires = [*opening(), Wire(CLIENT, "R", 0, heard=None), hello()]
    (handshake,) = read(tmp_path, wires).handshakes
    assert handshake.ambiguous == (4, 5)


def test_the_other_sides_acknowledgment_shows_what_is_missing_before_the_first_segment(
    tmp_path: Path,
) -> None:
    """A connection seen from the middle."""
    wires = [Wire(SERVER, "A", 77, heard=100), Wire(CLIENT, "PA", 700, TAKEN, heard=77)]
    facts = read(tmp_path, wires)
    (handshake,) = facts.handshakes
    assert handshake.sni == "taken.test"
    assert handshake.started_mid_stream
    assert facts.captures[0].tcp_gaps == 1


def test_a_keep_alive_in_the_middle_shows_nothing_missing(tmp_path: Path) -> None:
    wires = [Wire(CLIENT, "A", 699, b"", heard=77), Wire(CLIENT, "PA", 700, TAKEN, heard=77)]
    facts = read(tmp_path, wires)
    assert facts.handshakes[0].sni == "taken.test"
    assert facts.captures[0].tcp_gaps == 0


def test_disagreement_that_hides_what_is_spoken_is_told_of_the_capture(tmp_path: Path) -> None:
    noise = bytes(SIZE)
    facts = read(tmp_path, [*opening(), hello(noise), hello(), *rest()])
    assert not facts.handshakes
    (stream,) = facts.captures[0].ambiguous_streams
    assert (stream.stream, stream.frames) == (0, (4, 5))


@pytest.mark.reaches("rereadings")
def test_a_stream_is_read_again_only_so_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BOUNDS, "rereadings", 1)
    pieces = [(start, start + 50) for start in range(0, SIZE, 50)]
    wires = opening()
    for start, end in pieces:
        wires.append(Wire(CLIENT, "A", start, FORGED[start:end], checksum="wrong"))
        wires.append(Wire(CLIENT, "A", start, TAKEN[start:end]))
    facts = read(tmp_path, wires + rest())
    assert any("--bound rereadings=N" in note for note in facts.captures[0].notes)
    ambiguous = {frame for h in facts.handshakes for frame in h.ambiguous}
    ambiguous |= {frame for stream in facts.captures[0].ambiguous_streams for frame in stream.frames}
    assert ambiguous >= {4, 5}


def test_what_is_no_longer_compared_is_no_loss_where_nothing_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a connection without its beginning whose protocol is unknown no answer rests on its bytes."""
    monkeypatch.setattr(BOUNDS, "all_compared_bytes", 1)
    facts = read(tmp_path, [hello(bytes(SIZE))])
    assert not facts.captures[0].notes


@pytest.mark.reaches("all_compared_bytes")
def test_what_is_no_longer_compared_is_said_where_a_handshake_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BOUNDS, "all_compared_bytes", 1)
    facts = read(tmp_path, [hello()])
    assert facts.handshakes
    assert any("--bound all_compared_bytes=N" in note for note in facts.captures[0].notes)


def test_every_piece_forged_once(tmp_path: Path) -> None:
    wires = opening()
    for start in range(0, SIZE, 80):
        wires.append(Wire(CLIENT, "A", start, FORGED[start : start + 80], checksum="wrong"))
        wires.append(Wire(CLIENT, "A", start, TAKEN[start : start + 80]))
    (handshake,) = read(tmp_path, wires + rest()).handshakes
    assert handshake.sni == "taken.test"


REMARKS = {
    "the checksum is wrong": "Bad checksum",
    "nothing tells: the first counts": "retransmission",
    "the hop limit is too low": "Time To Live",
    "an RST far ahead": "Connection reset",
}


@pytest.mark.parametrize("kind", REMARKS)
def test_wireshark_remarks_on_these_captures(kind: str, tmp_path: Path) -> None:
    """The captures are what they are meant to be: a second witness sees the same packets."""
    copies = COPIES[kind][0] if kind in COPIES else [STRAY[kind], hello()]
    capture = write_capture(tmp_path / "a.pcap", opening() + copies + rest())
    command = ["tshark", "-n", "-r", str(capture), "-o", "tcp.check_checksum:TRUE", "-T", "fields"]
    fields = ["-e", "frame.number", "-e", "_ws.expert.message"]
    done = subprocess.run([*command, *fields], capture_output=True, text=True, check=True)
    remarked = {int(line.split("\t")[0]) for line in done.stdout.splitlines() if REMARKS[kind] in line}
    assert remarked & {4, 5}
    # No other checksum is wrong.
    assert sum("Bad checksum" in line for line in done.stdout.splitlines()) == (
        kind == "the checksum is wrong"
    )


def read(folder: Path, wires: list[Wire], *, start: tuple[int, int] = START, version: int = 4) -> Facts:
    return read_facts([write_capture(folder / "a.pcap", wires, start=start, version=version)])


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_a_syn_that_comes_late_is_no_opening(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is forged, or sent again: what was said before it is not known, and order proves nothing."""
    monkeypatch.setattr("ocsp_pcap.capture.reader.BATCH_ROWS", at_once)
    syn = Wire(CLIENT, "S", -1, heard=None)
    (handshake,) = read(tmp_path, [*opening()[2:], hello(), *rest()[:2], syn, *rest()[2:]]).handshakes
    assert handshake.started_mid_stream
    assert handshake.sni == "taken.test"
    assert handshake.alerts

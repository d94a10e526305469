"""Data, FIN and RST outside the window that was advertised are nothing to it (RFC 9293 3.10.7.4)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ocsp_pcap.facts import Facts
from tests.unit.observe.segments import CLIENT, SERVER, Wire, opening
from tests.unit.observe.test_ambiguity import ANSWER, FORGED, SIZE, TAKEN, hello, read, rest

SCALE_7 = b"\x03\x03\x07"
SMALL = 2000


def narrow(wires: list[Wire], window: int = SMALL) -> list[Wire]:
    return [replace(wire, window=window) for wire in wires]


def taken(facts: Facts) -> None:
    (handshake,) = facts.handshakes
    assert handshake.sni == "taken.test"
    assert handshake.alerts, "what the server answered was read"
    assert not handshake.missing_bytes
    assert facts.captures[0].tcp_gaps == 0


BEYOND: dict[str, Wire] = {
    "an RST": Wire(CLIENT, "R", SMALL + 1, heard=None),
    "an RST of the server": Wire(SERVER, "R", SMALL + 1, heard=None),
    "a FIN": Wire(CLIENT, "FA", SMALL + 1),
    "data": Wire(CLIENT, "PA", SMALL + 1, FORGED),
    "data with a FIN": Wire(CLIENT, "FPA", SMALL + 1, FORGED),
}


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("start", [(1000, 5000), ((1 << 32) - 150, (1 << 32) - 3)], ids=["low", "wraps"])
@pytest.mark.parametrize("kind", BEYOND)
def test_what_lies_beyond_a_small_window_hides_nothing(
    kind: str, start: tuple[int, int], version: int, tmp_path: Path
) -> None:
    """Two kilobytes and a byte ahead: near, and yet outside."""
    wires = narrow([*opening(), BEYOND[kind], hello(), *rest()])
    facts = read(tmp_path, wires, start=start, version=version)
    taken(facts)
    assert not facts.handshakes[0].ambiguous
    assert facts.handshakes[0].closed == "fin"


def test_a_copy_beyond_the_window_was_not_taken(tmp_path: Path) -> None:
    """The forged end of the hello comes before the window reaches it; then the real one is sent."""
    wires = narrow(opening(), 100)
    wires.append(Wire(CLIENT, "PA", 150, FORGED[150:]))
    for start in range(0, SIZE, 50):
        wires.append(Wire(CLIENT, "PA", start, TAKEN[start : start + 50]))
        wires.append(Wire(SERVER, "A", 0, heard=min(start + 50, SIZE), window=100))
    facts = read(tmp_path, wires + rest()[1:])
    taken(facts)
    assert 4 in facts.handshakes[0].ambiguous


@pytest.mark.parametrize("flag", ["R", "RA"])
def test_an_rst_behind_what_was_acknowledged_is_dropped(flag: str, tmp_path: Path) -> None:
    """It is inside the window that was, and no longer in the one that is."""
    stray = Wire(CLIENT, flag, SIZE - 1, heard=None if flag == "R" else 0)
    wires = [*opening(), hello(), rest()[0], stray, *rest()[1:]]
    facts = read(tmp_path, wires)
    taken(facts)
    assert facts.handshakes[0].closed == "fin"


def test_an_rst_with_the_next_number_ends_it(tmp_path: Path) -> None:
    wires = [*opening(), hello(), rest()[0], Wire(SERVER, "R", 0, heard=None)]
    (handshake,) = read(tmp_path, wires).handshakes
    assert handshake.closed == "rst"
    assert handshake.closed_by == "server"


@pytest.mark.parametrize("scale", [b"", SCALE_7], ids=["no scale", "scale of 7"])
def test_a_window_is_as_wide_as_its_scale_makes_it(scale: bytes, tmp_path: Path) -> None:
    """An RST 100,000 ahead is in a window of 2,000 times 128, and none of a window of 2,000."""
    wires = narrow([*opening(scale=scale), Wire(SERVER, "A", 0), Wire(CLIENT, "R", 100_000, heard=None)])
    (handshake,) = read(tmp_path, [*wires, hello()]).handshakes
    assert handshake.closed == ("rst" if scale else None)


def test_the_window_of_a_syn_has_no_scale(tmp_path: Path) -> None:
    """RFC 7323 2.2."""
    wires = narrow([*opening(scale=SCALE_7), Wire(CLIENT, "R", 100_000, heard=None), hello(), *rest()])
    (handshake,) = read(tmp_path, wires).handshakes
    assert handshake.closed == "fin"


def test_where_the_syn_is_not_in_the_capture_a_fixed_distance_holds(tmp_path: Path) -> None:
    wires = narrow([Wire(SERVER, "A", 0), hello(), Wire(CLIENT, "R", SIZE + 60_000, heard=None)])
    (handshake,) = read(tmp_path, wires).handshakes
    assert handshake.closed == "rst"
    wires[-1] = replace(wires[-1], position=SIZE + 70_000)
    (handshake,) = read(tmp_path, wires).handshakes
    assert handshake.closed is None


def test_an_rst_in_the_window_after_which_all_goes_on_was_challenged(tmp_path: Path) -> None:
    """RFC 5961 3.2: its receiver acknowledges, and the sender, who sent no RST, sends more."""
    challenge = Wire(SERVER, "A", 0)
    wires = [*opening(), Wire(CLIENT, "R", 300, heard=None), challenge, hello(), *rest()]
    facts = read(tmp_path, wires)
    taken(facts)
    assert len(ANSWER) == 7


def test_an_rst_behind_a_fin_shows_nothing_missing(tmp_path: Path) -> None:
    """A FIN takes a number: what its sender resets afterwards stands one further."""
    last = Wire(CLIENT, "A", SIZE, heard=len(ANSWER) + 1)
    end = [Wire(SERVER, "FA", len(ANSWER), heard=SIZE), last, Wire(SERVER, "R", len(ANSWER) + 1, heard=None)]
    taken(read(tmp_path, [*opening(), hello(), *rest()[:2], *end]))


FORGED_LATE = [
    Wire(SERVER, "SA", -1, heard=0),
    Wire(SERVER, "SA", -1, heard=0, options=b"\x03\x03\x0e"),
    Wire(CLIENT, "S", -1, heard=None),
]


@pytest.mark.parametrize("late", FORGED_LATE, ids=["no scale", "a scale of 14", "a SYN"])
@pytest.mark.parametrize("cut", [0, 1], ids=["whole", "from the middle"])
@pytest.mark.parametrize("at_once", [1, 2, 3, 5, 100])
def test_a_late_syn_scales_no_window(
    at_once: int, cut: int, late: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither those that came before it, with whatever packets it is read, nor those that come after."""
    monkeypatch.setattr("ocsp_pcap.capture.reader.BATCH_ROWS", at_once)
    wires = [*opening(scale=SCALE_7), hello(), *rest()[:2]]
    heard = Wire(SERVER, "A", len(ANSWER), heard=SIZE, window=SMALL)
    if cut:
        del wires[:2]
    for place, expected in ((100_000, None if cut else "rst"), (300_000, None)):
        reset = Wire(CLIENT, "R", SIZE + place, heard=None)
        for ends in ([heard, reset, late], [late, heard, reset]):
            (handshake,) = read(tmp_path, wires + ends).handshakes
            assert handshake.closed == expected

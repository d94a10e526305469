"""Segments that disagree, read here and by a receiver that is too simple to be wrong."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.observe.receiver_model import Receiver
from tests.unit.observe.segments import CLIENT, SERVER, Wire, opening
from tests.unit.observe.test_ambiguity import ANSWER, SIZE, TAKEN, read

FORGED = TAKEN.replace(b"taken.test", b"forge.test")
NAME = TAKEN.index(b"taken.test")
WINDOW = 65535

FORGERIES = {
    "wrong checksum": lambda wire: replace(wire, checksum="wrong"),
    "no ACK": lambda wire: replace(wire, flags="P", heard=None),
    "acknowledges what was never sent": lambda wire: replace(wire, heard=4000),
    "taken": lambda wire: wire,
}


@st.composite
def segments(draw: st.DrawFn) -> list[Wire]:
    """Draw pieces of the hello in some order, some sent again, and forged copies among them."""
    cuts = draw(st.sets(st.integers(1, SIZE - 1), max_size=6))
    edges = sorted({0, SIZE, *cuts})
    wires = [Wire(CLIENT, "A", low, TAKEN[low:high]) for low, high in itertools.pairwise(edges)]
    for low, high in draw(st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(1, SIZE)), max_size=2)):
        if low < high:
            wires.append(Wire(CLIENT, "A", low, TAKEN[low:high]))
    if draw(st.booleans()):
        wires = draw(st.permutations(wires))
    for _ in range(draw(st.integers(0, 3))):
        low = draw(st.integers(max(NAME - 60, 0), NAME))
        high = draw(st.integers(NAME + 10, SIZE))
        forged = FORGERIES[draw(st.sampled_from(sorted(FORGERIES)))](Wire(CLIENT, "A", low, FORGED[low:high]))
        wires.insert(draw(st.integers(0, len(wires))), forged)
    return wires


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(segments(), st.sampled_from([(1000, 5000), ((1 << 32) - 100, (1 << 32) - 3)]), st.booleans())
def test_the_name_that_is_read_is_the_one_that_the_receiver_got(
    wires: list[Wire], start: tuple[int, int], acknowledges: bool
) -> None:
    """Where nothing tells two copies apart the first one counts, and both are named in any case."""
    receiver = Receiver(WINDOW)
    sent: list[Wire] = []
    for wire in wires:
        sent.append(wire)
        before = receiver.next
        receiver.receive(wire)
        if acknowledges and receiver.next > before:
            sent.append(Wire(SERVER, "A", 0, heard=receiver.next))
    assert receiver.next == SIZE, "every piece was sent"
    sent.append(Wire(SERVER, "PA", 0, ANSWER, heard=SIZE))
    with tempfile.TemporaryDirectory() as folder:
        facts = read(Path(folder), [*opening(), *sent], start=start)
    (handshake,) = facts.handshakes
    expected = receiver.stream()[NAME : NAME + 10].decode()
    forged = {
        frame
        for frame, wire in enumerate(sent, 4)
        if wire.direction == CLIENT and wire.data != TAKEN[wire.position : wire.position + len(wire.data)]
    }
    if handshake.sni != expected:
        # Only where copies that the receiver would both take differ, and it is said.
        assert forged & set(handshake.ambiguous)
        assert any(receiver_would_take(wire) for wire in sent if wire.direction == CLIENT and is_forged(wire))
    if not forged:
        assert not handshake.ambiguous
    assert set(handshake.ambiguous) <= set(range(4, 4 + len(sent)))


def is_forged(wire: Wire) -> bool:
    return wire.data != TAKEN[wire.position : wire.position + len(wire.data)]


def receiver_would_take(wire: Wire) -> bool:
    return Receiver(WINDOW).takes(wire)

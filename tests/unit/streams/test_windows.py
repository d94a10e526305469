"""Windows as they are advertised, and what lies outside them."""

from __future__ import annotations

import numpy as np
import pytest

from ocsp_pcap.decode import Decoder
from ocsp_pcap.decode.columns import SYN
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.joining import MatchError
from ocsp_pcap.streams.windows import (
    IN_SYN,
    MODULUS,
    NOT_OFFERED,
    OFFERED,
    UNSEEN,
    Heard,
    all_scaled,
    last_before,
    scaled,
    scales,
)
from tests.unit.decode.wire import batch_of
from tests.unit.observe.segments import CLIENT, SERVER, Wire, opening, packet
from tests.unit.streams.test_flows import OPENING, columns_of

OPTIONS = {
    b"": NOT_OFFERED,
    b"\x03\x03\x00": OFFERED,
    b"\x03\x03\x07": OFFERED + 7,
    b"\x02\x04\x05\xb4\x01\x03\x03\x08\x01\x01\x04\x02": OFFERED + 8,
    b"\x03\x03\xff": OFFERED + 14,
    b"\x00\x03\x03\x07": NOT_OFFERED,
    b"\x08\x0a" + bytes(8) + b"\x03\x03\x05": OFFERED + 5,
    b"\x05\x00\x03\x03": NOT_OFFERED,
    b"\x03\x04\x07\x07": NOT_OFFERED,
}


@pytest.mark.parametrize("version", [4, 6])
def test_the_scale_of_a_syn(version: int) -> None:
    frames = [packet(Wire(CLIENT, "S", -1, heard=None, options=o), version=version) for o in OPTIONS]
    columns = Decoder().decode(batch_of(frames, link_type=1)).tcp
    assert (columns.flags == SYN).all()
    assert scales(columns, np.arange(len(columns))).tolist() == list(OPTIONS.values())
    assert columns.window.tolist() == [65535] * len(OPTIONS)


SCALED = [
    (1000, OFFERED + 7, OFFERED, 128_000),
    (1000, OFFERED + 7, NOT_OFFERED, 1000),
    (1000, NOT_OFFERED, OFFERED + 7, 1000),
    (1000, OFFERED + 7, UNSEEN, 128_000),
    (1000, UNSEEN, OFFERED + 7, None),
    (1000 + IN_SYN, OFFERED + 7, OFFERED + 7, 1000),
]


@pytest.mark.parametrize(("window", "own", "other", "expected"), SCALED)
def test_a_shift_counts_where_both_offer_one(window: int, own: int, other: int, expected: int | None) -> None:
    assert scaled(window, own, other) == expected
    many = all_scaled(np.array([window]), np.array([own]), np.array([other]), np.array([77]))
    assert many.tolist() == [77 if expected is None else expected]


def test_what_is_outside() -> None:
    heard = Heard(MODULUS - 10, 100)
    assert not heard.outside(MODULUS - 10, 0)
    assert not heard.outside(90, 0)
    assert heard.outside(91, 0)
    assert heard.outside(MODULUS - 11, 0)
    assert not heard.outside(MODULUS - 11, 0, behind=1)
    assert not Heard(5, None).outside(1005, 1000)
    assert Heard(5, None).outside(1006, 1000)


def test_the_last_one_before() -> None:
    keys = np.array([1001, 1005, 3002])
    assert last_before(keys, np.array([1000, 1003, 1006, 2009, 3000, 3009]), 1000).tolist() == [
        -1,
        0,
        1,
        -1,
        -1,
        2,
    ]
    assert last_before(keys[:0], np.array([5]), 1000).tolist() == [-1]


@pytest.mark.parametrize("batches", [1, 2, 5])
@pytest.mark.parametrize(
    ("sequence", "taken"), [(100, False), (151, True), (101, False), (65_687, True), (65_688, False)]
)
def test_an_rst_is_measured_by_what_was_acknowledged_before_it(
    sequence: int, taken: bool, batches: int
) -> None:
    """Whatever batch that stands in, and whatever is acknowledged after it; the window is not known."""
    segments = [*OPENING, ("b>a", "A", 501, 151), ("a>b", "R", sequence, 0), ("b>a", "A", 501, 70_000)]
    table, frame = FlowTable(), 1
    for part in np.array_split(np.arange(len(segments)), batches):
        table.assign(columns_of([segments[row] for row in part], first_frame=frame))
        frame += len(part)
    assert (table.flow(0).reset_frame == 5) == taken


@pytest.mark.parametrize("opened", [True, False], ids=["opened", "from the middle"])
@pytest.mark.parametrize("scale", [b"", b"\x03\x03\x07"], ids=["other", "same"])
def test_the_table_of_a_later_file_took_a_scale_that_was_settled(scale: bytes, opened: bool) -> None:
    """A file that begins with a late SYN/ACK is read again in order, unless that changes nothing."""
    earlier, later = FlowTable(), FlowTable()
    wires = opening(scale=b"\x03\x03\x07")[0 if opened else 2 :]
    for table, some in ((earlier, wires), (later, [Wire(SERVER, "SA", -1, options=scale)])):
        table.assign(Decoder().decode(batch_of([packet(wire) for wire in some], link_type=1)).tcp)
    if opened and scale:
        assert earlier.match(later).earlier.tolist() == [0]
    else:
        with pytest.raises(MatchError, match="offers"):
            earlier.match(later)

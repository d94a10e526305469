"""Shapes: what is worked out once, and how much of it is kept."""

from __future__ import annotations

import gc

import pytest

from ocsp_pcap.tls import shapes
from ocsp_pcap.tls.handshake import CLIENT_HELLO, CLIENT_KEY_EXCHANGE, SERVER_HELLO
from ocsp_pcap.tls.opaque import TELLING_SIZES
from ocsp_pcap.tls.shapes import (
    CHANGE,
    DATA,
    MESSAGES,
    OTHER_ALERT,
    OTHER_DATA,
    PROTECTED,
    NotPlainError,
    Shape,
    Shapes,
    alert_symbol,
)

CLIENT = 1
HELLO = MESSAGES[CLIENT_HELLO] | CLIENT


def behind(shape: Shape, *symbols: int) -> Shape:
    for symbol in symbols:
        shape = shape[symbol]
    return shape


def test_every_state_is_made_once() -> None:
    known = Shapes()
    assert behind(known.first, HELLO, CHANGE | CLIENT) is behind(known.first, HELLO, CHANGE | CLIENT)
    assert known.first[HELLO] != known.first[HELLO][HELLO]


def test_symbols_are_told_apart() -> None:
    symbols = [CHANGE, PROTECTED, OTHER_ALERT, OTHER_DATA, *DATA.values(), *MESSAGES]
    symbols += [alert_symbol(level, description) for level in range(256) for description in range(256)]
    assert len(set(symbols)) == len(symbols)
    assert not any(symbol & CLIENT for symbol in symbols)
    assert {45, 53, 61, 69, 11, 19} == TELLING_SIZES == DATA.keys()


@pytest.mark.parametrize(
    "symbols",
    [
        [MESSAGES[SERVER_HELLO]],
        [MESSAGES[CLIENT_HELLO]],
        [HELLO, PROTECTED | CLIENT],
        [HELLO, MESSAGES[SERVER_HELLO] | CLIENT],
        [HELLO, MESSAGES[CLIENT_KEY_EXCHANGE]],
        [HELLO, MESSAGES[7]],
        [HELLO, MESSAGES[8]],
        [HELLO, MESSAGES[25]],
        [HELLO, *[CHANGE | CLIENT] * shapes.LONGEST],
    ],
)
def test_what_is_not_plain_is_no_state(symbols: list[int]) -> None:
    with pytest.raises(NotPlainError):
        behind(Shapes().first, *symbols)


def test_the_tree_is_begun_anew_where_it_grows_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MOST_SHAPES", 5)
    known = Shapes()
    for description in range(100):
        first = known.first
        shape = behind(first, HELLO, alert_symbol(1, description))
        assert [number for number, _ in shape.told()] == [1, 2]
        assert sum(len(each) for each in (first, *first.values())) <= 5
    assert len(known.first) <= 1


def test_what_the_tree_forgets_is_gone_without_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MOST_SHAPES", 50)
    known = Shapes()
    before = alive()
    gc.disable()
    try:
        for description in range(200):
            behind(known.first, HELLO, *[alert_symbol(description, number) for number in range(9)])
        assert alive() - before < 60
    finally:
        gc.enable()


def alive() -> int:
    """Count the shapes that there are."""
    return sum(type(each) is Shape for each in gc.get_objects())

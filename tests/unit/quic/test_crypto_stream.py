from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.quic.crypto_stream import CryptoStream

TEXT = bytes(range(256)) * 3


@given(st.data())
def test_any_order_and_overlap_gives_every_byte_once(data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(TEXT) - 1), max_size=12)) | {0, len(TEXT)})
    pieces = [
        (start, min(len(TEXT), end + data.draw(st.integers(0, 40))))
        for start, end in itertools.pairwise(cuts)
    ]
    pieces += data.draw(st.lists(st.sampled_from(pieces), max_size=4))
    stream = CryptoStream()
    received = [stream.receive(start, TEXT[start:end]) for start, end in data.draw(st.permutations(pieces))]
    assert b"".join(received) == TEXT
    assert stream.missing == 0
    assert not stream.overflowed


def test_what_is_missing_is_told() -> None:
    stream = CryptoStream()
    assert stream.receive(0, b"ab") == b"ab"
    assert stream.receive(5, b"fg") == b""
    assert stream.missing == 3
    assert stream.receive(2, b"cde") == b"cdefg"
    assert stream.missing == 0


@pytest.mark.reaches("quic_crypto_waiting")
def test_the_bytes_kept_are_bounded() -> None:
    stream = CryptoStream()
    for index in range(1000):
        stream.receive(1 + index * 1001, bytes(1000))
    assert stream.overflowed
    assert stream._buffered <= BOUNDS.quic_crypto_waiting


@pytest.mark.reaches("quic_crypto_pieces")
def test_the_pieces_kept_are_bounded() -> None:
    stream = CryptoStream()
    for index in range(BOUNDS.quic_crypto_pieces + 5):
        stream.receive(1 + 2 * index, b"x")
    assert stream.overflowed
    assert len(stream._pieces) == BOUNDS.quic_crypto_pieces


@pytest.mark.reaches("quic_crypto_bytes")
def test_the_length_of_a_stream_is_bounded() -> None:
    stream = CryptoStream()
    for start in range(0, BOUNDS.quic_crypto_bytes, 1 << 14):
        assert stream.receive(start, bytes(1 << 14))
    assert stream.receive(BOUNDS.quic_crypto_bytes, b"x") == b""
    assert stream.overflowed


def test_empty_frames_change_nothing() -> None:
    stream = CryptoStream()
    assert stream.receive(0, b"") == b""
    assert stream.receive(9, b"") == b""
    assert stream.missing == 0

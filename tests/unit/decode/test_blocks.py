"""Blocks of rows and their merging."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from ocsp_pcap.decode.blocks import Block, block_of, merge

from .wire import batch_of

NAMES = [field.name for field in fields(Block)]


def _row(row: int, port: int) -> tuple[int, ...]:
    values = dict.fromkeys(NAMES, 0) | {"row": row, "source_port": port}
    return tuple(values.values())


def test_rows_of_one_frame_keep_the_order_of_the_blocks() -> None:
    first = block_of([_row(0, 10), _row(2, 11)])
    second = block_of([_row(0, 20), _row(1, 21), _row(2, 22)])
    merged = merge(batch_of([b""] * 3, first_frame=5), [first, second], b"extra")
    assert merged.frame.tolist() == [5, 5, 6, 7, 7]
    assert merged.source_port.tolist() == [10, 20, 21, 11, 22]
    assert merged.extra == b"extra"


def test_columns_have_their_types_however_many_rows() -> None:
    batch = batch_of([b""] * 2)
    for blocks in (
        [],
        [block_of([])],
        [block_of([_row(1, 65535)])],
        [block_of([_row(1, 1)]), block_of([_row(0, 2)])],
    ):
        merged = merge(batch, blocks, b"")
        assert merged.source_port.dtype == np.uint16
        assert merged.source_low.dtype == np.uint64
        assert merged.in_error.dtype == np.bool_

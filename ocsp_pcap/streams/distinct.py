"""Distinct values of arrays, and values among others.

``np.unique``, and ``np.isin`` with it, would load numpy.ma, which takes longer than a small capture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]
_SIXTEEN_BITS = 0xFFFF


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """Return each value once, in ascending order."""
    ordered = np.sort(values)
    return ordered[_changes(ordered)]


def order_of(values: NDArray[Any]) -> Indices:
    """Return the order that sorts numbers, equal ones as they stand; fast where they lie close together."""
    if len(values):
        least = values.min()
        if values.max() - least <= _SIXTEEN_BITS:
            # Only numbers of 16 bits are sorted by their digits.
            values = (values - least).astype(np.uint16)
    return np.argsort(values, kind="stable")


def first_of_each(values: NDArray[Any]) -> Indices:
    """Return where each distinct value first stands, in ascending order of the values."""
    order = order_of(values)
    first: Indices = order[_changes(values[order])]
    return first


def last_of_each(values: NDArray[Any], size: int) -> Indices:
    """Return where each of some numbers below ``size`` last stands, in ascending order of the places."""
    places = np.arange(len(values))
    # Those that are not among the values are never looked at.
    last = np.empty(size, np.intp)
    last[values] = places
    return np.flatnonzero(last[values] == places)


def marked(values: NDArray[Any], wanted: NDArray[Any], size: int) -> NDArray[np.bool_]:
    """Say for each value whether it is one of those wanted, all of which are from 0 on and below ``size``."""
    marks = np.zeros(size, np.bool_)
    marks[wanted] = True
    found: NDArray[np.bool_] = marks[values]
    return found


def among(values: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.bool_]:
    """Say for each value whether it is one of those wanted."""
    if not len(wanted):
        return np.zeros(len(values), np.bool_)
    ordered = np.sort(wanted)
    nearest = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)]
    found: NDArray[np.bool_] = nearest == values
    return found


def run_starts(columns: Sequence[NDArray[Any]]) -> Indices:
    """Return where rows of some columns differ from the row before; the first one does."""
    changes = np.logical_or.reduce([_changes(column) for column in columns])
    return np.flatnonzero(changes)


def _changes(ordered: NDArray[Any]) -> NDArray[np.bool_]:
    """Say for each element whether it differs from the one before; the first one does."""
    changes = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=changes[1:])
    return changes

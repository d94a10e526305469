"""Distinct values of arrays, and values among others.

``np.unique``, and ``np.isin`` with it, would load numpy.ma, which takes longer than a small capture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """Return each value once, in ascending order."""
    ordered = np.sort(values)
    return ordered[_changes(ordered)]


def first_of_each(values: NDArray[Any]) -> Indices:
    """Return where each distinct value first stands, in ascending order of the values."""
    order = np.argsort(values, kind="stable")
    first: Indices = order[_changes(values[order])]
    return first


def groups(values: NDArray[Any]) -> tuple[Indices, Indices]:
    """Return :func:`first_of_each`, and for each element the position of its value in that."""
    order = np.argsort(values, kind="stable")
    changes = _changes(values[order])
    group = np.empty(len(values), np.intp)
    group[order] = np.cumsum(changes) - 1
    return order[changes], group


def among(values: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.bool_]:
    """Say for each value whether it is one of those wanted."""
    if not len(wanted):
        return np.zeros(len(values), np.bool_)
    ordered = np.sort(wanted)
    nearest = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)]
    found: NDArray[np.bool_] = nearest == values
    return found


def _changes(ordered: NDArray[Any]) -> NDArray[np.bool_]:
    """Say for each element whether it differs from the one before; the first one does."""
    changes = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=changes[1:])
    return changes

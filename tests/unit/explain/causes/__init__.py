"""A test module a cause. What other tests have to know of a cause that they do not list stands there, too.

``STORIES``: stories in which it is confirmed (:mod:`tests.unit.explain.doubt_stories`).
``WITHOUT_SAMPLE``: why no sample shows it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def of_cause(code: str, name: str) -> Any:
    """Return what the test module of a cause says under a name; None: nothing."""
    module = f"{__name__}.test_{code.replace('-', '_')}"
    return getattr(import_module(module), name, None) if find_spec(module) is not None else None


def without_sample(code: str) -> str | None:
    """Return why no sample shows a cause, where its test module says so."""
    reason: str | None = of_cause(code, "WITHOUT_SAMPLE")
    return reason

"""Where captures lie that are not part of the project, what is skipped without them, and names of tests.

The corpus (617 real captures with what tshark saw in them) and the cases (captures that bring out wrong
answers, with what must be said of them) lie beside the project and are never copied into it, nor is what a
real ProxySG says of itself. A test that needs one of them carries the marker ``corpus``, ``cases`` or
``sysinfo``; where it is absent the test is skipped, and says where it was looked for.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from ocsp_pcap import bounds

# A machine that is busy with something else is slow, and nothing is wrong with the program. What CI says of a
# commit holds each time it is asked; new examples are looked for at the desk.
settings.register_profile("untimed", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("untimed")

PROJECT: Final = Path(__file__).resolve().parents[1]
SAMPLES: Final = PROJECT / "samples"
CORPUS: Final = Path(os.environ.get("OCSP_PCAP_CORPUS") or PROJECT.parent / "shared" / "corpus")
CORPUS_TABLE: Final = CORPUS / "truth.jsonl"
"""What tshark saw, one JSON object a capture."""
CASES: Final = Path(os.environ.get("OCSP_PCAP_CASES") or PROJECT.parent / "shared" / "cases")
CASES_TABLE: Final = CASES / "cases.json"
SYSINFO: Final = Path(
    os.environ.get("OCSP_PCAP_SYSINFO") or PROJECT.parent / "shared" / "site" / "sgos-5.3-sysinfo.txt"
)
"""What a real ProxySG says of itself."""
NO_CORPUS: Final = "the corpus of real captures is not here (OCSP_PCAP_CORPUS, or ../shared/corpus)"
NO_CASES: Final = "the cases are not here (OCSP_PCAP_CASES, or ../shared/cases)"
NO_SYSINFO: Final = "no sysinfo is here (OCSP_PCAP_SYSINFO, or ../shared/site/sgos-5.3-sysinfo.txt)"
BESIDE: Final = {
    "corpus": (CORPUS_TABLE, NO_CORPUS),
    "cases": (CASES_TABLE, NO_CASES),
    "sysinfo": (SYSINFO, NO_SYSINFO),
}
"""What a test with this marker needs, and what is said where it is absent."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs captures that are not here."""
    for marker, (table, reason) in BESIDE.items():
        if item.get_closest_marker(marker) and not table.is_file():
            pytest.skip(reason)


class Recorded(Counter[str]):
    """Counts of reached bounds that do not forget which they were."""

    def __init__(self) -> None:
        super().__init__()
        self.ever: set[str] = set()

    def __setitem__(self, name: str, count: int) -> None:
        self.ever.add(name)
        super().__setitem__(name, count)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Have a test reach the bounds that its marker names, and leave all bounds as they were before it."""
    marker = item.get_closest_marker("reaches")
    if marker is None:
        return (yield)
    adjusted = bounds.adjusted()
    recorded = bounds._reached = Recorded()
    try:
        result = yield
    finally:
        bounds.set_to(adjusted)
        bounds._reached = Counter()
    missed = set(marker.args) - recorded.ever
    assert not missed, f"these bounds were not reached, or nothing says so: {sorted(missed)}"
    return result


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument where they would not be read anyway.

    Fresh keys and the times in gzip headers differ between two processes, and pytest-xdist distributes
    tests by their names.
    """
    if isinstance(val, bytes) and not (len(val) <= 24 and val.isascii() and val.decode().isprintable()):
        return argname
    return None

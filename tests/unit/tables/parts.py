"""Facts of every shape, made from the plan of the tables, and samples to take real ones from."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ocsp_pcap.api import read_facts
from ocsp_pcap.facts import CaptureFact, CertificateFact, Facts
from ocsp_pcap.facts.model import collected
from ocsp_pcap.facts.plan import (
    KINDS,
    Integer,
    Listing,
    Moment,
    Pairs,
    Shape,
    Structure,
    Text,
    Truth,
    plan_of,
)
from ocsp_pcap.tables.merge import better

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
SECOND = 10**9
FIRST = -62_135_596_800 * SECOND
LAST = 253_402_300_800 * SECOND - 1
# All that Python calls a string: names of files may hold lone surrogates.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(
    ["\udc80", "\ufdd0dc80", ""]
)


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Values of a shape."""
    match shape:
        case Text(choices):
            return st.sampled_from(choices) if choices else TEXTS
        case Integer():
            return st.integers(-(2**63), 2**63 - 1)
        case Truth():
            return st.booleans()
        case Moment(stated):
            return (
                st.integers(FIRST, LAST)
                if not stated
                else st.integers(-62_135_596_800, 253_402_300_799).map(lambda seconds: seconds * SECOND)
            )
        case Listing(element):
            return st.lists(values(element), max_size=3).map(tuple)
        case Pairs():
            return st.dictionaries(TEXTS, TEXTS, max_size=3).map(lambda pairs: tuple(pairs.items()))
        case Structure():
            return objects(shape)


def objects(record: Structure) -> st.SearchStrategy[Any]:
    """Objects of a class; what may be None sometimes is."""
    return st.builds(
        record.cls,
        **{
            column.name: st.none() | values(column.shape) if column.optional else values(column.shape)
            for column in record.members
        },
    )


def all_facts() -> st.SearchStrategy[Facts]:
    """Facts of all kinds, none of which need fit another."""
    kinds = [st.lists(objects(plan_of(cls)), max_size=3) for cls in KINDS.values()]
    return st.tuples(*kinds).map(lambda lists: collected((fact for facts in lists for fact in facts), better))


@cache
def sample(name: str) -> Facts:
    """The facts of a sample's captures."""
    return read_facts(sorted((SAMPLES / name).glob("*.pcap*")))


def capture(path: str, **other: Any) -> CaptureFact:
    """A fact about a capture without anything remarkable."""
    values: dict[str, Any] = {
        "packets": 1,
        "first_time": 1,
        "last_time": 2,
        "link_types": ("ETHERNET",),
        "snaplen": None,
        "truncated_packets": 0,
        "dropped": None,
        "undecoded_packets": 0,
        "tcp_gaps": 0,
        "one_sided_streams": 0,
        "damage": None,
        "ports_seen": (),
    }
    return CaptureFact(path=path, **(values | other))


def certificate(**other: Any) -> CertificateFact:
    """A fact about a certificate without anything remarkable."""
    values: dict[str, Any] = {
        "sha256": "ab",
        "subject": "CN=a",
        "issuer": "CN=b",
        "serial": "1",
        "not_before": None,
        "not_after": None,
        "sans": (),
        "ocsp_urls": (),
        "crl_urls": (),
        "must_staple": False,
        "is_ca": False,
        "self_signed": False,
        "parse_error": None,
    }
    return CertificateFact(**(values | other))

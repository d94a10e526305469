"""Any facts, from their type hints."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from ocsp_pcap.facts import (
    CaptureFact,
    CertificateFact,
    CrlFetchFact,
    DnsLookupFact,
    HandshakeFact,
    OcspExchangeFact,
    TcpAttemptFact,
)
from ocsp_pcap.facts.codec import is_time_field

KINDS = (
    CaptureFact,
    CertificateFact,
    HandshakeFact,
    OcspExchangeFact,
    CrlFetchFact,
    DnsLookupFact,
    TcpAttemptFact,
)


def strategy(hint: Any, name: str) -> st.SearchStrategy[Any]:
    """Values of a field, from its type hint."""
    if get_origin(hint) in (Union, UnionType):
        (inner,) = (item for item in get_args(hint) if item is not NoneType)
        return st.none() | strategy(inner, name)
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if get_origin(hint) is tuple:
        element = get_args(hint)[0]
        if get_origin(element) is tuple:
            pair = st.tuples(st.text(), st.text())
            return st.lists(pair, max_size=2, unique_by=lambda item: item[0]).map(tuple)
        return st.lists(strategy(element, name), max_size=2).map(tuple)
    if is_dataclass(hint):
        return instances(hint)
    if hint is bool:
        return st.booleans()
    if hint is int:
        return st.integers(-(10**18), 10**19) if is_time_field(name) else st.integers(0, 2**64)
    return st.text(st.characters(exclude_categories=()), max_size=8)


def instances(cls: Any) -> st.SearchStrategy[Any]:
    """Instances of a dataclass of facts."""
    hints = get_type_hints(cls)
    return st.builds(cls, **{field.name: strategy(hints[field.name], field.name) for field in fields(cls)})

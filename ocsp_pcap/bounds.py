"""Every bound of the program in one place: how much of a capture it holds or looks at, and why no more.

A capture is hostile input: without bounds one packet could cost hours, or all memory. A bound that was
reached is never silent: whoever reaches one tells it (:func:`reached`), and the capture's notes say so, as
a bound of this program and not as something that the capture lacks. ``--bound NAME=VALUE`` changes one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any, Final

from ocsp_pcap.records import dataclass


class BoundError(ValueError):
    """A bound that does not exist, or a value that it cannot have."""


def _bound(default: int, what: str, why: str) -> Any:
    return field(default=default, metadata={"what": what, "why": why})


@dataclass(slots=True)
class Bounds:
    """The bounds, each with what it counts and why it is as it is. Read them when they are needed."""

    open_streams: int = _bound(
        16_384,
        "connections that are followed at one time",
        "each holds a parser; of more, those that were silent longest are ended",
    )
    lingering_streams: int = _bound(
        4096,
        "closed connections that are kept for late segments",
        "segments arrive after FIN and RST, but not for long",
    )
    hole_bytes: int = _bound(
        1 << 17,
        "bytes that wait behind a hole of a connection",
        "a hole that is filled at all is filled within a window; later it counts as lost",
    )
    hole_segments: int = _bound(
        256,
        "segments that wait behind a hole of a connection",
        "segments of one byte cost as much",
    )
    compared_bytes: int = _bound(
        1 << 17,
        "bytes of a connection that are kept to be compared with other copies of them",
        "copies come within a window of each other, and a handshake is shorter than this",
    )
    all_compared_bytes: int = _bound(
        32 << 20,
        "bytes of all connections that are kept to be compared with other copies of them",
        "what has to be held grows with the connections that are open, not with the capture",
    )
    all_waiting_bytes: int = _bound(
        128 << 20,
        "bytes of all connections that wait behind a hole, or for the rest of a record, message or body",
        "without it they grow with the connections; of more, those that were silent longest are ended",
    )
    unanswered_hellos: int = _bound(
        65_536,
        "connections of a run that show a ClientHello and nothing that answers it",
        "one packet makes one, and each takes a kilobyte until all is read and explained",
    )
    rereadings: int = _bound(
        8,
        "times that a connection is read again because a receiver took other packets",
        "each costs as much as reading it did; afterwards its bytes only count as ambiguous",
    )
    ambiguous_frames: int = _bound(
        64, "frames of a connection that are named as ambiguous", "more of them prove no more"
    )
    watched_segments: int = _bound(
        64,
        "segments of an unknown protocol that are looked at closely",
        "later ones are only looked at where they begin as TLS or HTTP does, which costs nothing",
    )
    undecided_bytes: int = _bound(
        4096, "bytes of a connection that are held while its protocol is open", "no greeting is longer"
    )
    exchanges: int = _bound(
        65_536,
        "OCSP exchanges and CRL downloads of one connection",
        "a day of one query a second has as many",
    )
    tunnels: int = _bound(8, "tunnels within tunnels", "proxies in a row are two or three")
    certificates: int = _bound(
        64, "certificates of one handshake", "chains have three or four; browsers refuse more than about ten"
    )
    handshake_message: int = _bound(
        1 << 20, "bytes of a TLS handshake message", "its length field allows 16 MiB, real ones have a few kB"
    )
    alerts: int = _bound(8, "alerts of one handshake", "the first says what happened")
    authority_bytes: int = _bound(
        16 << 20, "bytes of a file of CA certificates", "the largest bundles in use have less than 1 MB"
    )
    dns_bytes: int = _bound(
        32 << 20, "bytes of DNS messages that are kept", "which names matter shows at the end"
    )

    headers: int = _bound(
        64,
        "headers around the TCP or UDP of a packet, tunnels included",
        "each costs a pass over the packets that have it; networks stack less than ten",
    )
    tags: int = _bound(
        64,
        "VLAN tags, MPLS labels or options in a row that are followed at once",
        "each costs a pass over the packets that have it",
    )
    rounds: int = _bound(
        8,
        "times that reassembled fragments, or packets behind extension headers, may hold others such",
        "each costs work for every packet by itself",
    )
    fragment_bytes: int = _bound(
        16 << 20,
        "bytes of IP fragments that wait for the rest of their datagrams",
        "fragments follow each other; what never becomes whole would fill the memory",
    )
    fragmented_datagrams: int = _bound(
        4096, "datagrams that wait for the rest of their fragments", "few are on their way at one time"
    )
    undecoded_names: int = _bound(
        64,
        "encapsulations that are told apart where they cannot be read",
        "a list that is longer tells no more",
    )

    certificate_ratio: int = _bound(
        64,
        "times that a compressed Certificate message may be longer when it is expanded",
        "certificates shrink to a half or a quarter; what shrinks more is made to cost time",
    )
    capture_ratio: int = _bound(
        500,
        "times that a compressed capture may be longer when it is expanded, beyond its first 64 MiB",
        "packets hold what does not repeat; a kilobyte that stands for a megabyte is made to cost time",
    )


BOUNDS: Final = Bounds()
"""The bounds of this process."""

_reached: Counter[str] = Counter()


def adjust(settings: Mapping[str, int]) -> None:
    """Change bounds. Raises BoundError for a name that there is not, or a value below 1."""
    known = {each.name for each in fields(Bounds)}
    for name, value in settings.items():
        if name not in known:
            raise BoundError(f"there is no bound {name}: those there are: {', '.join(sorted(known))}")
        if not 1 <= value < 1 << 40:
            raise BoundError(f"the bound {name} must be a number from 1 on, and less than 2^40")
    for name, value in settings.items():
        setattr(BOUNDS, name, value)


def adjusted() -> dict[str, int]:
    """Return the bounds that differ from their defaults: what another process needs to have the same."""
    return {
        each.name: getattr(BOUNDS, each.name)
        for each in fields(Bounds)
        if getattr(BOUNDS, each.name) != each.default
    }


def parse(text: str) -> dict[str, int]:
    """Read ``NAME=VALUE``. Raises BoundError."""
    name, equals, value = text.partition("=")
    digits = value.strip().replace("_", "")
    if not equals or not (digits.isascii() and digits.isdigit() and len(digits) <= 13):
        raise BoundError(f"{text}: a bound is given as NAME=VALUE, such as certificates=256")
    return {name.strip().replace("-", "_"): int(digits)}


def reached(name: str, count: int = 1) -> None:
    """Count that a bound was reached, so many times."""
    _reached[name] += count


def take_reached() -> dict[str, int]:
    """Return how often each bound was reached since this was last asked."""
    found = dict(_reached)
    _reached.clear()
    return found


def sentences(counts: Mapping[str, int]) -> list[str]:
    """Say which bounds were reached, and how to have them wider."""
    about = {each.name: each.metadata["what"] for each in fields(Bounds)}
    return [
        f"a bound of this program was reached {_times(count)}: at most {getattr(BOUNDS, name):,} "
        f"{about[name]} (--bound {name}=N changes it)"
        for name, count in sorted(counts.items())
    ]


def table() -> list[tuple[str, int, str, str]]:
    """Return name, value, meaning and reason of every bound."""
    return [
        (each.name, getattr(BOUNDS, each.name), each.metadata["what"], each.metadata["why"])
        for each in fields(Bounds)
    ]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"

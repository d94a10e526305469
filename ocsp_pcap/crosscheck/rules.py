"""Differences that are Wireshark's way of showing things: one rule for each, with its proof.

What Wireshark shows and the facts lack is explained only where the same message is among the facts
in another frame. What the facts hold and Wireshark did not show is explained where Wireshark itself,
asked again, says why it did not, or where a hash or an authentication tag vouches for the bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ocsp_pcap.crosscheck.differences import KnownDifference
from ocsp_pcap.crosscheck.dissection import Dissection
from ocsp_pcap.crosscheck.model import Item
from ocsp_pcap.facts import HandshakeFact


class Streams:
    """The handshakes of each stream, as the facts tell them."""

    def __init__(self, handshakes: Iterable[HandshakeFact]) -> None:
        self._handshakes: dict[tuple[str, int], list[HandshakeFact]] = defaultdict(list)
        for handshake in handshakes:
            self._handshakes[handshake.transport, handshake.stream].append(handshake)

    def of(self, item: Item) -> Sequence[HandshakeFact]:
        """Return the handshakes of an item's stream."""
        return self._handshakes.get((item.transport, item.stream), ())


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference: what either side saw, and what may explain it."""

    ours: Item | None
    wireshark: Item | None
    again: bool
    """What Wireshark saw is among the facts of the same stream, in another frame."""
    streams: Streams
    first: Dissection
    second: Dissection | None = None
    """What Wireshark saw when it was asked again."""


Rule: TypeAlias = Callable[[Discrepancy], str | None]


def explanation(case: Discrepancy) -> str | None:
    """Return the reason of the first rule that explains a difference, or None."""
    for kind, rule in RULES:
        reason = rule(case)
        if reason is not None:
            return f"{kind.value}: {reason}"
    return None


def same_thing(one: Item, other: Item) -> bool:
    """Tell whether two items are one thing, whatever the frame."""
    return (one.kind, one.transport, one.stream, one.identity) == (
        other.kind,
        other.transport,
        other.stream,
        other.identity,
    )


def same_hello(case: Discrepancy) -> str | None:
    """A handshake is one fact, by its first hello; a second one bears the same random.

    A client sends it again where nothing came back over QUIC (RFC 9002 6.2), or where the server asked for it
    (RFC 8446 4.1.2; Retry, RFC 9000 8.1.2).
    """
    theirs = case.wireshark
    if case.ours is not None or theirs is None or theirs.kind != "client-hello" or not theirs.mark:
        return None
    for fact in case.streams.of(theirs):
        if fact.client_random == theirs.mark and fact.frames.client_hello is not None:
            first = fact.frames.client_hello
            return f"It bears the random of the hello in frame {first}: one handshake, its hello sent again."
    return None


def tcp_sent_again(case: Discrepancy) -> str | None:
    """A segment that was sent twice may be dissected twice; its bytes count once (RFC 9293 3.4)."""
    theirs = case.wireshark
    if case.ours is None and theirs is not None and case.again and theirs.frame in case.first.sent_again:
        return (
            f"Wireshark calls frame {theirs.frame} a TCP {case.first.sent_again[theirs.frame]}: "
            "the same bytes, dissected twice."
        )
    return None


def not_recognised(case: Discrepancy) -> str | None:
    """Wireshark guesses from ports and first bytes what a connection bears; given that, it sees the same."""
    ours = case.ours
    if ours is None or case.second is None or (case.wireshark and not same_thing(ours, case.wireshark)):
        return None
    for item in case.second.items:
        if same_thing(item, ours) and ours.frame in (None, item.frame):
            facts = case.streams.of(ours)
            port = f"{ours.transport} port {facts[0].server_port}" if facts else "this port"
            return f"Told that {port} carries TLS (Decode As), Wireshark shows the same."
    return None


def never_whole(case: Discrepancy) -> str | None:
    """Wireshark waits for the whole record; what stands in front of a cut counts all the same."""
    ours = case.ours
    if ours is None or case.wireshark is not None or case.second is None:
        return None
    if ours.frame in case.second.held_back:
        return (
            f"Wireshark holds frame {ours.frame} back as part of a message whose end the capture lacks; "
            "what stands before that end is read."
        )
    return None


def unknown_quic_version(case: Discrepancy) -> str | None:
    """An Initial packet is under an authenticated cipher (RFC 9001 5.2): what opens is what was sent."""
    ours = case.ours
    if (
        ours is None
        or case.wireshark is not None
        or case.second is None
        or ours.frame not in case.second.locked
    ):
        return None
    return (
        f"Wireshark says that it cannot decrypt frame {ours.frame}; with the salt of a version that it "
        "did not try, the packet's authentication tag holds."
    )


def too_long(case: Discrepancy) -> str | None:
    """Wireshark puts no handshake message of more than 64 KiB together."""
    ours = case.ours
    if ours is None or case.wireshark is not None or case.second is None or ours.kind == "client-hello":
        return None
    if ours.frame not in case.second.opaque or ours.transport != "tcp":
        return None
    return (
        f"Wireshark takes the handshake record in frame {ours.frame} for encrypted: it puts no message of "
        "more than 64 KiB together. The message is whole, and in plain text."
    )


def other_content_type(case: Discrepancy) -> str | None:
    """Wireshark reads a body of HTTP as what its Content-Type says (RFC 6960 A.1)."""
    ours = case.ours
    if ours is None or case.wireshark is not None or case.second is None:
        return None
    if ours.kind not in ("request", "response") or ours.frame not in case.second.content_types:
        return None
    said = case.second.content_types[ours.frame]
    if said.partition(";")[0].strip().lower() == f"application/ocsp-{ours.kind}":
        return None
    typed = f"says Content-Type {said!r}" if said else "has no Content-Type"
    return (
        f"The HTTP message in frame {ours.frame} {typed}, so that Wireshark does not look into its body, "
        f"which is an OCSP {ours.kind} all the same."
    )


RULES: Final[tuple[tuple[KnownDifference, Rule], ...]] = (
    (KnownDifference.SAME_HELLO, same_hello),
    (KnownDifference.SENT_AGAIN, tcp_sent_again),
    (KnownDifference.PORT, not_recognised),
    (KnownDifference.CUT_SHORT, never_whole),
    (KnownDifference.QUIC_VERSION, unknown_quic_version),
    (KnownDifference.TOO_LONG, too_long),
    (KnownDifference.CONTENT_TYPE, other_content_type),
)

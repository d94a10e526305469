"""The state of streams: one row of numbers for each, and what these say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.facts import TcpOutcome
from ocsp_pcap.streams.flow import Endpoints, Flow

Flags: TypeAlias = NDArray[np.bool_]
Sides: TypeAlias = NDArray[np.int64]

SWAPPED: Final = 1
RESET_BY_1: Final = 2
IS_IPV6: Final = 4
REBASED: Final = 8
BLIND_FIN: Final = 1
BLIND_RST: Final = 2
BLIND_MORE: Final = 4
"""Bits of a stream's state. REBASED: a SYN/ACK had another sequence number than what its sender had sent
before."""

FIELDS: Final[tuple[tuple[str, Any, tuple[int, ...]], ...]] = (
    ("first_frame", np.int64, ()),
    ("first_time", np.int64, ()),
    ("syn_frame", np.int64, (2,)),
    ("syn_time", np.int64, (2,)),
    ("syn_ack_frame", np.int64, ()),
    ("reset_frame", np.int64, ()),
    ("fin_frame", np.int64, (2,)),
    ("end_time", np.int64, ()),
    ("hop_limit", np.uint8, (2,)),
    ("data_frame", np.int64, (2,)),
    ("data_time", np.int64, (2,)),
    ("data_end", np.uint32, (2,)),
    ("data_gain", np.int32, (2,)),
    ("syn_count", np.uint32, (2,)),
    ("packets", np.uint32, (2,)),
    ("payload_packets", np.uint32, (2,)),
    ("base", np.uint32, (2,)),
    ("based", np.bool_, (2,)),
    ("acknowledgment", np.uint32, (2,)),
    ("acked", np.bool_, (2,)),
    ("window", np.uint32, (2,)),
    ("scale", np.uint8, (2,)),
    ("settled", np.bool_, ()),
    ("blind_end", np.uint8, (2,)),
    ("blind_number", np.uint32, (2,)),
    ("key", np.int32, ()),
    ("bits", np.uint8, ()),
)
"""State of each stream, 208 bytes; frame 0 stands for none.

Base sequence numbers are kept by side, in order of address, all else by direction; ``based`` and ``acked``:
there is one. Which scales apply is *settled* once a window stands in a segment that is no SYN.
A FIN or RST is a *blind end* where its receiver had acknowledged nothing before it: whether the receiver took
it only earlier files can show. Its kind and its sequence number are kept for them.
"""


OUTCOMES: Final[tuple[TcpOutcome | None, ...]] = (None, *get_args(TcpOutcome))
_NONE, _ESTABLISHED, _REFUSED, _RESET, _UNANSWERED = range(len(OUTCOMES))


class FlowColumns:
    """What is remembered of some streams, and what it says: a row each."""

    def __init__(self, state: Mapping[str, NDArray[Any]], streams: NDArray[np.int64] | slice) -> None:
        self._state = state
        self._streams = streams

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a field (see ``FIELDS``)."""
        return self._state[name][self._streams]

    def has(self, bit: int) -> Flags:
        """Tell which have a bit set."""
        found: Flags = (self["bits"] & bit) != 0
        return found

    @property
    def opener(self) -> Sides:
        """As :attr:`Flow.opener`."""
        sent = self["syn_count"] != 0
        answered_first = self["syn_ack_frame"] == self["first_frame"]
        opener: Sides = (~sent[:, 0] & (sent[:, 1] | answered_first)).astype(np.int64)
        return opener

    @property
    def ended_by(self) -> Sides:
        """As :attr:`Flow.ended_by`; -1: there was none."""
        one, other = self["fin_frame"].T
        by_1 = (other != 0) & ((one == 0) | (other <= one))
        found, reset = np.where(by_1, other, one), self["reset_frame"]
        by_reset = (reset != 0) & ((found == 0) | (reset < found))
        by: Sides = np.where(by_reset, self.has(RESET_BY_1), np.where(found != 0, by_1, -1))
        return by

    @property
    def outcome(self) -> Sides:
        """As :attr:`Flow.outcome`, by its place in ``OUTCOMES``."""
        opener, answered, reset = self.opener, self["syn_ack_frame"] != 0, self["reset_frame"] != 0
        acked = self["acked"]
        heard = answered | np.where(opener, acked[:, 1], acked[:, 0])
        silent = (self["payload_packets"] == 0).all(axis=1)
        refused = reset & (self.has(RESET_BY_1) != opener)
        outcome: Sides = np.where(
            heard,
            np.where(reset & silent, _RESET, _ESTABLISHED),
            np.where(refused, _REFUSED, _UNANSWERED),
        )
        outcome[~answered & (self["syn_count"] == 0).all(axis=1)] = _NONE
        return outcome

    @property
    def one_sided(self) -> Flags:
        """As :attr:`Flow.one_sided`."""
        unseen = self["packets"][:, ::-1] == 0
        found: Flags = (unseen & self["acked"]).any(axis=1)
        return found

    def flows(self, ends: Iterable[Endpoints]) -> Iterator[Flow]:
        """Yield a flow for each row; ``ends`` are its addresses and ports."""
        return map(
            Flow,
            ends,
            self["first_frame"].tolist(),
            self["first_time"].tolist(),
            self["syn_frame"].tolist(),
            self["syn_time"].tolist(),
            self["syn_count"].tolist(),
            self["syn_ack_frame"].tolist(),
            self["reset_frame"].tolist(),
            self.has(RESET_BY_1).astype(np.int64).tolist(),
            self["fin_frame"].tolist(),
            self["packets"].tolist(),
            self["payload_packets"].tolist(),
            self["acked"].tolist(),
            self["end_time"].tolist(),
            self["hop_limit"].tolist(),
            self["data_frame"].tolist(),
            self["data_time"].tolist(),
            self.opener.tolist(),
            (None if by < 0 else by for by in self.ended_by.tolist()),
            map(OUTCOMES.__getitem__, self.outcome.tolist()),
            self.one_sided.tolist(),
        )

"""Joins what one run showed to what those before it showed, as if all had been read in order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture import open_capture
from ocsp_pcap.decode import Decoder
from ocsp_pcap.decode.decoder import DecodedBatch
from ocsp_pcap.observe.capture import CaptureObserver, Observation
from ocsp_pcap.parallel.read_run import Part
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.joining import FlowMatch, Joined, MatchError


class RunMatch(NamedTuple):
    """Which streams of a run go on with streams of those before it."""

    tcp: FlowMatch
    udp: FlowMatch


def find_match(before: CaptureObserver | None, part: Part) -> RunMatch:
    """Find which streams of a run go on with those before; None: nothing stands before it.

    Raise MatchError if it cannot be joined and must be read again in order, because its packets mean
    something else once the files before it are known.
    """
    if before is None:
        return RunMatch(FlowMatch.none(len(part.tcp.flows)), FlowMatch.none(len(part.observation.udp.flows)))
    waiting = before.decoder.fragments
    if waiting is not None and part.fragments is not None and part.fragments.may_complete(waiting):
        raise MatchError("fragments may belong to datagrams that began before")
    earlier = before.observation
    tcp = earlier.tcp.flows.match(part.tcp.flows)
    if tcp.known[list(part.tcp.quoted)].any():
        raise MatchError("an ICMP error quotes a SYN, which may be that of an earlier connection")
    repeated = np.flatnonzero((tcp.earlier >= 0) & ~part.tcp.inherited)
    if (~earlier.tcp.untouched(tcp.earlier[repeated]) | tcp.flipped[repeated]).any():
        raise MatchError("a SYN is repeated after data, or answered by another")
    return RunMatch(tcp, earlier.udp.flows.match(part.observation.udp.flows))


def join(observer: CaptureObserver, part: Part, found: RunMatch) -> None:
    """Take over what a run showed, and read on in it where streams from before it are not finished.

    Raise CaptureError where a file of it cannot be opened again, as far as that is needed.
    """
    observation = observer.observation
    before, flows = observer.packets, observation.tcp.flows
    earlier, inherited = found.tcp.earlier, part.tcp.inherited
    unread = inherited & (part.tcp.last_telling > 0)
    unread[unread] = (earlier[unread] < 0) | observation.tcp.unfinished(earlier[unread])
    known = np.flatnonzero(earlier[unread] >= 0)
    states = flows.states(earlier[unread][known])
    tcp_joined = observation.tcp.adopt(part.tcp, found.tcp, ~inherited, before)
    udp_joined, again = observation.udp.adopt(part.observation.udp, found.udp, before)
    if part.fragments is not None:
        observer.decoder.follow(part.fragments, before)
    observer.take_files(part.observation)
    left = _Unread(observation, part, tcp_joined, unread, udp_joined, again)
    if left.any_after(0):
        with flows.as_of(tcp_joined.number[unread], known, states):
            _read_on(left, part, before)


class _Unread:
    """What is left to be read of a run: of streams from before it, until they can tell no more."""

    def __init__(
        self,
        observation: Observation,
        part: Part,
        tcp_joined: Joined,
        unread: NDArray[np.bool_],
        udp_joined: Joined,
        again: NDArray[np.bool_],
    ) -> None:
        self._tcp, self._udp = observation.tcp, observation.udp
        self._tables = (FlowTable(), FlowTable(udp=True))
        self._joined = (tcp_joined, udp_joined)
        self._unread = (unread.copy(), again)
        self._last_telling = part.tcp.last_telling
        self._tried = part.observation.udp.tried(np.arange(len(again)))

    def any_after(self, frame: int) -> bool:
        """Tell whether anything may matter that comes behind a frame of the run."""
        tcp, udp = self._unread
        tcp &= self._tcp.unfinished(self._joined[0].number)
        under_way = self._udp.reading(self._joined[1].number)
        return bool((tcp & (self._last_telling > frame)).any() or (udp & (self._tried | under_way)).any())

    def take(self, batch: DecodedBatch) -> None:
        """Show a batch to the observers, as far as it is unread."""
        for number, (columns, receive) in enumerate(
            ((batch.tcp, self._tcp.receive_again), (batch.udp, self._udp.receive_again))
        ):
            rows = self._tables[number].assign(columns)
            joined = self._joined[number]
            direction = rows.direction ^ joined.flipped[rows.stream].view(np.uint8)
            receive(columns, joined.number[rows.stream], direction, self._unread[number][rows.stream])


def _read_on(left: _Unread, part: Part, frames_before: int) -> None:
    decoder, end = Decoder(), frames_before
    for member, file in zip(part.members, part.observation.files, strict=True):
        begin, end = end, end + file.summary.packets
        with open_capture(member.source) as reader:
            for batch in reader.batches(begin):
                last = batch.first_frame + len(batch) - 1
                if last > end:
                    # What the worker has not read, because it was interrupted, or it was not yet there.
                    break
                left.take(decoder.decode(batch))
                if not left.any_after(last - frames_before):
                    return

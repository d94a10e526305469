"""Joins what one share showed to what those before it showed, as if all had been read in order."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture import open_capture
from ocsp_pcap.decode import Decoder
from ocsp_pcap.observe.capture import CaptureObserver
from ocsp_pcap.parallel.read_run import Part
from ocsp_pcap.streams.joining import FlowMatch, MatchError

BLOCK_SIZE: Final = 4 << 20
"""Bytes read at a time: in so many most connections that were open are over."""


class RunMatch(NamedTuple):
    """Which streams of a run go on with streams of those before it."""

    tcp: FlowMatch
    udp: FlowMatch


def find_match(before: CaptureObserver | None, part: Part) -> RunMatch:
    """Find which streams of a run go on with those before; None: nothing stands before it.

    Raise MatchError if it cannot be joined and must be read again in order, because its packets mean
    something else once the files before it are known.
    """
    tcp, udp = part.tcp.flows, part.observation.udp.flows
    if before is None:
        return RunMatch(FlowMatch.none(len(tcp)), FlowMatch.none(len(udp)))
    waiting = before.decoder.fragments
    if waiting is not None and part.fragments is not None and part.fragments.may_complete(waiting):
        raise MatchError("fragments may belong to datagrams that began before")
    earlier = before.observation
    found = RunMatch(earlier.tcp.flows.match(tcp), earlier.udp.flows.match(udp))
    if found.tcp.known[list(part.tcp.quoted)].any():
        raise MatchError("an ICMP error quotes a SYN, which may be that of an earlier connection")
    if part.reached and ((found.tcp.earlier >= 0) & ~part.tcp.inherited).any():
        raise MatchError("a bound was reached, maybe by a connection whose SYN was sent before")
    return found


def join(observer: CaptureObserver, part: Part, found: RunMatch) -> None:
    """Read on in a run where connections from before it are not finished, and take over what else it showed.

    Raise CaptureError where a file of it cannot be opened again, as far as that is needed.
    """
    observation, before = observer.observation, observer.packets
    own = (found.tcp.earlier >= 0) | part.tcp.inherited
    try:
        _read_on(observer, part, found, own)
    finally:
        observation.tcp.adopt(part.tcp, found.tcp, ~own, before)
        observation.udp.adopt(part.observation.udp, found.udp, before)
        if part.fragments is not None:
            observer.decoder.follow(part.fragments, before)
        observer.take_files(part.observation)


def _read_on(observer: CaptureObserver, part: Part, found: RunMatch, own: NDArray[np.bool_]) -> None:
    """Read files of a run, as far as its streams that are read here, and not there, can tell more."""
    tcp, udp, theirs = observer.observation.tcp, observer.observation.udp, part.observation
    known, new = len(tcp.flows), found.tcp.earlier < 0
    # Whoever reads these files, new streams have the same numbers.
    number = np.where(new, known + np.cumsum(new) - 1, found.tcp.earlier)
    tcp.streams.reserve(known + len(number))
    read_here = np.zeros(known + len(number), np.bool_)
    read_here[number] = own
    numbers, last_telling = number[own], part.tcp.last_telling[: len(own)][own]

    def more(frame: int) -> bool:
        waiting = tcp.unfinished(numbers) & (last_telling > frame)
        return bool(waiting.any()) or udp.unfinished(theirs.udp, found.udp, frame)

    if not more(0):
        return
    decoder, before = Decoder(), observer.packets
    end = before
    with tcp.flows.ahead(), udp.flows.ahead():
        for member, file in zip(part.members, theirs.files, strict=True):
            begin, end = end, end + file.summary.packets
            with open_capture(member.source, BLOCK_SIZE) as reader:
                for batch in reader.batches(begin):
                    last = batch.first_frame + len(batch) - 1
                    if last > end:
                        # What the worker has not read, because it was interrupted, or it was not yet there.
                        break
                    decoded = decoder.decode(batch)
                    tcp.receive_own(decoded.tcp, read_here)
                    udp.receive_own(decoded.udp)
                    if not more(last - before):
                        return

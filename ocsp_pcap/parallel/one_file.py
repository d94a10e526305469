"""One file of a capture, read without the files before it: what can be done side by side."""

from __future__ import annotations

from dataclasses import field

from ocsp_pcap.bounds import reached, take_reached
from ocsp_pcap.capture import CaptureReader, CaptureSource, open_capture
from ocsp_pcap.decode import Decoder
from ocsp_pcap.observe.capture import CaptureObserver, ObservedFile, observe_file
from ocsp_pcap.observe.to_reread import ToReread
from ocsp_pcap.observe.told import TcpPart, UdpPart
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.one_file_tcp import TcpPartObserver
from ocsp_pcap.parallel.one_file_udp import UdpPartObserver
from ocsp_pcap.records import dataclass
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.joining import MatchError


@dataclass(frozen=True, slots=True)
class FilePart:
    """What one file showed, and what somebody who knows the files before has to look at again."""

    file: ObservedFile
    tcp: TcpPart
    udp: UdpPart
    open_fragments: bool
    """Fragments of datagrams were left over, the rest of which may be in another file."""
    reached: dict[str, int] = field(default_factory=dict)
    """Bounds that were reached, and how often."""


def observe_part(source: CaptureSource, watch: Watch, *, first: bool, last: bool) -> FilePart:
    """Read a file by itself; ``first`` and ``last`` tell that none comes before, or after it.

    Raise CaptureError where it cannot be opened.
    """
    take_reached()
    decoder, shared = Decoder(), Shared()
    tcp, udp = TcpPartObserver(shared, first=first), UdpPartObserver(shared, first=first)
    with open_capture(source) as reader:
        file = observe_file(reader, decoder, tcp, udp, watch)
    if last:
        tcp.finish()
        udp.finish()
    return FilePart(file, tcp.part(), udp.part(), decoder.open_fragments, take_reached())


def join_part(observer: CaptureObserver, part: FilePart, source: CaptureSource) -> bool:
    """Take what somebody read of the next file of a capture; False: it has to be read here.

    Raise CaptureError where the file cannot be opened again, as far as that is needed.
    """
    tcp, udp = observer.observation.tcp, observer.observation.udp
    try:
        tcp_match, udp_match = tcp.match(part.tcp), udp.match(part.udp)
    except MatchError:
        return False
    frames_before = observer.begin_file()
    unread_tcp = tcp.join(part.tcp, tcp_match, frames_before)
    unread_udp = udp.join(part.udp, udp_match, frames_before)
    observer.take_file(part.file)
    for name, count in part.reached.items():
        reached(name, count)
    if unread_tcp.frames or unread_udp.frames:
        with open_capture(source) as reader:
            _go_through(reader, part.file.summary.packets, observer, unread_tcp, unread_udp)
    return True


def _go_through(
    reader: CaptureReader, packets: int, observer: CaptureObserver, tcp: ToReread, udp: ToReread
) -> None:
    """Read the segments and datagrams of some streams of a file; ``packets``: as far as others have read."""
    decoder, tcp_flows, udp_flows = Decoder(), FlowTable(), FlowTable(udp=True)
    for batch in reader:
        if batch.first_frame + len(batch) - 1 > packets:
            break
        decoded = decoder.decode(batch)
        if tcp.frames:
            observer.observation.tcp.replay(tcp.rows(decoded.tcp, tcp_flows.assign(decoded.tcp)))
        if udp.frames:
            streams = udp_flows.assign(decoded.udp)
            observer.observation.udp.replay(udp.rows(decoded.udp, streams))

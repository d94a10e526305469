"""One capture, a file or a rotated set of files, read from its first packet to its last."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.bounds import BOUNDS, sentences, take_reached
from ocsp_pcap.capture import CaptureReader, CaptureSource, CaptureSummary
from ocsp_pcap.capture.rotation import set_name
from ocsp_pcap.decode import Decoder
from ocsp_pcap.decode.undecoded import Undecoded
from ocsp_pcap.observe.outside import outside
from ocsp_pcap.observe.tcp import TcpObserver
from ocsp_pcap.observe.udp import UdpObserver
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.spoken.seen import SeenHandshake, Spoken
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.flow import Endpoints

if TYPE_CHECKING:
    from ocsp_pcap.observe.numbers import StreamNumbers

SOCKS_PORT: Final = 1080


class ObservedFile(NamedTuple):
    """Properties of one file of a capture as a whole."""

    name: str
    summary: CaptureSummary
    truncated: int
    """Packets of which the file holds less than there was on the wire."""
    undecoded: dict[str, int]
    """Packets that could not be understood, by what they are."""
    interrupted: bool = False
    """Reading was ended before the file was."""
    disputed: tuple[int, ...] = ()
    """Frames, counted in this file, of IP fragments that disagree about a UDP datagram."""


@dataclass(slots=True, eq=False, repr=False)
class Observation:
    """All that one capture showed, before it is put into facts."""

    tcp: TcpObserver
    udp: UdpObserver
    name: str = ""
    """Of the file; of a set, a glob that its files match."""
    files: list[ObservedFile] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What is not there of a set of files, in words."""
    notes: list[str] = field(default_factory=list)
    keys_before: frozenset[bytes] = frozenset()
    """Sessions for which there were keys when reading began."""
    numbers: tuple[StreamNumbers, StreamNumbers] | None = None
    """Of TCP and UDP streams, where other captures share the file."""
    _extra_numbers: list[int] | None = None

    def handshakes(self) -> Iterator[SeenHandshake]:
        """Yield every handshake, those inside decrypted data, too."""
        for stream in chain(self.tcp.streams.finished, self.udp.finished):
            spoken: Spoken | None = stream.spoken
            while spoken is not None:
                yield from spoken.handshakes or ()
                spoken = spoken.inner

    def tcp_stream(self, number: int) -> int:
        """Return a stream's number as Wireshark shows it."""
        return int(self.tcp_streams(np.array([number]))[0])

    def tcp_streams(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of streams as Wireshark shows them.

        Its SOCKS dissector, bound to port 1080, opens a second conversation for what it forwards, under
        the ports that the client asked for, and that one takes a number, too: streams that begin later
        are numbered one higher.
        """
        first = self.tcp.flows.columns(numbers)["first_frame"]
        if self.numbers is not None:
            numbers = self.numbers[0].at(first)
        return numbers + np.searchsorted(np.array(self._socks_frames(), np.int64), first)

    def udp_stream(self, number: int) -> int:
        """Return a stream's number as Wireshark shows it."""
        return int(self.udp_streams(np.array([number]))[0])

    def udp_streams(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of streams as Wireshark shows them."""
        if self.numbers is None:
            return numbers
        return self.numbers[1].at(self.udp.flows.columns(numbers)["first_frame"])

    def numbers_in(self, file: int, streams: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
        """Return TCP streams, given with their numbers in a file, as Wireshark shows both."""
        extra = self._socks_frames()
        if not extra and self.numbers is None:
            return streams
        first = 1 + sum(each.summary.packets for each in self.files[:file])
        begun = [max(first, self.tcp.flows.first_frame(stream)) for stream, _ in streams]
        whole = self.tcp_streams(np.array([stream for stream, _ in streams], np.int64)).tolist()
        return [
            (stream, number + bisect_left(extra, frame) - bisect_left(extra, first))
            for stream, (_, number), frame in zip(whole, streams, begun, strict=True)
        ]

    def _socks_frames(self) -> list[int]:
        """Return, in order, the frames that open such a second conversation."""
        if self._extra_numbers is None:
            self._extra_numbers = sorted(
                frame
                for stream, frame in self.tcp.streams.socks_frames.items()
                if SOCKS_PORT in _ports(self.tcp.flows.endpoints(stream))
            )
        return self._extra_numbers


def _ports(ends: Endpoints) -> tuple[int, int]:
    return ends.port_0, ends.port_1


class CaptureObserver:
    """Reads the files of one capture in their order; frames and streams are counted through all of them."""

    def __init__(
        self, shared: Shared, tcp: TcpObserver | None = None, udp: UdpObserver | None = None
    ) -> None:
        """``tcp`` and ``udp``: observers to be used in place of new ones."""
        self._shared = shared
        self._part_of: CaptureSource | None = None
        take_reached()
        keys = shared.keys.sessions() if shared.keys is not None else frozenset[bytes]()
        self.decoder = Decoder()
        self.observation = Observation(
            TcpObserver(shared) if tcp is None else tcp,
            UdpObserver(shared) if udp is None else udp,
            keys_before=keys,
        )
        """What was read so far; complete after :meth:`finish`."""

    @property
    def packets(self) -> int:
        """Frames of the files that were read so far."""
        return sum(file.summary.packets for file in self.observation.files)

    def read(self, reader: CaptureReader, watch: Watch) -> None:
        """Read another file to its end, to where it is damaged, or to where reading is to stop.

        The secrets in it are there for all that is read from then on.
        """
        tcp, udp = self.observation.tcp, self.observation.udp
        tcp.begin_file()
        udp.begin_file()
        self._part_of = reader.part_of
        before = self.packets
        truncated = secrets_read = position = 0
        disputed: set[int] = set()
        undecoded = Undecoded()
        for batch in reader.batches(before, watch.wait):
            secrets_read = self._take_secrets(reader, secrets_read)
            decoded = self.decoder.decode(batch)
            truncated += decoded.truncated
            undecoded.update(decoded.undecoded)
            undecoded.update(outside(decoded.tcp, decoded.udp))
            tcp.receive(decoded.tcp)
            udp.receive(decoded.udp)
            if decoded.udp.disputed and len(disputed) < BOUNDS.ambiguous_frames:
                disputed.update(*decoded.udp.disputed.values())
            watch.advance(reader.position - position, len(batch))
            position = reader.position
            if watch.stopped and not reader.is_pipe:
                break
        self._take_secrets(reader, secrets_read)
        self.observation.files.append(
            ObservedFile(
                reader.name,
                reader.summary,
                truncated,
                dict(undecoded.counts),
                interrupted=watch.stopped,
                disputed=tuple(sorted(frame - before for frame in disputed)),
            )
        )

    def _take_secrets(self, reader: CaptureReader, start: int) -> int:
        """Add secrets; their blocks should stand before the packets (draft-ietf-opsawg-pcapng 4.7)."""
        if len(reader.secrets) > start:
            if self._shared.keys is None:
                from ocsp_pcap.tls.keys import KeyLog

                self._shared.keys = KeyLog()
            for text in reader.secrets[start:]:
                self._shared.keys.add(text, f"secrets inside {reader.name}")
        return len(reader.secrets)

    def interrupt(self) -> None:
        """The files that follow are not read."""
        for last in self.observation.files[-1:]:
            self.observation.files[-1] = last._replace(interrupted=True)

    def take_files(self, observation: Observation) -> None:
        """Count files whose packets were read elsewhere."""
        self.observation.files += observation.files
        self.miss(observation.missing)

    def miss(self, sentences: Iterable[str]) -> None:
        """Note what is not there of the set of files: absence proves less."""
        self.observation.missing += sentences

    def note(self, sentence: str) -> None:
        """Note what else there is to say of the capture."""
        self.observation.notes.append(sentence)

    def finish(self) -> None:
        """There are no more files: everything that is still open ends here."""
        self.observation.name = set_name([file.name for file in self.observation.files])
        self.observation.tcp.finish()
        self.observation.udp.finish()
        if self._part_of is not None:
            from ocsp_pcap.observe.numbers import stream_numbers

            self.observation.numbers = stream_numbers(self._part_of)
        self.observation.notes += sentences(take_reached())


def undecoded_packets(files: Iterable[ObservedFile]) -> dict[str, int]:
    """Sum up the packets of some files that could not be understood."""
    undecoded = Undecoded()
    for file in files:
        undecoded.update(file.undecoded)
    return dict(undecoded.counts)

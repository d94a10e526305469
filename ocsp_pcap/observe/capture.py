"""One capture, read from its first packet to its last."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ocsp_pcap.capture import CaptureReader, CaptureSummary
from ocsp_pcap.decode import Decoder
from ocsp_pcap.observe.conversation import Conversation
from ocsp_pcap.observe.handshakes import Handshake
from ocsp_pcap.observe.tcp import TcpObserver
from ocsp_pcap.observe.tools import Tools
from ocsp_pcap.observe.udp import UdpObserver
from ocsp_pcap.streams.flows import Endpoints

SOCKS_PORT: Final = 1080


@dataclass(slots=True)
class Observation:
    """What one capture showed, before it is put into facts."""

    name: str
    tcp: TcpObserver
    udp: UdpObserver
    summary: CaptureSummary
    truncated: int
    undecoded: int
    notes: list[str] = field(default_factory=list)
    keys_before: frozenset[bytes] = frozenset()
    """Sessions for which there were keys when reading began."""
    _extra_numbers: list[int] | None = None

    def handshakes(self) -> Iterator[Handshake]:
        """Yield every handshake, those inside decrypted data, too."""
        for stream in self.tcp.finished:
            conversation: Conversation | None = stream.conversation
            while conversation is not None:
                if conversation.tracker is not None:
                    yield from conversation.tracker.handshakes
                conversation = conversation.inner
        for flow in self.udp.finished:
            yield from flow.tracker.handshakes

    def tcp_stream(self, number: int) -> int:
        """Return a stream's number as Wireshark shows it.

        Its SOCKS dissector, bound to port 1080, opens a second conversation for what it forwards, under
        the ports that the client asked for, and that one takes a number, too: streams that begin later
        are numbered one higher.
        """
        if self._extra_numbers is None:
            self._extra_numbers = sorted(
                frame
                for stream, frame in self.tcp.socks_frames.items()
                if SOCKS_PORT in _ports(self.tcp.flows.endpoints(stream))
            )
        if not self._extra_numbers:
            return number
        return number + bisect_left(self._extra_numbers, self.tcp.flows.flow(number).first_frame)


def _ports(ends: Endpoints) -> tuple[int, int]:
    return ends.port_0, ends.port_1


def observe_capture(reader: CaptureReader, tools: Tools) -> Observation:
    """Read a capture to its end, or to where it is damaged."""
    decoder = Decoder()
    tcp, udp = TcpObserver(tools), UdpObserver(tools)
    truncated = undecoded = secrets_read = 0
    keys_before = tools.keys.sessions() if tools.keys is not None else frozenset[bytes]()
    for batch in reader:
        if len(reader.secrets) > secrets_read:
            _take_secrets(tools, reader, secrets_read)
            secrets_read = len(reader.secrets)
        decoded = decoder.decode(batch)
        truncated += decoded.truncated
        undecoded += decoded.undecoded
        tcp.receive(decoded.tcp)
        udp.receive(decoded.udp)
    if len(reader.secrets) > secrets_read:
        _take_secrets(tools, reader, secrets_read)
    tcp.finish()
    udp.finish()
    summary = reader.summary
    return Observation(reader.name, tcp, udp, summary, truncated, undecoded, keys_before=keys_before)


def _take_secrets(tools: Tools, reader: CaptureReader, start: int) -> None:
    """Add secrets; their blocks should stand before the packets (draft-ietf-opsawg-pcapng 4.7)."""
    if tools.keys is None:
        from ocsp_pcap.tls.keys import KeyLog

        tools.keys = KeyLog()
    for text in reader.secrets[start:]:
        tools.keys.add(text, f"secrets inside {reader.name}")

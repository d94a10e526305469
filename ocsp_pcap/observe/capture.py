"""One capture, read from its first packet to its last."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

from ocsp_pcap.capture import CaptureReader, CaptureSummary
from ocsp_pcap.decode import Decoder
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
    _extra_numbers: list[int] | None = None

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
    for batch in reader:
        if len(reader.secrets) > secrets_read:
            _take_secrets(tools, reader, secrets_read)
            secrets_read = len(reader.secrets)
        decoded = decoder.decode(batch)
        truncated += decoded.truncated
        undecoded += decoded.undecoded
        tcp.receive(decoded.tcp)
        udp.receive(decoded.udp)
    tcp.finish()
    udp.finish()
    return Observation(reader.name, tcp, udp, reader.summary, truncated, undecoded)


def _take_secrets(tools: Tools, reader: CaptureReader, start: int) -> None:
    """Decryption Secrets Blocks stand before the packets that they open (draft-ietf-opsawg-pcapng 4.7)."""
    if tools.keys is None:
        from ocsp_pcap.tls.keys import KeyLog

        tools.keys = KeyLog()
    for text in reader.secrets[start:]:
        tools.keys.add(text, f"secrets inside {reader.name}")

"""Packets with other addresses, and without what lets one log in.

Replaced, the same everywhere: hardware and IP addresses (in headers, in quoted packets, in DNS answers, in
SOCKS and PROXY prefixes, as text in HTTP), ports of clients. Blanked, with the same length: the values of
cookies and credentials in plain HTTP. Checksums change by as much as the packets do: what was right stays
right. Of a datagram that came in fragments the whole is changed, and each fragment gets its part. Left alone:
names (DNS, SNI, URLs), certificates and OCSP messages, whatever is encrypted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture import CaptureSource
from ocsp_pcap.decode import Decoder
from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.evidence.address_map import AddressMap
from ocsp_pcap.evidence.datagrams import Datagram, joined
from ocsp_pcap.evidence.headers import Fragment, Header, headers
from ocsp_pcap.evidence.payload import Patches, tcp_patches, udp_patches
from ocsp_pcap.evidence.selection import batches

_SYN, _ACK = 0x02, 0x10
_RAW_IP: Final = 101
"""Link type of packets that begin with an IP header of either version."""
_Half = tuple[bytes, bytes, int, int]
"""One direction of a connection: source and destination address, ports."""


class Anonymizer:
    """Learns the streams of the chosen packets first, then returns each packet in its other form."""

    about: Final = (
        "Addresses and clients' ports are replaced, cookies and credentials in plain HTTP are blanked; "
        "names in certificates, in DNS, in handshakes and in URLs are left as they are."
    )

    def __init__(self, addresses: AddressMap | None = None) -> None:
        self._map = addresses or AddressMap()
        self._servers: set[tuple[bytes, int]] = set()
        self._streams: dict[_Half, list[tuple[int, bytes]]] = defaultdict(list)
        self._patches: dict[_Half, Patches] | None = None

    def learn(
        self, sources: Sequence[CaptureSource], frames: NDArray[np.int64]
    ) -> dict[int, Datagram | None]:
        """Look at the chosen packets of a capture: who serves, and what is said in the clear.

        Return the frames that can be passed on, those of which all addresses were found, in order; of a
        fragment with its datagram. One of no whole datagram cannot: what has to be replaced may stand
        across two of them.
        """
        kept: dict[int, Datagram | None] = {}
        fragments: dict[int, tuple[Fragment, Header, bytes]] = {}
        for frame, link_type, data, inner, together in _packets(sources, frames):
            found = headers(link_type, data)
            alike, datagram = [frame], None
            if found and (fragment := found[-1].fragment) is not None:
                fragments[frame] = fragment, found[-1], data
                alike = [each for each in together if each in fragments]
                datagram = joined([fragments.pop(each) for each in alike])
                if datagram is None:
                    continue
                data = datagram.packet
                found = headers(_RAW_IP, data)
            if (
                (datagram is not None) == bool(together)
                and not any(header.fragment for header in found)
                and inner <= {address for header in found for address in header.addresses or ()}
                and inner
            ):
                kept |= dict.fromkeys(alike, datagram)
                self._learn(found, data)
        return dict(sorted(kept.items()))

    def _learn(self, found: Sequence[Header], data: bytes) -> None:
        for header in found:
            if header.kind != "tcp" or header.ports is None or header.addresses is None:
                continue
            source, destination = header.addresses
            flags = data[header.start + 13] if header.end > header.start + 13 else 0
            if flags & (_SYN | _ACK) == _SYN:
                self._servers.add((destination, header.ports[1]))
            payload = data[header.payload : header.end]
            if payload:
                sequence = int.from_bytes(data[header.start + 4 : header.start + 8], "big")
                self._streams[source, destination, *header.ports].append((sequence, payload))

    def text(self, text: str) -> str:
        """Return text with other addresses."""
        return self._map.text(text)

    def packet(self, link_type: int, data: bytes, datagram: Datagram | None = None) -> bytes:
        """Return a packet of the same length in its other form; with the datagram that it has a part of."""
        if self._patches is None:
            self._patches = {
                half: tcp_patches(segments, self._map, half[2:]) for half, segments in self._streams.items()
            }
            self._streams.clear()
        new = bytearray(data)
        found = headers(link_type, data)
        for header in found:
            self._payload(header, data, new)
            self._header(header, data, new)
        if datagram is not None and (fragment := found[-1].fragment) is not None:
            start, end = found[-1].payload, found[-1].end
            datagram.changed = datagram.changed or self.packet(_RAW_IP, datagram.packet)
            new[start:end] = datagram.changed_part(fragment, end - start)
        # From the inside out: a checksum covers what stands behind it.
        for header in reversed(found):
            header.correct_checksum(data, new)
        return bytes(new)

    def _header(self, header: Header, data: bytes, new: bytearray) -> None:
        for start in header.hardware:
            new[start : start + 6] = self._map.mac(data[start : start + 6])
        for start, size in header.address_places:
            address = data[start : start + size]
            new[start : start + size] = self._map.ipv4(address) if size == 4 else self._map.ipv6(address)
        if header.ports is not None and header.addresses is not None:
            for number, port in enumerate(self._ports(header)):
                start = header.start + 2 * number
                new[start : start + 2] = port.to_bytes(2, "big")

    def _ports(self, header: Header) -> tuple[int, int]:
        assert header.ports is not None
        assert header.addresses is not None
        source, destination = header.ports
        ends = list(zip(header.addresses, header.ports, strict=True))
        serving = [end in self._servers for end in ends]
        if serving[0] == serving[1]:
            serving = [source < destination, destination < source]
        first, second = (
            port if serves or port < 1024 else self._map.port(address, port)
            for serves, (address, port) in zip(serving, ends, strict=True)
        )
        return (first, second) if source != destination else header.ports

    def _payload(self, header: Header, data: bytes, new: bytearray) -> None:
        if header.ports is None or header.addresses is None or header.payload >= header.end:
            return
        if header.kind == "udp":
            patches = udp_patches(data[header.payload : header.end], self._map, header.ports)
            patches.apply(new, header.payload, 0, header.end - header.payload)
            return
        assert self._patches is not None
        found = self._patches.get((*header.addresses, *header.ports))
        if found:
            sequence = int.from_bytes(data[header.start + 4 : header.start + 8], "big")
            found.apply(new, header.payload, found.position(sequence), header.end - header.payload)


def _packets(
    sources: Sequence[CaptureSource], frames: NDArray[np.int64]
) -> Iterator[tuple[int, int, bytes, set[bytes], Sequence[int]]]:
    """Yield frame, link type, bytes and the innermost addresses of each of some packets.

    Last the frames of the fragments whose datagram it completes, if it does.
    """
    decoder = Decoder()
    for batch in batches(sources):
        decoded = decoder.decode(batch)
        low, high = np.searchsorted(frames, (batch.first_frame, batch.first_frame + len(batch)))
        wanted = frames[low:high]
        inner: dict[int, set[bytes]] = defaultdict(set)
        for columns in (decoded.tcp, decoded.udp):
            for row in np.flatnonzero(np.isin(columns.frame, wanted)).tolist():
                inner[int(columns.frame[row])] |= _addresses(columns, row)
        for frame in wanted.tolist():
            row = frame - batch.first_frame
            start, length = int(batch.offset[row]), int(batch.captured_length[row])
            data = batch.buffer[start : start + length].tobytes()
            yield frame, int(batch.link_type[row]), data, inner[frame], decoder.joined.get(frame, ())
        if high == len(frames):
            break


def _addresses(columns: TransportColumns, row: int) -> set[bytes]:
    size = 4 if columns.ip_version[row] == 4 else 16
    pairs = ((columns.source_high, columns.source_low), (columns.destination_high, columns.destination_low))
    return {((int(high[row]) << 64) | int(low[row])).to_bytes(16, "big")[-size:] for high, low in pairs}

"""From the fields of one dissected packet to items: what Wireshark saw."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, TypeAlias

from ocsp_pcap.crosscheck.labels import (
    Single,
    certificate_item,
    hello_item,
    request_item,
    response_item,
    url_item,
)
from ocsp_pcap.crosscheck.model import Item
from ocsp_pcap.facts import Transport

Fields: TypeAlias = Mapping[str, object]

DISPLAY_FILTER: Final = " or ".join(
    (
        "tls.handshake.type == 1",
        "tls.handshake.certificate",
        "ocsp",
        # The URL of an OCSP request by GET ends in base64 of a DER SEQUENCE, whose first letter is M.
        '(http.request.method == "GET" and http.request.uri matches "/M[A-Za-z0-9+/%=_-]{40}")',
    )
)
"""Selects the packets that this module has something to say about."""

_RESPONSE_STATUS: Final = {
    "0": "successful",
    "1": "malformedRequest",
    "2": "internalError",
    "3": "tryLater",
    "5": "sigRequired",
    "6": "unauthorized",
}
_CERTIFICATE_STATUS: Final = {"0": "good", "1": "revoked", "2": "unknown"}
_MONTHS: Final = dict(
    zip("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), range(1, 13), strict=True)  # noqa: SIM905
)
_US_TIME: Final = re.compile(r"(\w{3}) +(\d+), (\d{4}) (\d\d):(\d\d):(\d\d)")
_ISO_TIME: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)")
_AGAIN: Final = ("retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order")
_CARRIED: Final = frozenset({"tls", "quic", "http", "ocsp"})
_OUTSIDE: Final = frozenset({"dtls", "openvpn", "rdpudp"})
"""What these layers bear is no business of the facts."""
_WITHOUT_TLS: Final = frozenset({"eth", "ip", "ipv6", "tcp", "udp", "tcp.segments", "http", "ocsp"})


@dataclass(frozen=True, slots=True)
class DissectionOptions:
    """The way in which Wireshark is asked to dissect a capture."""

    display_filter: str = DISPLAY_FILTER
    decode_as: Mapping[str, str] = field(default_factory=dict)
    """Protocol by port, as ``tcp.port==8443``, where Wireshark would not think of it."""
    two_passes: bool = False
    """Look ahead, which tells what becomes of segments, at the price of memory for each packet."""


@dataclass(slots=True)
class Dissection:
    """Wireshark's view of a capture; filled packet by packet."""

    version: str
    items: list[Item] = field(default_factory=list)
    sent_again: dict[int, str] = field(default_factory=dict)
    """Frames that its TCP analysis calls a retransmission or out of order, and what it calls them."""
    held_back: set[int] = field(default_factory=set)
    """Frames that are part of a message which, by a run in two passes, never becomes whole."""
    locked: set[int] = field(default_factory=set)
    """Frames of QUIC that it could not decrypt."""
    opaque: set[int] = field(default_factory=set)
    """Frames with a handshake record that it takes for encrypted."""
    content_types: dict[int, str] = field(default_factory=dict)
    """Of frames with HTTP, the Content-Type; empty where there is none."""
    note: str | None = None

    def receive(self, frame: int, protocols: str, layers: Mapping[str, Sequence[Fields]]) -> None:
        """Take the layers of one packet, each with the fields of all its occurrences."""
        transport, stream = _conversation(protocols, layers)
        outside = not _OUTSIDE.isdisjoint(layers)
        for name, occurrences in layers.items():
            # QUIC and others hold TLS inside their own layer.
            for layer in occurrences if name not in _WITHOUT_TLS and not outside else ():
                for message in _find(layer, _is_handshake):
                    self._handshake(transport, stream, frame, message)
        self._http(stream, frame, layers)
        self._flags(frame, layers)

    def _handshake(self, transport: Transport, stream: int, frame: int, message: Fields) -> None:
        kind = _value(message, "tls.handshake.type")
        random = _value(message, "tls.handshake.random")
        # SSL 2.0 calls the random of its hello the challenge.
        random = random or _value(message, "tls.handshake.challenge")
        if kind == "1" and random is not None:
            names = _deep_values(message, "tls.handshake.extensions_server_name")
            self.items.append(hello_item(transport, stream, frame, next(names, ""), _plain(random)))
        for value in _deep_values(message, "tls.handshake.certificate"):
            der = _hex(value)
            if der is not None:
                self.items.append(certificate_item(transport, stream, frame, sha256(der).hexdigest()))
        for ocsp in _find_layers(message, "ocsp"):
            status, singles = _response(ocsp)
            self.items.append(response_item("staple", transport, stream, frame, status, singles))

    def _http(self, stream: int, frame: int, layers: Mapping[str, Sequence[Fields]]) -> None:
        for ocsp in layers.get("ocsp", ()):
            if "ocsp.tbsRequest_element" in ocsp:
                ids = [
                    (
                        _plain(_value(node, "ocsp.issuerNameHash")),
                        _plain(_value(node, "ocsp.issuerKeyHash")),
                        _serial(_value(node, "ocsp.serialNumber")),
                    )
                    for node in _find(ocsp, lambda node: "ocsp.serialNumber" in node)
                ]
                self.items.append(request_item(stream, frame, ids))
            else:
                status, singles = _response(ocsp)
                self.items.append(response_item("response", "tcp", stream, frame, status, singles))
        for http in layers.get("http", ()):
            for uri in _deep_values(http, "http.request.full_uri"):
                if _is_ocsp_url(uri):
                    self.items.append(url_item(stream, frame, uri))

    def _flags(self, frame: int, layers: Mapping[str, Sequence[Fields]]) -> None:
        for tcp in layers.get("tcp", ()):
            keys = {key for key, _ in _walk(tcp)}
            for name in _AGAIN:
                if f"tcp.analysis.{name}" in keys:
                    self.sent_again[frame] = name.replace("_", " ")
            if (
                "tcp.segment_data" in keys
                and "tcp.reassembled_in" not in keys
                and "tcp.segments" not in layers
            ):
                self.held_back.add(frame)
        for tls in layers.get("tls", ()):
            if any(_is_opaque(node) for node in _find(tls, lambda node: "tls.record.content_type" in node)):
                self.opaque.add(frame)
        for http in layers.get("http", ()):
            self.content_types[frame] = next(_deep_values(http, "http.content_type"), "")
        for quic in layers.get("quic", ()):
            if any(key == "quic.decryption_failed" for key, _ in _walk(quic)):
                self.locked.add(frame)


def _conversation(protocols: str, layers: Mapping[str, Sequence[Fields]]) -> tuple[Transport, int]:
    """Return the innermost conversation that carries what is of interest."""
    transport: Transport = "tcp"
    for protocol in protocols.split(":"):
        if protocol in _CARRIED:
            break
        if protocol == "tcp":
            transport = "tcp"
        elif protocol == "udp":
            transport = "udp"
    streams = [_value(fields, f"{transport}.stream") for fields in layers.get(transport, ())]
    numbers = [int(stream) for stream in streams if stream is not None and stream.isdecimal()]
    return transport, numbers[-1] if numbers else -1


def _response(ocsp: Fields) -> tuple[str | None, list[Single]]:
    status = _value(ocsp, "ocsp.responseStatus")
    singles = [
        (
            next((_serial(value) for value in _deep_values(node, "ocsp.serialNumber")), ""),
            _CERTIFICATE_STATUS.get(_value(node, "ocsp.certStatus") or "", ""),
            _time(_value(node, "ocsp.thisUpdate")),
            _time(_value(node, "ocsp.nextUpdate")),
        )
        for node in _find(ocsp, lambda node: "ocsp.certStatus" in node)
    ]
    return _RESPONSE_STATUS.get(status or ""), singles


def _time(text: str | None) -> int | None:
    """Return nanoseconds since the epoch for the ways in which versions of Wireshark write a time."""
    if text is None:
        return None
    if match := _US_TIME.match(text):
        month, day, year, *clock = match.groups()
        numbers = [int(year), _MONTHS.get(month, 0), int(day), *map(int, clock)]
    elif match := _ISO_TIME.match(text):
        numbers = [int(number) for number in match.groups()]
    else:
        return None
    try:
        return int(datetime(*numbers, tzinfo=UTC).timestamp()) * 1_000_000_000  # type: ignore[misc,arg-type]
    except (ValueError, OverflowError):
        return None


def _is_ocsp_url(url: str) -> bool:
    """Tell whether the end of a URL is an OCSPRequest (RFC 6960 A.1), by the judgement of a library."""
    from base64 import b64decode
    from urllib.parse import unquote

    from cryptography.x509.ocsp import load_der_ocsp_request

    for match in re.finditer("/(?=M)", url):
        encoded = unquote(url[match.end() :]).partition("?")[0].replace("-", "+").replace("_", "/")
        try:
            load_der_ocsp_request(b64decode(encoded + "=" * (-len(encoded) % 4), validate=True))
        except NotImplementedError:
            # Several requests in one: it was parsed as far as that.
            return True
        except ValueError:
            continue
        return True
    return False


def _is_opaque(record: Fields) -> bool:
    """Tell whether a record of type handshake is shown without what is in it."""
    return _value(record, "tls.record.content_type") == "22" and record.get("tls.handshake") == ""


def _is_handshake(node: Fields) -> bool:
    return "tls.handshake.type" in node


def _walk(root: object) -> Iterator[tuple[str, object]]:
    """Yield every key with its value, in the order in which Wireshark shows them; lists are unrolled."""
    stack: list[tuple[str, object]] = [("", root)]
    while stack:
        key, node = stack.pop()
        if isinstance(node, list):
            stack += [(key, value) for value in reversed(node)]
            continue
        yield key, node
        if isinstance(node, Mapping):
            stack += [(name, value) for name, value in reversed(list(node.items()))]


def _find(root: Fields, wanted: Callable[[Fields], bool]) -> Iterator[Fields]:
    for _, node in _walk(root):
        if isinstance(node, Mapping) and wanted(node):
            yield node


def _find_layers(root: Fields, name: str) -> Iterator[Fields]:
    for key, node in _walk(root):
        if key == name and isinstance(node, Mapping):
            yield node


def _deep_values(root: Fields, name: str) -> Iterator[str]:
    for key, node in _walk(root):
        if key == name and isinstance(node, str):
            yield node


def _values(node: Fields, name: str) -> list[str]:
    value = node.get(name)
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _value(node: Fields, name: str) -> str | None:
    return next(iter(_values(node, name)), None)


def _plain(value: str | None) -> str:
    return (value or "").replace(":", "").lower()


def _serial(value: str | None) -> str:
    """Return a serial number as the facts write it: no leading zeros, with a sign where it is negative."""
    data = _hex(value or "") or b""
    return format(int.from_bytes(data, "big", signed=True), "x")


def _hex(value: str) -> bytes | None:
    try:
        return bytes.fromhex(value.replace(":", ""))
    except ValueError:
        return None

"""The state of a pcapng file so far: interfaces, dropped packets, secrets."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.capture import pcapng_blocks as blocks
from ocsp_pcap.capture.batch import Bytes


@dataclass(slots=True)
class FileState:
    """Changed by each block that holds no packet."""

    interfaces: list[blocks.Interface] = field(default_factory=list)
    """Those of the current section, from ``base`` on, behind those of sections read along with it."""
    base: int = 0
    secrets: list[bytes] = field(default_factory=list)
    unlimited: bool = False
    """An interface has no snapshot length."""
    snaplen: int | None = None
    _dropped_before: int | None = None
    """In past sections."""
    _dropped: dict[int, int] = field(default_factory=dict)
    """By interface of the current section."""
    _secret_bytes: int = 0

    def copy(self) -> FileState:
        """Return a copy that later blocks do not change."""
        return replace(
            self,
            interfaces=self.interfaces.copy(),
            secrets=self.secrets.copy(),
            _dropped=self._dropped.copy(),
        )

    def evidence(self, wanted: frozenset[int] | None) -> str | None:
        """Return what all interfaces that are wanted say, of evidence, of their one capture."""
        said = {
            interface.evidence
            for number, interface in enumerate(self.interfaces)
            if wanted is None or number in wanted
        }
        return (said.pop() or None) if len(said) == 1 else None

    @property
    def count(self) -> int:
        """Interfaces that the current section has described."""
        return len(self.interfaces) - self.base

    @property
    def dropped(self) -> int | None:
        """Dropped packets as each interface's last statistics report them, summed up."""
        if not self._dropped:
            return self._dropped_before
        return (self._dropped_before or 0) + sum(self._dropped.values())

    def forget_past_sections(self) -> None:
        """Drop the interfaces of sections that no packet can belong to any more."""
        del self.interfaces[: self.base]
        self.base = 0

    def apply(self, kind: int, order: str, body: Bytes) -> str | None:
        """Learn from one block; return what is wrong with it where reading cannot go on."""
        if kind == blocks.INTERFACE_DESCRIPTION:
            return self._interface(order, body.tobytes())
        if kind == blocks.SECTION_HEADER:
            return self._section(order, body.tobytes())
        if kind == blocks.INTERFACE_STATISTICS:
            dropped = blocks.read_dropped(order, body.tobytes())
            if dropped and dropped[0] < BOUNDS.interfaces:
                self._dropped[dropped[0]] = dropped[1]
        elif kind == blocks.DECRYPTION_SECRETS:
            secrets = blocks.read_key_log(order, body.tobytes())
            if secrets is not None and self._secret_bytes + len(secrets) > BOUNDS.secrets_bytes:
                reached("secrets_bytes")
            elif secrets is not None:
                self._secret_bytes += len(secrets)
                self.secrets.append(secrets)
        return None

    def _section(self, order: str, body: bytes) -> str | None:
        if len(body) < 16:
            return "a section header is too short"
        (major,) = struct.unpack_from(order + "H", body, 4)
        if major != 1:
            return f"a section has the unknown version {major}"
        self.base = len(self.interfaces)
        self._dropped_before = self.dropped
        self._dropped.clear()
        return None

    def _interface(self, order: str, body: bytes) -> str | None:
        interface = blocks.read_interface(order, body)
        if interface is None:
            return "an interface description is too short"
        if self.count >= BOUNDS.interfaces:
            return f"a section describes more than {BOUNDS.interfaces} interfaces"
        self.interfaces.append(interface)
        self.unlimited = self.unlimited or not interface.snaplen
        self.snaplen = None if self.unlimited else max(self.snaplen or 0, interface.snaplen)
        return None

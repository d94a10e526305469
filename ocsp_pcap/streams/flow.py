"""The record of a stream: its ends, its outcome, its first frames."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.facts import TcpOutcome


class FlowRows(NamedTuple):
    """The stream of each of N rows."""

    stream: NDArray[np.int64]
    direction: NDArray[np.uint8]
    """0 if sent by the host that sent the first packet of the stream, else 1."""


class Endpoints(NamedTuple):
    """The two ends of a stream; 0 sent its first packet. Addresses are the text form of ipaddress."""

    address_0: str
    port_0: int
    address_1: str
    port_1: int


class Flow(NamedTuple):
    """The memory of a stream; pairs are (direction 0, direction 1); frame None: not seen."""

    endpoints: Endpoints
    first_frame: int
    first_time: int
    syn_frames: tuple[int | None, int | None]
    """First SYN without ACK of each direction."""
    syn_times: tuple[int | None, int | None]
    syn_counts: tuple[int, int]
    syn_ack_frame: int | None
    reset_frame: int | None
    reset_direction: int | None
    fin_frames: tuple[int | None, int | None]
    packets: tuple[int, int]
    payload_packets: tuple[int, int]
    acknowledged: tuple[bool, bool]
    """Each direction sent an ACK that is no RST: proof that it heard from the other."""
    end_time: int = 0
    """Of the first FIN or RST, where there was one."""
    hop_limits: tuple[int | None, int | None] = (None, None)
    """Time to live, or hop limit, of each direction's first packet."""
    data_frames: tuple[int | None, int | None] = (None, None)
    """Where each direction's last bytes that were new, and no TLS alert by the look of it, came."""
    data_times: tuple[int | None, int | None] = (None, None)

    @property
    def ended_by(self) -> int | None:
        """Direction that sent the first FIN or RST; None: there was none."""
        one, other = self.fin_frames
        found, direction = (one, 0) if other is None or (one is not None and one < other) else (other, 1)
        reset = self.reset_frame
        if reset is not None and (found is None or reset < found):
            return self.reset_direction
        return None if found is None else direction

    @property
    def outcome(self) -> TcpOutcome | None:
        """How the attempt to open the connection ended; None where no opening is in the capture.

        ``reset`` is a connection that was opened and reset before any payload.
        """
        if self.syn_ack_frame is None and not any(self.syn_counts):
            return None
        opener = 0 if self.syn_counts[0] or not self.syn_counts[1] else 1
        established = self.syn_ack_frame is not None or self.acknowledged[opener]
        if established:
            return (
                "reset" if self.reset_frame is not None and not any(self.payload_packets) else "established"
            )
        if self.reset_frame is not None and self.reset_direction != opener:
            return "refused"
        return "unanswered"

    @property
    def one_sided(self) -> bool:
        """The capture holds one direction only of what must have been two."""
        return (not self.packets[1] and self.acknowledged[0]) or (
            not self.packets[0] and self.acknowledged[1]
        )

"""Bits of what is wanted of a stream: a byte for each, which :mod:`ocsp_pcap.observe.tcp_streams` keeps.

The two lowest, ``DIRECTION_BITS``, say of which directions further bytes can matter; these stand beside them.
"""

from __future__ import annotations

from typing import Final

LIVE: Final = 4
"""The stream has a conversation, or is carried over."""
ENDED_EARLY: Final = 8
"""It was ended because too many are open; what it says later is passed over."""
INHERITED: Final = 16
"""It began before the share of files that a worker reads: that worker does not read it."""
DOZING: Final = 32
"""An unknown protocol is spoken: only rows that begin as TLS or HTTP does can matter."""
LATE: Final = 64
"""It was dozing, and such a row came."""
CARRIED: Final = 128
"""It is plain so far: its rows are kept until all that can matter of it has come."""

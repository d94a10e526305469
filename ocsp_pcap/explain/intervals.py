"""Spans of time, in nanoseconds, within which packets are taken to belong together.

They are judgements, and stand in no protocol. Those that more than one rule needs are here, so that all rules
judge by the same.
"""

from __future__ import annotations

from typing import Final

from ocsp_pcap.explain.clocks import SECOND

AT_ONCE: Final = 5 * SECOND
"""A query that follows within this time answers to the handshake, where no other is nearer."""
CONCURRENT: Final = 5 * SECOND
"""Handshakes that start this shortly before a query may wait for one and the same answer."""
REACTION: Final = 15 * SECOND
"""A validator starts to look for the responder within this time of the certificate."""
LATE: Final = 60 * SECOND
"""What is asked later than this may have another occasion, which the capture need not show."""
PATIENCE: Final = 30 * SECOND
"""A capture that goes on for this long after a request, or a handshake that stopped, would show the rest."""
TRACE_TOLERANCE: Final = 30 * SECOND
"""A trace line belongs to a handshake that lies this near."""

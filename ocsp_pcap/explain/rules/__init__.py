"""The rules: one cause, one small function. Their order is their specificity, the most specific first.

:func:`unexplained` is not among them: it is what is left where none of them is at least likely.
"""

from __future__ import annotations

from typing import Final

from ocsp_pcap.explain.rules.absence import (
    capture_ends,
    capture_filtered,
    ocsp_disabled,
    ocsp_disabled_by_site,
    unexplained,
)
from ocsp_pcap.explain.rules.answer import Answer, Question, Rule
from ocsp_pcap.explain.rules.attempts import dns_failed, ocsp_over_tls, responder_unreachable
from ocsp_pcap.explain.rules.cache import cached, cached_before_capture
from ocsp_pcap.explain.rules.certificate import no_ocsp_url, reissued_certificate, short_lived
from ocsp_pcap.explain.rules.chain import not_intercepted
from ocsp_pcap.explain.rules.elsewhere import asked_elsewhere, connection_not_seen
from ocsp_pcap.explain.rules.handshake import (
    capture_incomplete,
    handshake_failed,
    session_resumed,
    staple_invalid,
    stapled,
)
from ocsp_pcap.explain.rules.hidden import certificate_encrypted, perhaps_queried
from ocsp_pcap.explain.rules.queries import failed_query, queried

__all__ = ["RULES", "Answer", "Question", "Rule", "unexplained"]

RULES: Final[tuple[Rule, ...]] = (
    queried,
    failed_query,
    dns_failed,
    responder_unreachable,
    not_intercepted,
    session_resumed,
    handshake_failed,
    stapled,
    staple_invalid,
    cached,
    reissued_certificate,
    short_lived,
    no_ocsp_url,
    certificate_encrypted,
    perhaps_queried,
    capture_incomplete,
    ocsp_disabled_by_site,
    ocsp_over_tls,
    capture_ends,
    asked_elsewhere,
    connection_not_seen,
    capture_filtered,
    ocsp_disabled,
    cached_before_capture,
)

"""What the site file and policy traces say about a question, ready to be quoted."""

from __future__ import annotations

from typing import Final

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.site import Proxy, Source
from ocsp_pcap.explain.trace import TraceEntry

TRACE_TOLERANCE: Final = 30 * SECOND
"""A trace line belongs to a handshake that lies this near."""


def said_in_site(question: Question, key: str) -> tuple[Evidence, ...]:
    """Return the line of the site file that gives a key of the validator's proxy."""
    return said_of(question.proxy, key) if question.proxy is not None else ()


def source_of(proxy: Proxy, key: str) -> Source:
    """Return where the value of a key comes from; without a file, a source that names none."""
    value = getattr(proxy, key)
    text = f"[proxies.{proxy.role}] {key} = {str(value).lower() if isinstance(value, bool) else value}"
    return proxy.source(key) or Source("site.toml", None, "toml", text)


def said_of(proxy: Proxy, key: str) -> tuple[Evidence, ...]:
    """Return the line of a site file or configuration that gives a key of a proxy."""
    source = source_of(proxy, key)
    line = f"line {source.line}: " if source.line is not None else ""
    text = source.text or f"[proxies.{proxy.role}] {key}"
    return (Evidence(source.path, None, None, f"{line}{text}"),)


def trace_entry(question: Question) -> TraceEntry | None:
    """Return the line of a policy trace that may be about this handshake.

    Where the trace has times, the nearest within :data:`TRACE_TOLERANCE`; where it has none, its only kind of
    line about this host.
    """
    case, proxy = question.case, question.proxy
    if not case.context.trace or question.presented_by == "client":
        return None
    if question.position > 0 or not question.eligible or (proxy is not None and proxy.ocsp is False):
        return None
    if question.validator.role not in ("child", "parent", "unknown"):
        return None
    entries = case.trace_of.get(question.host.lower(), [])
    timed = [entry for entry in entries if entry.time is not None]
    if not timed:
        return entries[0] if len({entry.action for entry in entries}) == 1 else None
    nearest = min(timed, key=lambda entry: abs((entry.time or 0) - question.visit.time))
    return nearest if abs((nearest.time or 0) - question.visit.time) <= TRACE_TOLERANCE else None

"""Words of the site file and of policy traces about a question, ready to be quoted."""

from __future__ import annotations

from typing import NamedTuple

from ocsp_pcap.explain.intervals import TRACE_TOLERANCE
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.site import Proxy, Source
from ocsp_pcap.explain.trace_entry import TraceEntry


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
    case = question.case
    if not case.context.trace or question.presented_by == "client":
        return None
    if question.position > 0 or not question.eligible or not trace_is_of(question):
        return None
    entries = case.trace_of.get(question.host.lower(), [])
    timed = [entry for entry in entries if entry.time is not None]
    if not timed:
        return entries[0] if len({entry.action for entry in entries}) == 1 else None
    nearest = min(timed, key=lambda entry: abs((entry.time or 0) - question.visit.time))
    return nearest if abs((nearest.time or 0) - question.visit.time) <= TRACE_TOLERANCE else None


class Shown(NamedTuple):
    """A sign of OCSP at work on a validator on which it is said to be off."""

    words: str
    """One clause."""
    evidence: Evidence


def shows_ocsp(question: Question) -> Shown | None:
    """Return what shows OCSP at work on this validator: requests of its own, or its policy trace."""
    case = question.case
    if question.asker.exchanges:
        first = question.asker.exchanges[0]
        frame = first.frames.request or first.frames.response
        named = case.places.frame_words(first.capture, frame)
        words = "it does send OCSP requests" + (f" (frame {named})" if named else "")
        return Shown(words, Evidence(first.capture, frame, first.stream, "OCSP request that it sent"))
    if case.context.trace and trace_is_of(question):
        entry = case.context.trace[0]
        return Shown(
            f"a policy trace shows OCSP at work (line {entry.line} of {entry.path})",
            Evidence(entry.path, None, None, f"line {entry.line}: OCSP for {entry.host}: {entry.action}"),
        )
    return None


def trace_is_of(question: Question) -> bool:
    """The policy trace may be that of this validator: no other proxy is in sight that has OCSP on."""
    if question.validator.role == "client" or question.presented_by == "client":
        return False
    case, proxy = question.case, question.proxy
    if proxy is None or proxy.ocsp is not False:
        return True
    given = any(other.ocsp is not False for other in case.site.proxies if other is not proxy)
    seen = any(
        role in ("child", "parent") and case.proxy(address) is None
        for address, role in case.roles.by_address.items()
    )
    return not (given or seen)


def contradicted(question: Question) -> Shown | None:
    """Return what shows OCSP at work although the site file calls it off here; None: nothing does."""
    proxy = question.proxy
    if proxy is None or proxy.ocsp is not False or (shown := shows_ocsp(question)) is None:
        return None
    words = f"the site file says that OCSP is off on {question.who}, and yet {shown.words}"
    return Shown(words, shown.evidence)

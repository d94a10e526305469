"""Things that are done already, as packets and site file show, so that no next step asks for them again."""

from __future__ import annotations

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.question import Question


def what_is_left(question: Question) -> dict[str, str | None]:
    """Return, for a certificate that a proxy reissued, what the next steps may speak of.

    Returns:
        Values for the placeholders of the same names (:data:`~ocsp_pcap.explain.entries.PLACEHOLDERS`); None
        leaves out the steps that need one.
    """
    here, role = question.validator.address, question.validator.role
    told_off = question.proxy is not None and question.proxy.ocsp is False
    on = _on_at_the_parent(question)
    return {
        "upstream_on": on,
        "upstream_off": None if on is not None else "the proxy that intercepts, the parent",
        "on_here": here if role in ("child", "parent") and not told_off else None,
        "perhaps_on_here": here if role == "unknown" else None,
        "unseen": None if _original_seen(question) else question.host,
    }


def _on_at_the_parent(question: Question) -> str | None:
    """Say how it is known that the parent asks; None: it is not."""
    case = question.case
    for host in case.once(_asking_parents):
        if host.identity != question.asker.identity:
            return f"{host.exchanges[0].client} sends OCSP requests"
    parent = case.site.proxy("parent")
    if parent is not None and parent is not question.proxy and parent.ocsp is True:
        source = parent.source("ocsp")
        if source is None:
            return "the site file says so"
        where = source.path if source.line is None else f"{source.path}:{source.line}"
        return f"{where} says “{source.text}”"
    return None


def _original_seen(question: Question) -> bool:
    """Tell whether a capture shows the host's own certificate, as the parent received it."""
    certificate = question.certificate
    shown = question.case.once(_leaves_at_parents).get(question.host.lower(), set())
    return bool(shown if certificate is None else shown - {certificate.sha256})


def _asking_parents(case: Case) -> list[Host]:
    return [host for host in case.hosts.values() if host.role == "parent" and host.exchanges]


def _leaves_at_parents(case: Case) -> dict[str, set[str]]:
    """Return, by the name of a host, the hashes of the leaves that a parent received for it."""
    found: dict[str, set[str]] = {}
    for visit in case.visits:
        if visit.host and case.roles.role(visit.handshake.client) == "parent":
            for leaf in case.chain(visit.handshake)[:1]:
                found.setdefault(visit.host.lower(), set()).add(leaf.sha256)
    return found

"""Handshakes whose certificate is encrypted: what is readable of them, and what may have followed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.spans import between, some
from ocsp_pcap.explain.visits import Visit, evidence_in
from ocsp_pcap.facts import HandshakeFact, OcspExchangeFact
from ocsp_pcap.facts.hosts import host_of

SHORTLY: Final = 5 * SECOND
"""A query that follows a hidden certificate within this time is probably for it."""
MAX_OFFERED: Final = 3
"""Queries named for one handshake."""


def is_quic(handshake: HandshakeFact) -> bool:
    """Tell whether a handshake travels over QUIC: no other that uses UDP is read."""
    return handshake.transport == "udp"


def opened_in_vain(handshake: HandshakeFact) -> bool:
    """Tell whether there are keys for a handshake, and what they would open is not in the capture."""
    ended = handshake.complete or handshake.application_data
    return handshake.decrypted and (handshake.missing_bytes > 0 or not ended)


def captures_opened(case: Case) -> frozenset[str]:
    """Return the captures of which keys opened some handshake: there are keys for them."""
    return frozenset(visit.handshake.capture for visit in case.visits if visit.handshake.decrypted)


def past_a_proxy(case: Case, handshake: HandshakeFact) -> bool:
    """Tell whether a connection went past the proxies of the captures."""
    proxies = ("child", "parent")
    if case.roles.role(handshake.client) in proxies:
        return False
    return any(role in proxies for role in case.roles.by_address.values())


def known_of_hidden(visit: Visit, version: str) -> Iterator[Evidence]:
    """Yield what is readable of a handshake without keys."""
    handshake = visit.handshake
    over = " in QUIC" if is_quic(handshake) else ""
    yield visit.evidence(
        f"ServerHello of {version}{over} without pre_shared_key: no session is resumed, and everything after "
        "it is encrypted, the certificate too",
        handshake.frames.server_hello,
    )
    if handshake.frames.client_hello is None:
        return
    words = f"ClientHello: SNI {handshake.sni}" if handshake.sni else "ClientHello without SNI"
    if handshake.encrypted_client_hello:
        words += " (the outer name; encrypted_client_hello may hide another)"
    if handshake.connect_host:
        words += f"; it travels behind {handshake.tunnel or 'connect'} {handshake.connect_host}"
    if handshake.status_request:
        words += "; it asks for a staple, so one may be among what is hidden"
    elif not handshake.client_hello_cut and not handshake.encrypted_client_hello:
        words += "; it asks for no staple, so none is hidden (RFC 8446 4.4.2.1)"
    yield visit.evidence(words, handshake.frames.client_hello)


def followed(question: Question) -> list[Evidence]:
    """Return CRL downloads, and lookups of hosts that matter, by this validator soon after."""
    found = question.case.once(_traffic).get(question.asker.identity, [])
    start = bisect_left(found, question.visit.time, key=lambda item: item[0])
    near = found[start : start + MAX_OFFERED]
    return [evidence for time, evidence in near if time - question.visit.time <= SHORTLY]


def _traffic(case: Case) -> dict[str, list[tuple[int, Evidence]]]:
    """Return, by identity of a validator, its CRL downloads and lookups with their times, in order."""
    index: dict[str, list[tuple[int, Evidence]]] = defaultdict(list)
    for fetch in case.facts.crl_fetches:
        evidence = evidence_in(fetch, f"CRL download soon after: {fetch.url}")
        index[case.identity(fetch.client)].append((case.clock(fetch.capture, fetch.time), evidence))
    for lookup in case.facts.dns_lookups:
        frame = lookup.frames.request or lookup.frames.response
        note = f"DNS lookup soon after: {lookup.name}, which serves OCSP or CRLs"
        evidence = Evidence(lookup.capture, frame, None, note)
        index[case.identity(lookup.client)].append((case.clock(lookup.capture, lookup.time), evidence))
    for items in index.values():
        items.sort(key=lambda item: item[0])
    return index


def asked_shortly_after(question: Question) -> list[OcspExchangeFact]:
    """Return queries by this validator, soon after, for certificates that it was not seen to receive."""
    case, visit = question.case, question.visit
    if not visit.handshake.certificate_encrypted or question.presented_by == "client":
        return []
    asked = between(question.asker.unmatched, visit.time, visit.time + SHORTLY, case.moment)
    near: list[OcspExchangeFact] = []
    for exchange in some(asked):
        if len(near) == MAX_OFFERED:
            break
        # The connection to the responder may itself be such a handshake.
        inside = (exchange.capture, exchange.stream) == (visit.handshake.capture, visit.handshake.stream)
        if not inside and host_of(exchange.url) != (visit.host or ""):
            near.append(exchange)
    nearest = [
        exchange for exchange in near if hidden_before(question, case.moment(exchange))[-1:] == [visit]
    ]
    return nearest or near[:1]


def hidden_before(question: Question, time: int) -> list[Visit]:
    """Return the visits of this validator with a hidden certificate that shortly precede a moment."""
    hidden = [visit for visit in question.asker.hidden if visit.handshake.certificate_encrypted]
    first = bisect_left(hidden, time - SHORTLY, key=lambda visit: visit.time)
    return hidden[first : bisect_right(hidden, time, key=lambda visit: visit.time)]


def hidden_query_evidence(case: Case, exchange: OcspExchangeFact) -> Evidence:
    """Return the frames of a query that may be for a hidden certificate."""
    answer = exchange.response
    status = next((single.status for single in answer.singles), answer.response_status) if answer else None
    answered = case.places.frame_words(exchange.capture, exchange.frames.response)
    frames = f", answered {status} in frame {answered}" if answered else ""
    return evidence_in(
        exchange, f"OCSP query for serial {serial_of(exchange)}, which no visible certificate has{frames}"
    )


def serial_of(exchange: OcspExchangeFact) -> str:
    """Return the serial number that an exchange is about; "unknown" where it names none."""
    ids = exchange.requests or (exchange.response.singles if exchange.response else ())
    return ids[0].serial if ids else "unknown"

"""The one sentence that answers the ticket: who sent how many OCSP requests, what came of them, why none.

Every report quotes it to the letter. Requests and answers are counted as Wireshark shows them, and
what a verdict calls likely is "may be" here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.cause_phrases import cause_phrases
from ocsp_pcap.explain.matching import match_cert_id
from ocsp_pcap.explain.model import Status, Verdict
from ocsp_pcap.explain.phrases import count, first_of, listed, validator_name
from ocsp_pcap.explain.stapling import PROVE_NOTHING, validity_words
from ocsp_pcap.explain.traffic import BEFORE_A_PACKET, FAILED, Asked, AskingHost, asking_hosts
from ocsp_pcap.facts import CertificateFact, OcspExchangeFact, SingleFact

MOST_HOSTS: Final = 3
"""Validators that the sentence names; of more it speaks as a whole."""
MOST_REASONS: Final = 4
MOST_NAMES: Final = 3
_NEVER: Final[dict[str, tuple[str, str]]] = {
    "reissued-certificate": (
        "only reissued certificates arrive there",
        "it seems that only reissued certificates arrive there",
    ),
    "not-intercepted": (
        "these connections are only tunnelled there",
        "it seems that these connections are only tunnelled there",
    ),
    "no-ocsp-url": (
        "no certificate there names a responder",
        "it seems that no certificate there names a responder",
    ),
}
"""Causes with which no OCSP can come at all, as a reason: confirmed, and likely."""


def headline(
    case: Case, verdicts: Sequence[Verdict], *, hosts: Sequence[str] = (), only: Collection[str] | None = None
) -> str:
    """Answer the ticket in a sentence or two.

    Args:
        case: the facts.
        verdicts: those that are reported.
        hosts: glob patterns of the hosts that they were chosen by, if any.
        only: SHA-256 of the certificates to which that choice limits the OCSP traffic.
    """
    asking = asking_hosts(case, verdicts, only)
    counted = [verdict for verdict in verdicts if counts(verdict)]
    if not asking and not counted:
        captures = case.facts.captures
        one = len(captures) == 1
        if sum(capture.packets for capture in captures) == 0:
            return f"The {'capture holds' if one else 'captures hold'} no packets."
        shown = "no certificate, no TLS handshake and no OCSP message"
        return f"The {'capture shows' if one else 'captures show'} {shown}."
    sentences = [*_requests(case, asking, counted), *_silence(case, asking, counted)]
    sentences += _revoked(case, asking, counted)
    start = f"For {', '.join(hosts)}: " if hosts else ""
    return start + " ".join(f"{sentence}." for sentence in sentences)


def counts(verdict: Verdict) -> bool:
    """Tell whether a verdict is one that headlines count: a leaf, or an intermediate that was asked about."""
    return verdict.chain_role == "leaf" or verdict.presence in ("present", "attempted")


def _requests(case: Case, asking: Sequence[AskingHost], verdicts: Sequence[Verdict]) -> list[str]:
    """Say who asked, how often, and what came of it."""
    own = [asker for asker in asking if asker.asked]
    relaying = [asker for asker in asking if asker.handed_on]
    handed_on = []
    if relaying:
        whole = AskingHost("", own[0].validator if own else relaying[0].validator, _joined(relaying), ())
        what = count(len(whole.asked), "OCSP request")
        handed_on = [f"{what} handed on for others by {_hosts(relaying)}{_outcomes(whole)}"]
    if len(own) > MOST_HOSTS:
        asked = tuple(each for asker in own for each in asker.asked)
        whole = AskingHost("", own[0].validator, asked, ())
        return [f"{_sent(whole, f'{len(own)} hosts')}{_outcomes(whole)}", *handed_on]
    by_host = _by_host(case, verdicts)
    sentences = []
    for asker in own:
        sentence = f"{_sent(asker, validator_name(asker.validator))}{_outcomes(asker)}"
        rows = by_host.get(asker.identity, [])
        unasked = [v for v in rows if v.cause in BEFORE_A_PACKET or v.presence in ("absent", "unknown")]
        if unasked:
            sentence += f"; {_of_all(unasked, len(rows))}"
        sentences.append(sentence)
    return [*sentences, *handed_on]


def _joined(relaying: Sequence[AskingHost]) -> tuple[Asked, ...]:
    return tuple(each for asker in relaying for each in asker.handed_on)


def _sent(asker: AskingHost, name: str) -> str:
    """Return how many requests came from where, and answers went there of which only these were captured."""
    if asker.requests:
        alone = len(asker.asked) - asker.requests
        more = f" and {count(alone, 'answer')} without a request" if alone else ""
        return f"{count(asker.requests, 'OCSP request')} from {name}{more}"
    return f"{count(asker.answers, 'OCSP answer')} to {name} (the requests are not in the captures)"


def _outcomes(asker: AskingHost) -> str:
    """Return what came of requests: `` : 2 answered (1 good, 1 REVOKED), 6 failed (...)``."""
    answered = [each for each in asker.asked if each.outcome == "answered"]
    failed = [each for each in asker.asked if each.outcome not in ("answered", "not-whole")]
    cut = len(asker.asked) - len(answered) - len(failed)
    number = len(asker.asked)
    parts = []
    if answered:
        statuses = Counter(_status(each.statuses) for each in answered)
        if len(statuses) == 1:
            parts.append(f"{_share(len(answered), number)}answered {next(iter(statuses))}")
        else:
            words = ", ".join(f"{many:,} {status}" for status, many in statuses.most_common())
            parts.append(f"{_share(len(answered), number)}answered ({words})")
    if failed:
        outcomes = Counter(each.outcome for each in failed)
        if len(outcomes) == 1:
            one, several = FAILED[failed[0].outcome]
            words = one if len(failed) == 1 else several
        else:
            words = ", ".join(count(many, *FAILED[outcome]) for outcome, many in outcomes.most_common())
        parts.append(f"{_share(len(failed), number)}failed ({words})")
    if cut:
        parts.append(f"{_share(cut, number)}with an answer that is not in the capture as a whole")
    return f": {', '.join(parts)}{_strange(asker)}" if parts else ""


def _share(part: int, whole: int) -> str:
    """Return how many of some, as an adverb before what they did."""
    if part == whole:
        return "" if whole == 1 else "both " if whole == 2 else f"all {whole:,} "
    return f"{part:,} "


def _strange(asker: AskingHost) -> str:
    """Say how many requests are for staples of its own, or about certificates that no handshake shows."""
    number = len(asker.asked)
    own_words = ""
    if own := sum(each.own_certificate for each in asker.asked):
        what = "about its own certificate, to staple the answer"
        own_words = f", {what}" if own == number else f", {own:,} of the {number:,} {what}"
    strange = sum(not (each.matched or each.own_certificate) for each in asker.asked)
    if not strange:
        return own_words
    whose = "a certificate" if strange == 1 else "certificates"
    some = "" if strange == number else f"{strange:,} of the {number:,} "
    return f"{own_words}, {some}about {whose} that no handshake there shows"


def _status(statuses: Sequence[Status]) -> str:
    """Return one word for the statuses of one answer, the gravest first."""
    for status in ("revoked", "unknown", "good"):
        if status in statuses:
            return status.upper() if status == "revoked" else status
    return "not modified"


def _silence(case: Case, asking: Sequence[AskingHost], verdicts: Sequence[Verdict]) -> list[str]:
    """Say of the hosts that asked nothing why they did not."""
    spoke = {asker.identity for asker in asking if asker.asked}
    silent = {identity: rows for identity, rows in _by_host(case, verdicts).items() if identity not in spoke}
    # What a host handed on was not its own: it neither asked nor kept silent about these certificates.
    relaying = {asker.identity for asker in asking if asker.relayed}
    for identity in relaying & silent.keys():
        silent[identity] = [v for v in silent[identity] if v.presence in ("absent", "unknown")]
    silent = {identity: rows for identity, rows in silent.items() if rows}
    proxies = {i: rows for i, rows in silent.items() if rows[0].validator.role in ("child", "parent")}
    if proxies and not any(
        verdict.presence in ("present", "attempted")
        for rows in silent.values()
        for verdict in rows
        if rows[0].validator.role not in ("child", "parent")
    ):
        # The ticket is about the proxies; whoever is behind them stands in the rows.
        silent = proxies
    if not silent:
        return []
    first = not spoke and not any(asker.handed_on for asker in asking)
    rows = [verdict for some in silent.values() for verdict in some]
    tried = any(verdict.presence == "attempted" for verdict in rows)
    sentences = []
    if first and not tried:
        lead = "No OCSP request"
    elif first:
        lead = "OCSP was tried, and no request came out"
    else:
        # Of a host that handed on what others asked it is its own that is missing.
        only_relays = relaying and relaying >= silent.keys()
        lead = f"None of {'its' if len(silent) == 1 else 'their'} own" if only_relays else "None"
    if len(silent) > MOST_HOSTS:
        others = f"{len(silent)} hosts" if first else f"the other {len(silent)} hosts"
        return [f"{lead} from {others}: {_of_all(rows, len(rows))}"]
    whose: dict[str, list[list[Verdict]]] = defaultdict(list)
    for own in silent.values():
        whose[_why(own)].append(own)
    for number, (why, alike) in enumerate(whose.items()):
        own = alike[0]
        name = listed([validator_name(some[0].validator) for some in alike])
        if len(alike) > 1 and not why.startswith(","):
            why = f"{why} each"
        start = lead if number == 0 else "none"
        if tried and first:
            own_tried = any(verdict.presence == "attempted" for verdict in own)
            start = "OCSP was tried, and no request came out" if own_tried else "no OCSP request"
        sentences.append(f"{start} from {name}{why}")
    joined = "; ".join(sentences)
    return [joined[:1].upper() + joined[1:]]


def _why(verdicts: Sequence[Verdict]) -> str:
    """Return why nothing came from one host: `` , and none can come: ...`` or `` : 2 were stapled``."""
    causes = {verdict.cause for verdict in verdicts}
    sure = all(verdict.confidence == "confirmed" for verdict in verdicts)
    if len(causes) == 1 and (never := _NEVER.get(next(iter(causes)))):
        return f", and none can come: {never[0]}" if sure else f", and none may come: {never[1]}"
    if causes <= _NEVER.keys() and sure:
        return f", and none can come: {_of_all(verdicts, len(verdicts))}"
    return f": {_of_all(verdicts, len(verdicts))}"


def _of_all(verdicts: Sequence[Verdict], number: int) -> str:
    """Return the reasons of some verdicts out of a number: ``of its 4 certificates 2 were stapled``."""
    reasons = _reasons(verdicts)
    if len(reasons) > 1 or len(verdicts) < number:
        return f"of {count(number, 'certificate')} {listed(reasons)}"
    phrase = reasons[0].partition(" ")[2]
    if number == 1:
        return f"the only certificate {phrase}"
    return f"{'both' if number == 2 else f'all {number:,}'} certificates {phrase}"


def _reasons(verdicts: Iterable[Verdict]) -> list[str]:
    """Return a phrase for each cause, the rest beyond some of them in one."""
    rows = list(verdicts)
    phrases = cause_phrases((verdict.cause, verdict.confidence) for verdict in rows)
    if len(phrases) <= MOST_REASONS:
        return phrases
    first = phrases[: MOST_REASONS - 1]
    rest = len(rows) - sum(int(phrase.partition(" ")[0].replace(",", "")) for phrase in first)
    return [*first, f"{rest:,} {'has' if rest == 1 else 'have'} other reasons"]


def _revoked(case: Case, asking: Sequence[AskingHost], verdicts: Sequence[Verdict]) -> list[str]:
    """Name every certificate that an answer or a staple calls revoked: that must not be lost."""
    revoked = [verdict for verdict in verdicts if verdict.status == "revoked"]
    names: list[str] = []
    unsure: list[str] = []
    sure = True
    for verdict in revoked:
        said = [each for each in verdict.sightings if each.status == "revoked"]
        in_vain = all(each.cause in PROVE_NOTHING for each in said)
        (unsure if in_vain else names).append(_name(verdict))
        sure = sure and not (in_vain and any(each.confidence != "confirmed" for each in said))
    by_serial: dict[str, list[tuple[Verdict, CertificateFact]]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.status and verdict.certificate:
            by_serial[verdict.certificate.serial].append((verdict, verdict.certificate))
    for asker in asking:
        for each in (*asker.asked, *asker.relayed):
            for single in revoked_singles(each.exchange):
                meant = [v for v, shown in by_serial.get(single.serial, ()) if match_cert_id(shown, single)]
                if any(verdict.status == "revoked" for verdict in meant):
                    continue
                later = f"{_name(meant[-1])} (later {meant[-1].status})" if meant else None
                answer = each.exchange.response
                bad = answer is not None and answer.signature == "invalid"
                (unsure if bad else names).append(later or _name_by(case, single))
                # Whoever signed it may be trusted by the validator (RFC 6960 4.2.2.2).
                sure = sure and not (bad and answer is not None and answer.signer is not None)
    unsure = [name for name in unsure if name not in names]
    leads = (("REVOKED", names), (f"REVOKED, says an answer that {validity_words(sure=sure)}", unsure))
    return [f"{lead}: {first_of(list(dict.fromkeys(some)), MOST_NAMES)}" for lead, some in leads if some]


def revoked_singles(exchange: OcspExchangeFact) -> list[SingleFact]:
    """Return what the answer of an exchange says of certificates that it calls revoked."""
    singles = exchange.response.singles if exchange.response else ()
    return [single for single in singles if single.status == "revoked"]


def _name(verdict: Verdict) -> str:
    certificate = verdict.certificate
    if verdict.chain_role == "intermediate" and certificate is not None:
        return certificate.subject
    return verdict.host or (certificate.subject if certificate else "a certificate that is not visible")


def _name_by(case: Case, single: SingleFact) -> str:
    """Name a certificate that is called revoked, of which no verdict says so: any handshake may show it."""
    shown = (each for each in case.askers.with_serial(single.serial) if match_cert_id(each, single))
    certificate = next(shown, None)
    if certificate is None:
        return f"serial {single.serial}"
    return first_of(certificate.sans, 1) if certificate.sans else certificate.subject


def _by_host(case: Case, verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Return the verdicts of each validator by its identity, proxies first."""
    found: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        found[case.identity(verdict.validator.address)].append(verdict)
    order = ("child", "parent", "unknown", "client")
    return dict(sorted(found.items(), key=lambda item: order.index(item[1][0].validator.role)))


def _hosts(asking: Sequence[AskingHost]) -> str:
    names = [validator_name(asker.validator) for asker in asking]
    return listed(names) if len(names) <= MOST_HOSTS else f"{len(names)} hosts"

"""The chain as it appears in these captures: who is there, what each link carried, where OCSP went or should.

A typed model and no drawing. Hosts stand in the order of the way to the origin; links come in the order
in which one tells the story: TLS, staples, OCSP, CRLs, and then, for every host that asked nothing,
where its queries would have gone and why none went.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.cause_phrases import cause_rank
from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.model import Evidence, Link, LinkKind, Node, NodeKind, Picture, Role, Verdict
from ocsp_pcap.explain.phrases import common_name, count
from ocsp_pcap.explain.picture_words import (
    beyond_words,
    cause_words,
    crl_words,
    ghost_words,
    ocsp_words,
    staple_words,
)
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.staples import staple_state
from ocsp_pcap.explain.traffic import BEFORE_A_PACKET, Asked, AskingHost, asking_hosts
from ocsp_pcap.explain.visits import Visit, evidence_in
from ocsp_pcap.facts import CertificateFact, OcspExchangeFact
from ocsp_pcap.facts.hosts import host_of

MOST_OF_A_KIND: Final = 2
"""Hosts of one kind that are drawn each by itself; of more, one figure stands for all."""
MOST_EVIDENCE: Final = 8
_ORDER: Final[tuple[NodeKind, ...]] = (
    "client", "host", "child", "parent", "proxy", "responder", "crl", "origin",
)  # fmt: skip
_KIND_OF_ROLE: Final[dict[Role, NodeKind]] = {
    "client": "client", "child": "child", "parent": "parent", "unknown": "host",
}  # fmt: skip
_TITLES: Final[dict[NodeKind, tuple[str, str]]] = {
    "client": ("Client", "clients"),
    "host": ("TLS client", "TLS clients"),
    "child": ("Child proxy", "child proxies"),
    "parent": ("Parent proxy", "parent proxies"),
    "proxy": ("Forwarding host", "forwarding hosts"),
    "responder": ("OCSP responder", "OCSP responders"),
    "crl": ("CRL server", "CRL servers"),
    "origin": ("Origin", "origins"),
}
_ENOUGH_NAMES: Final = 2


def picture(case: Case, verdicts: Sequence[Verdict], only: Collection[str] | None = None) -> Picture:
    """Return the chain of some verdicts.

    Args:
        case: the facts.
        verdicts: what is drawn: their hosts, and where their queries went.
        only: SHA-256 of the certificates to which a choice of hosts limits the OCSP traffic.
    """
    return _Drawing(case, verdicts, only).picture()


class _Part(NamedTuple):
    """What went between two hosts: a link, or a part of one where a figure stands for several hosts."""

    source: str
    target: str
    kind: LinkKind
    words: tuple[Any, ...]
    items: Sequence[Any]
    evidence: Iterable[Evidence]
    """Gone through once, and no further than a link has room."""


class _Drawing:
    """Collects hosts and links, then gives each kind of host its figures."""

    def __init__(self, case: Case, verdicts: Sequence[Verdict], only: Collection[str] | None) -> None:
        self.case = case
        self.verdicts = verdicts
        self.only = only
        self.askers = asking_hosts(case, verdicts, only)
        self.kinds: dict[str, NodeKind] = {}
        """Identity of a host, or name of a responder, to what it is."""
        self.names: dict[str, str] = {}
        self.responders: dict[str, None] = {}
        """Those of the kinds that are responders, in their order."""
        self.reissued: dict[str, list[CertificateFact]] = defaultdict(list)
        """Identity of a validator: the certificates that it received reissued."""
        for verdict in verdicts:
            identity = case.identity(verdict.validator.address)
            if verdict.cause == "reissued-certificate" and verdict.certificate is not None:
                self.reissued[identity].append(verdict.certificate)
            kind = _KIND_OF_ROLE[verdict.validator.role]
            if verdict.presented_by == "client":
                kind = "origin"
            self._host(identity, verdict.validator.address, kind)
        for asker in self.askers:
            self._host(asker.identity, asker.validator.address, _KIND_OF_ROLE[asker.validator.role])
        self.parts: list[_Part] = []

    def picture(self) -> Picture:
        """Draw everything."""
        self._tls()
        self._ocsp()
        self._attempts()
        self._crls()
        self._ghosts()
        figures = self._figures()
        nodes = dict.fromkeys(figures.values())
        links = tuple(self._links(figures))
        used = {end for link in links for end in (link.source, link.target)}
        shown = sorted((n for n in nodes if n.id in used), key=lambda node: _ORDER.index(node.kind))
        return Picture(tuple(shown), links)

    def _links(self, figures: dict[str, Node]) -> Iterator[Link]:
        """Yield a link for each kind between two figures: its words count over all hosts of these."""
        joined: dict[tuple[str, str, LinkKind], dict[tuple[Any, ...], list[_Part]]] = {}
        for part in self.parts:
            source, target = figures[part.source].id, figures[part.target].id
            if source != target:
                joined.setdefault((source, target, part.kind), {}).setdefault(part.words, []).append(part)
        for (source, target, kind), by_words in joined.items():
            labels = [
                words[0]([item for part in parts for item in part.items], *words[1:])
                for words, parts in by_words.items()
            ]
            evidence = (item for parts in by_words.values() for part in parts for item in part.evidence)
            yield Link(source, target, kind, "; ".join(labels), tuple(islice(evidence, MOST_EVIDENCE)))

    def _host(self, key: str, name: str, kind: NodeKind) -> str:
        if self.kinds.setdefault(key, kind) == "responder":
            self.responders[key] = None
        self.names.setdefault(key, name)
        return key

    def _part(
        self,
        ends: tuple[str, str],
        kind: LinkKind,
        words: tuple[Any, ...],
        items: Sequence[Any],
        evidence: Iterable[Evidence] = (),
    ) -> None:
        """Note what went from one host to another, or should have.

        ``words`` is what makes a label of ``items``, of one host or of several, and what else it is given.
        """
        self.parts.append(_Part(*ends, kind, words, items, evidence))

    def _figures(self) -> dict[str, Node]:
        """Return the figure of each host: its own, or one that stands for all of its kind."""
        by_kind: dict[NodeKind, list[str]] = defaultdict(list)
        for key, kind in self.kinds.items():
            by_kind[kind].append(key)
        figures: dict[str, Node] = {}
        for kind, keys in by_kind.items():
            one, several = _TITLES[kind]
            most = 1 if kind in ("origin", "crl") else MOST_OF_A_KIND
            if len(keys) <= most:
                for number, key in enumerate(keys):
                    figures[key] = Node(f"{kind}{number}", kind, one, self.names[key], self._notes(key))
            else:
                names = [self.names[key] for key in keys[:_ENOUGH_NAMES]]
                more = len(keys) - len(names)
                shown = ", ".join(names) + (f" +{more}" if more else "")
                whole = Node(kind, kind, f"{len(keys):,} {several}", shown)
                figures.update(dict.fromkeys(keys, whole))
        return figures

    def _notes(self, key: str) -> tuple[str, ...]:
        proxy = self.case.proxy(self.names[key]) if self.kinds[key] in ("child", "parent") else None
        notes = []
        if proxy is not None and proxy.ocsp is not None:
            notes.append(f"site: OCSP {'on' if proxy.ocsp else 'off'}")
        if proxy is not None and proxy.intercepts is not None:
            notes.append("intercepts" if proxy.intercepts else "only tunnels")
        return tuple(notes)

    def _visits(self) -> Iterable[Visit]:
        if self.only is None:
            return self.case.visits
        wanted = {(s.capture, s.stream) for verdict in self.verdicts for s in verdict.sightings}
        return (v for v in self.case.visits if (v.handshake.capture, v.handshake.stream) in wanted)

    def _tls(self) -> None:
        """Link each TLS client to where its handshakes went."""
        groups: dict[tuple[str, str], list[Visit]] = defaultdict(list)
        for visit in self._visits():
            client = self.case.identity(visit.handshake.client)
            self._host(client, visit.handshake.client, "host")
            server = self.case.identity(visit.handshake.server)
            if server not in self.kinds:
                tunnelled = visit.handshake.tunnel in ("connect", "socks")
                server = self._host(
                    server if tunnelled else f"origin {visit.host or visit.handshake.server}",
                    visit.handshake.server if tunnelled else visit.host or visit.handshake.server,
                    "proxy" if tunnelled else "origin",
                )
            groups[client, server].append(visit)
        origins: dict[str, list[Visit]] = defaultdict(list)
        for (client, server), visits in groups.items():
            if self.kinds[server] == "origin":
                origins[client] += visits
            else:
                self._tls_link(client, server, visits)
        for client, visits in origins.items():
            first = visits[0]
            self._tls_link(client, f"origin {first.host or first.handshake.server}", visits)

    def _tls_link(self, client: str, server: str, visits: list[Visit]) -> None:
        if server not in self.kinds:
            server = self.case.identity(visits[0].handshake.server)
        relayed = sum(self.case.hellos.inner_leg(visit) is not None for visit in visits)
        evidence = (visit.evidence("TLS handshake") for visit in visits)
        items = [(client, visit) for visit in visits]
        self._part((client, server), "tls", (self._tls_words,), items, evidence)
        if relayed < len(visits):
            self._staples(client, server, [visit for visit in visits if visit.handshake.staples])

    def _tls_words(self, items: Sequence[tuple[str, Visit]]) -> str:
        """Return how many handshakes there were, and what came of them."""
        visits = [visit for _, visit in items]
        shown = {visit.handshake.certificates: visit for visit in visits}
        leaves = {chain[0].sha256 for visit in shown.values() if (chain := self.case.chain(visit.handshake))}
        reissued = {
            certificate.sha256: certificate.issuer
            for client in dict.fromkeys(client for client, _ in items)
            for certificate in self.reissued.get(client, ())
            if certificate.sha256 in leaves
        }
        hidden = sum(visit.handshake.certificate_encrypted for visit in visits)
        relayed = sum(self.case.hellos.inner_leg(visit) is not None for visit in visits)
        parts = [count(len(leaves), "certificate")] if leaves else []
        if reissued:
            issuers = Counter(reissued.values())
            others = " and others" if len(issuers) > 1 else ""
            by = f"reissued by {common_name(issuers.most_common(1)[0][0])}{others}"
            parts = [
                f"{parts[0]} {by}" if len(reissued) == len(leaves) else f"{parts[0]}, {len(reissued):,} {by}"
            ]
        if hidden:
            parts.append(f"{hidden:,} encrypted")
        if relayed:
            parts.append("only tunnelled" if relayed == len(visits) else f"{relayed:,} only tunnelled")
        label = count(len(visits), "TLS handshake")
        return f"{label}: {', '.join(parts)}" if parts else label

    def _staples(self, client: str, server: str, visits: Iterable[Visit]) -> None:
        """Link a server to its client by staples: those that say good, those that do not, those unusable."""
        kinds: dict[LinkKind, list[tuple[Visit, str | None]]] = defaultdict(list)
        for visit in visits:
            trouble, _, status = self.case.once(staple_state, visit)
            kind: LinkKind = "staple-revoked" if status == "revoked" else "staple"
            if trouble is not None or status == "unknown":
                kind, trouble = "staple-unusable", trouble or "it says unknown"
            kinds[kind].append((visit, trouble))
        for kind, some in kinds.items():
            where = (v.evidence("OCSP staple", v.handshake.frames.certificate_status) for v, _ in some)
            self._part((server, client), kind, (staple_words, kind), some, where)

    def _ocsp(self) -> None:
        """Link each host that asked to where its queries went, and hosts that hand queries on."""
        beyond: dict[tuple[str, str], list[Asked]] = defaultdict(list)
        for asker in self.askers:
            for each in (*asker.asked, *asker.relayed):
                target = self._next_hop(each.exchange)
                name = host_of(each.exchange.url)
                if self.kinds[target] == "proxy" and name:
                    beyond[target, self._host(f"responder {name}", name, "responder")].append(each)
        for asker in self.askers:
            groups: dict[tuple[str, bool, LinkKind], list[Asked]] = defaultdict(list)
            for handed_on, asked in ((False, asker.asked), (True, asker.relayed)):
                for each in asked:
                    target = self._figure(self._next_hop(each.exchange))
                    groups[target, handed_on, _answered(each)].append(each)
            for (target, handed_on, kind), some in groups.items():
                self._ocsp_link(asker, target, some, handed_on=handed_on, kind=kind)
        for (proxy, target), some in beyond.items():
            self._part((proxy, target), "hidden", (beyond_words,), some)

    def _figure(self, key: str) -> str:
        """Return what stands for a host: itself, or of many responders the first."""
        stands_for_all = key in self.responders and len(self.responders) > MOST_OF_A_KIND
        return next(iter(self.responders)) if stands_for_all else key

    def _next_hop(self, exchange: OcspExchangeFact) -> str:
        """Return the host that a query went to next: a proxy, or the responder itself."""
        server = self.case.identity(exchange.server)
        if server in self.kinds:
            return server
        if exchange.via_proxy:
            return self._host(server, exchange.server, "proxy")
        name = host_of(exchange.url) or exchange.server
        return self._host(f"responder {name}", name, "responder")

    def _ocsp_link(
        self, asker: AskingHost, target: str, asked: list[Asked], *, handed_on: bool, kind: LinkKind
    ) -> None:
        frames = (evidence_in(e, "OCSP") for e in (each.exchange for each in asked))
        what = "OCSP request" if asker.requests or handed_on else "OCSP answer"
        self._part((asker.identity, target), kind, (ocsp_words, kind, what, handed_on), asked, frames)

    def _attempts(self) -> None:
        """Link hosts to responders that they tried to reach, without a request coming out."""
        groups: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
        for verdict in self.verdicts:
            if verdict.cause in BEFORE_A_PACKET:
                groups[self.case.identity(verdict.validator.address), verdict.cause].append(verdict)
        for (identity, _), some in groups.items():
            target = self._named_responder(some)
            evidence = (item for verdict in some for item in verdict.evidence[-1:])
            self._part((identity, target), "ocsp-failed", (cause_words,), some, evidence)

    def _named_responder(self, verdicts: Iterable[Verdict]) -> str:
        """Return the responder that most certificates name, else one without a name."""
        certificates = (verdict.certificate for verdict in verdicts)
        names = Counter(host for c in certificates if c for host, _, _ in responder_hosts(c.ocsp_urls)[:1])
        if names:
            name = names.most_common(1)[0][0]
            return self._host(f"responder {name}", name, "responder")
        return next(iter(self.responders), None) or self._host("responder", "none named", "responder")

    def _crls(self) -> None:
        groups: dict[str, list[Evidence]] = defaultdict(list)
        seen: set[tuple[object, ...]] = set()
        urls = {
            url for verdict in self.verdicts if verdict.certificate for url in verdict.certificate.crl_urls
        }
        for fetch in self.case.facts.crl_fetches:
            identity = self.case.identity(fetch.client)
            key = (identity, fetch.client_port, fetch.url, fetch.server)
            if key in seen or (self.only is not None and fetch.url not in urls):
                continue
            seen.add(key)
            self._host(identity, fetch.client, "host")
            name = host_of(fetch.url) or fetch.server
            self._host(f"crl {name}", name, "crl")
            groups[identity].append(evidence_in(fetch, "CRL"))
        crl = next((key for key, kind in self.kinds.items() if kind == "crl"), None)
        for identity, frames in groups.items():
            if crl is not None:
                self._part((identity, crl), "crl", (crl_words,), frames, frames)

    def _ghosts(self) -> None:
        """Draw, for what was not asked about, where the query would have gone and why it did not."""
        by_host: dict[str, list[Verdict]] = defaultdict(list)
        for verdict in self.verdicts:
            if verdict.presence in ("absent", "unknown") and verdict.chain_role == "leaf":
                by_host[self.case.identity(verdict.validator.address)].append(verdict)
        for rows in by_host.values():
            if any(row.certificate and row.certificate.ocsp_urls for row in rows):
                self._named_responder(rows)
        for identity, rows in by_host.items():
            kinds: dict[LinkKind, list[Verdict]] = defaultdict(list)
            for verdict in sorted(rows, key=lambda verdict: cause_rank(verdict.cause)):
                kinds[_ghost(verdict)].append(verdict)
            for kind, some in kinds.items():
                evidence = (item for verdict in some for item in verdict.evidence[:1])
                self._part((identity, self._named_responder(some)), kind, (ghost_words,), some, evidence)


def _answered(asked: Asked) -> LinkKind:
    """Return what came of a request: an answer that says good, one that does not, or none that counts."""
    if asked.outcome != "answered":
        return "ocsp-failed"
    if "revoked" in asked.statuses:
        return "ocsp-revoked"
    return "ocsp-unknown" if "unknown" in asked.statuses else "ocsp"


def _ghost(verdict: Verdict) -> LinkKind:
    """Return whether a query is missing, was not needed, could not be sent, or may be hidden."""
    if verdict.presence == "unknown":
        return "hidden"
    check = CAUSES[verdict.cause].check
    if check in ("done", "needless", "moot"):
        return "needless"
    if verdict.confidence == "possible":
        # Another cause fits as well, and with it no query need be missing.
        return "hidden"
    return "impossible" if check == "impossible" else "missing"

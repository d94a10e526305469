"""Small worlds at random, of which everything is known, and what their captures show of them.

Programs visit hosts, ask responders, keep answers or failures; they share addresses, stand behind proxies
that only hand on, or that make certificates of their own. The facts hold what a capture would; the truth
holds what each handshake led to.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from ocsp_pcap.facts import (
    CertificateFact,
    Fact,
    HandshakeFact,
    OcspExchangeFact,
)
from tests.unit.explain.facts_factory import (
    DAY,
    PARENT,
    PARENT_INSIDE,
    SECOND,
    attempt,
    certificate,
    crl_fetch,
    dns,
    exchange,
    goes_on,
    handshake,
    reissued,
    response,
    single,
    site,
)

from .captured import cut
from .known_world import LENGTH, Program, World

TOGETHER: Final = 5.0
"""Visits within so many seconds may wait for one answer: which of them asked is a matter of words."""
EGRESS: Final = "10.4.0.30"
"""A further address of the proxy."""
OUTCOMES: Final = ("good",) * 7 + ("http-error", "no-response", "responder-unreachable", "dns-failed")


def worlds(seed: int, number: int) -> Iterator[World]:
    """Yield worlds, one a seed."""
    for one in range(seed, seed + number):
        yield world(one)


def world(seed: int) -> World:
    """Make the world of a seed."""
    rng = random.Random(seed)
    kind = rng.choice(("direct", "shared", "relay", "intercepts"))
    made = World(
        f"seed {seed}, {kind}",
        lossy=rng.random() < 0.2,
        issuer=_issuer() if rng.random() < 0.3 else None,
        one_address=rng.random() < 0.3,
        says_via=rng.random() < 0.5,
        lasts=rng.choice((DAY, DAY, 900.0)),
        two_captures=rng.random() < 0.2,
        partial=rng.random() < 0.15,
        other_egress=kind == "intercepts" and rng.random() < 0.2,
    )
    made.items += [made.issuer] if made.issuer is not None else []
    subjects = [
        certificate(
            f"{name}.test",
            issuer_known=rng.random() < 0.85,
            ocsp=(f"http://{rng.choice(('ocsp', 'ocsp2'))}.ca.test/",),
            crl=rng.choice(((), ("http://ocsp.ca.test/a.crl",))),
        )
        for name in "abc"
    ]
    made.items += subjects
    programs = _programs(rng, kind)
    if kind == "intercepts":
        # Whoever is behind it, the proxy validates.
        made.proxy = replace(programs[0], address=PARENT, fingerprint="proxy", ttl=60)
    _live(rng, made, kind, programs, subjects)
    made.truth = {key: causes for key, causes in made.truth.items() if causes}
    _tell(rng, made, kind)
    together, together_of_issuer = _together(made.items), _together(made.items, any_host=True)
    cut(rng, made)
    made.alike, made.alike_for_issuer = together, together_of_issuer
    if (
        made.says_via
        and "site" not in made.told
        and not any(isinstance(item, OcspExchangeFact) and item.relayed_for for item in made.items)
    ):
        # Nothing in the capture tells of the proxy.
        made.truth.clear()
        made.of_issuer.clear()
    return made


def _issuer() -> CertificateFact:
    return certificate("Public CA 2", "CN=Root", is_ca=True, sans=(), ocsp=("http://ocsp.ca.test/",))


def _programs(rng: random.Random, kind: str) -> list[Program]:
    count = rng.randint(2, 3) if kind == "shared" else rng.randint(1, 2)
    by_ttl = rng.random() < 0.3
    return [
        Program(
            PARENT if kind == "shared" else f"10.1.9.{number + 1}",
            "same" if by_ttl and kind == "shared" else f"program {number}",
            rng.choice((None, f"Agent/{number}")),
            (64, 128, 255)[number] if by_ttl else rng.choice((None, 64)),
            asks=rng.random() < 0.7,
            keeps=rng.choice((None, None, 0.0, 60.0)),
            keeps_failures=rng.choice((0.0, 300.0)),
            heeds_staples=rng.random() < 0.8,
            unprompted=rng.choice((None, None, None, 240.0)),
            whole_chain=rng.random() < 0.5,
            crl=rng.random() < 0.2,
        )
        for number in range(count)
    ]


def _live(
    rng: random.Random, made: World, kind: str, programs: list[Program], subjects: list[CertificateFact]
) -> None:
    moments = sorted(rng.uniform(0, LENGTH) for _ in range(rng.randint(2, 9)))
    if rng.random() < 0.5:
        # Some of them close together.
        moments = sorted(moments + [moment + rng.uniform(0.05, 4) for moment in moments[:3]])
    events: list[tuple[float, Program, CertificateFact, bool]] = [
        (moment, rng.choice(programs), rng.choice(subjects), True) for moment in moments
    ]
    for program in [made.proxy] if made.proxy is not None else programs:
        if program.unprompted is None or not program.asks or made.lossy:
            continue
        for subject in subjects:
            start = rng.uniform(0, program.unprompted)
            times = (
                start + number * program.unprompted for number in range(int(LENGTH / program.unprompted))
            )
            events.extend((time, program, subject, False) for time in times)
    for moment, program, subject, opened in sorted(events, key=lambda event: event[0]):
        if opened:
            _visit(rng, made, kind, program, subject, moment)
        elif subject.sha256 in program.held and moment - program.asked.get(subject.sha256, moment) > 60:
            # It keeps up to date what it once asked about.
            _ask(rng, made, kind, program, subject, moment, "good")


def _visit(
    rng: random.Random, made: World, kind: str, program: Program, subject: CertificateFact, time: float
) -> None:
    host = subject.sans[0]
    form = rng.choice(("full",) * 7 + ("resumed", "hidden", "stapled", "stale"))
    # It goes on only once it knows.
    more: dict[str, Any] = {"hello_fingerprint": program.fingerprint, "client_ttl": program.ttl}
    more |= goes_on(time + 4)
    shown: tuple[CertificateFact, ...] = (subject,) if made.issuer is None else (subject, made.issuer)
    if form == "resumed":
        shown, more = (), more | {"resumed": True, "resumption": "ticket"}
    elif form == "hidden":
        shown, more = (), more | {"certificate_encrypted": True, "version": "TLS 1.3"}
    elif form in ("stapled", "stale"):
        until = time - 4000 if form == "stale" else DAY
        more["staples"] = (response(single(subject, next_update=until)),)
    legs = _legs(rng, made, kind, program, host, shown, time, more)
    true = _what_follows(rng, made, kind, made.proxy or program, subject, time, form)
    true |= {"resumed": {"session-resumed"}, "hidden": {"certificate-encrypted"}}.get(form, set())
    of_issuer: set[str] = set()
    judge = made.proxy or program
    if made.issuer is not None and form != "resumed":
        of_issuer = {"leaf-only", "ocsp-disabled"}
        if judge.whole_chain:
            of_issuer = _what_follows(rng, made, kind, judge, made.issuer, time + 0.4, "full")
    if judge.crl and subject.crl_urls and form != "resumed":
        _fetch(made, kind, judge, subject, time + rng.uniform(0.2, 3))
    for leg, role in legs:
        told = {"not-intercepted"} if role == "relay" else {"reissued-certificate", "no-ocsp-url"}
        bare = {"resumed": {"session-resumed"}, "hidden": {"certificate-encrypted"}}.get(form, set())
        made.truth[leg.client, leg.stream] = told | bare if role in ("relay", "inner") else set(true)
        made.of_issuer[leg.client, leg.stream] = told if role in ("relay", "inner") else set(of_issuer)


def _legs(
    rng: random.Random,
    made: World,
    kind: str,
    program: Program,
    host: str,
    shown: tuple[CertificateFact, ...],
    time: float,
    more: dict[str, Any],
) -> list[tuple[HandshakeFact, str]]:
    """Make the legs of a visit; what each is: the validator's own, relayed, or on the inner side."""
    if kind in ("direct", "shared"):
        visit = handshake(host, *shown, client=program.address, time=time, **more)
        made.items.append(visit)
        return [(visit, "own")]
    inner_shown = shown if kind == "relay" else tuple(reissued(host) for _ in shown[:1])
    inner = handshake(
        host, *inner_shown, client=program.address, server=PARENT_INSIDE, proxied=True, time=time, **more
    )
    if kind == "relay":
        same = {"random": inner.client_random, "server_random": inner.server_random}
        outer = handshake(host, *shown, time=time + 0.05, **{**more, "client_ttl": 60}, **same)
        made.items += [inner, outer]
        return [(inner, "own"), (outer, "relay")]
    own = {**more, "hello_fingerprint": "proxy", "client_ttl": 60}
    inner = replace(inner, staples=())
    outer = handshake(host, *shown, time=time + 0.05, **own)
    made.items += [*inner_shown, inner, outer]
    return [(inner, "inner"), (outer, "own")]


def _what_follows(
    rng: random.Random,
    made: World,
    kind: str,
    program: Program,
    subject: CertificateFact,
    time: float,
    form: str,
) -> set[str]:
    """Let the program look whether it has to ask, and ask."""
    if form == "resumed":
        return set()
    if form == "stapled" and program.heeds_staples:
        return {"stapled"}
    if not program.asks:
        return {
            "ocsp-disabled",
            *(["staple-invalid"] if form == "stale" else ["stapled"] if form == "stapled" else []),
        }
    stale = {"staple-invalid"} if form == "stale" else {"stapled"} if form == "stapled" else set()
    if program.held.get(subject.sha256, -1.0) > time:
        return {"cached", *stale}
    if program.failed.get(subject.sha256, -1.0) > time:
        return {"failure-cached", *stale}
    # Who asks in spite of a staple that was fresh had one all the same.
    asked = _ask(rng, made, kind, program, subject, time + rng.uniform(0.15, 3), rng.choice(OUTCOMES))
    return {asked} if form != "stapled" else {asked, "stapled"}


def _fetch(made: World, kind: str, program: Program, subject: CertificateFact, time: float) -> None:
    """Fetch a CRL: the same host may answer OCSP as well."""
    direct = kind in ("direct", "shared")
    more: dict[str, Any] = {"client": program.address if direct else PARENT}
    more["client_ttl"] = program.ttl if direct else 60
    made.items.append(
        replace(dns("198.51.100.1", client=more["client"], time=time), client_ttl=more["client_ttl"])
    )
    connection = attempt("established", server="198.51.100.1", time=time + 0.02, **more)
    made.items += [
        connection,
        crl_fetch(
            subject.crl_urls[0],
            server="198.51.100.1",
            time=time + 0.04,
            stream=connection.stream,
            client_port=connection.client_port,
            **more,
        ),
    ]


def _ask(
    rng: random.Random,
    made: World,
    kind: str,
    program: Program,
    subject: CertificateFact,
    time: float,
    outcome: str,
) -> str:
    host = subject.ocsp_urls[0].split("/")[2]
    server = "198.51.100.1" if made.one_address or host == "ocsp.ca.test" else "198.51.100.2"
    direct = kind in ("direct", "shared")
    sender = program.address if direct else EGRESS if made.other_egress else PARENT
    ttl = program.ttl if direct else 60
    more: dict[str, Any] = {"client": sender, "client_ttl": ttl}
    asked = outcome
    if kind == "relay":
        # The proxy looks up, connects and fails for it, and says so.
        asked = outcome if outcome in ("good", "http-error", "no-response") else "http-error"
        made.items.append(
            exchange(
                subject,
                response(single(subject, next_update=time + made.lasts)) if outcome == "good" else None,
                http_status={"good": 200, "no-response": None}.get(outcome, 503),
                time=time - 0.06,
                delay=0.4,
                client=program.address,
                client_ttl=program.ttl,
                server=PARENT_INSIDE,
                server_port=3128,
                via_proxy=True,
                user_agent=program.agent,
                url=subject.ocsp_urls[0],
            )
        )
    if outcome == "dns-failed":
        made.items.append(
            replace(dns(name=host, rcode="NXDOMAIN", client=sender, time=time - 0.04), client_ttl=ttl)
        )
    else:
        made.items.append(replace(dns(server, name=host, client=sender, time=time - 0.04), client_ttl=ttl))
        reached = "refused" if outcome == "responder-unreachable" else "established"
        connection = attempt(reached, server=server, time=time - 0.02, **more)
        made.items.append(connection)
        more |= {"stream": connection.stream, "client_port": connection.client_port}
    if outcome in ("good", "http-error", "no-response"):
        answer = response(single(subject, next_update=time + made.lasts)) if outcome == "good" else None
        if kind == "relay" and made.says_via:
            more["relayed_for"] = program.address
        status = {"good": 200, "http-error": 503}.get(outcome)
        values: dict[str, Any] = {"server": server, "user_agent": program.agent, "url": subject.ocsp_urls[0]}
        made.items.append(
            exchange(subject, answer, http_status=status, time=time, delay=0.1, **more, **values)
        )
    program.asked[subject.sha256] = time
    if outcome == "good":
        program.failed.pop(subject.sha256, None)
        program.held[subject.sha256] = time + (program.keeps if program.keeps is not None else made.lasts)
        return "queried"
    program.failed[subject.sha256] = time + program.keeps_failures
    return asked


def _tell(rng: random.Random, made: World, kind: str) -> None:
    """Say what the user knows, and take away the inner side where what is told makes up for it."""
    if kind in ("relay", "intercepts") and rng.random() < 0.5:
        made.told["site"] = site(parent={})
    if made.other_egress:
        made.told["site"] = site(parent={"addresses": frozenset({PARENT, PARENT_INSIDE, EGRESS})})
    shown = "site" in made.told or (kind == "relay" and made.says_via)
    if shown and rng.random() < 0.5:
        inner = [i for i in made.items if getattr(i, "server", None) == PARENT_INSIDE]
        made.items = [item for item in made.items if not any(item is each for each in inner)]


def _together(items: list[Fact], *, any_host: bool = False) -> set[tuple[str, int]]:
    handshakes = [item for item in items if isinstance(item, HandshakeFact)]

    def program(fact: HandshakeFact) -> tuple[object, ...]:
        return fact.client, fact.hello_fingerprint, fact.client_ttl, any_host or fact.sni

    return {
        (one.client, one.stream)
        for one in handshakes
        for other in handshakes
        if one is not other
        and program(one) == program(other)
        and abs(one.time - other.time) <= TOGETHER * SECOND
    }

"""Names as an attacker would put them into a certificate or a ClientHello."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ocsp_pcap.explain.model import Alternative, Evidence, Explanation, Finding, Validator, Verdict

from .demo import START, capture, certificate, demo_explanation, exchange

HOSTILE: Final = (
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "good.test\u202etset.live\u2066\u200b\u00ad\ufeff",
    "line\nbreak\r\nX-Header: 1\u2028\u2029\x85\x0b\x0c",
    "[bold red]markup[/] [link=http://evil.test]x[/link] \\[x] [/]",
    "<script>alert(1)</script><img src=x onerror=alert(2)> \" ' &amp; --> ]]>",
    "{{ 7*7 }}{% raw %}",
    "| a | b | `code` ``` **b** _i_ ~~s~~ [l](http://evil.test) ![i](x) <b> # h\n# h\n- item",
    "http://evil.test www.evil.test @admin #1 javascript:alert(1)",
    "\ud800\udfff\udcff nul\x00 \x7f \u0600\ufff9\U000e0041\U000e0100\ufe0f\u3164",
    "e" + "\u0301" * 200,
    "A" * 5000,
    " ",
    "",
    "`",
    "\\",
    "\ufffe\uffff\U0010ffff",
)


def hostile_explanation(text: str) -> Explanation:
    """An explanation in which every text of the capture, and every word of the rules, is hostile."""
    evidence = (Evidence(text, 7, 3, text), Evidence(text, None, None, text))
    fact = certificate(
        text,
        "85aa",
        subject=f"CN={text}",
        issuer=text,
        ocsp_urls=(text,),
        crl_urls=(text,),
        parse_error=text or "x",
    )
    demo = demo_explanation()
    return Explanation(
        captures=(capture(text, damage=text, notes=(text,)), capture("other.pcap")),
        verdicts=tuple(
            replace(
                verdict,
                validator=Validator(text, verdict.validator.role),
                host=text,
                certificate=fact,
                summary=text,
                evidence=evidence,
                alternatives=(Alternative(text, text),),
                next_steps=(text,),
                sightings=tuple(replace(each, capture=text, evidence=evidence) for each in verdict.sightings),
            )
            for verdict in demo.verdicts
        ),
        findings=(Finding("ocsp-nowhere", "problem", text, evidence, (text,)),),
        unmatched_exchanges=(exchange(url=text, client=text, capture=text, time=START),),
        notes=(text,),
    )


def odd_verdict(verdict: Verdict) -> Verdict:
    """A verdict with words that no rule of this version knows."""
    return replace(verdict, presence="later", cause="no-such-cause", confidence="sure", status="maybe")  # type: ignore[arg-type]

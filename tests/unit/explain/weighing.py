"""All that causes claim of a question, each with its weight: also what loses against the headline."""

from __future__ import annotations

from collections.abc import Iterator

from ocsp_pcap.explain.causes import rules_for
from ocsp_pcap.explain.grounds.claim import Weighed
from ocsp_pcap.explain.grounds.weigh import weigh
from ocsp_pcap.explain.question import Question


def weighed(question: Question) -> Iterator[Weighed]:
    """Yield every claim about a question with its weight, the most specific cause first."""
    for rule in rules_for(question.situation):
        for claim in rule.claims(question):
            yield weigh(question, claim, rule.entry.proofs)

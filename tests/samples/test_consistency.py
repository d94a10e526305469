"""More captures of one chain make an answer surer; they never contradict what fewer said."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Explanation, Verdict

from .cases import Sample, explain_facts, facts_of, sample
from .merge import merge
from .test_neighbours import FINDINGS_THAT_ANSWER

CONFIDENCES = ("possible", "likely", "confirmed")
CHAINS = ("ocsp-on-child", "ocsp-at-parent")

Explain = Callable[[Sample, list[Path]], Explanation]


def with_site(case: Sample, captures: list[Path]) -> Explanation:
    return explain_facts(case, facts_of(case, captures))


def without_site(case: Sample, captures: list[Path]) -> Explanation:
    """Explain captures of which nothing is told but what they hold themselves."""
    return explain(facts_of(case, captures))


KNOWLEDGE = pytest.mark.parametrize("explained", [with_site, without_site])


def verdicts(explanation: Explanation) -> dict[tuple[str, str | None], Verdict]:
    found: dict[tuple[str, str | None], Verdict] = {}
    for verdict in explanation.verdicts:
        if verdict.chain_role == "leaf":
            place = (verdict.validator.address, verdict.host)
            assert place not in found, place
            found[place] = verdict
    assert found
    return found


def answers(explanation: Explanation) -> set[str]:
    return {finding.code for finding in explanation.findings} & set(FINDINGS_THAT_ANSWER)


def assert_surer(fewer: Explanation, more: Explanation) -> None:
    """Each verdict from fewer captures stands, or is one of the others that it left open."""
    wide = verdicts(more)
    for place, narrow in verdicts(fewer).items():
        wider = wide[place]
        assert CONFIDENCES.index(wider.confidence) >= CONFIDENCES.index(narrow.confidence), place
        if narrow.confidence == "confirmed":
            assert wider.cause == narrow.cause, place
        else:
            assert wider.cause in {narrow.cause, *(other.cause for other in narrow.alternatives)}, place
        assert wider.cause != narrow.cause or wider.presence == narrow.presence, place
        assert narrow.status in (None, wider.status), place
        assert narrow.validator.role in ("unknown", wider.validator.role), place
        assert narrow.certificate in (None, wider.certificate), place
    assert answers(fewer) <= answers(more)


def assert_same(one: Explanation, other: Explanation) -> None:
    assert_surer(one, other)
    assert_surer(other, one)


@KNOWLEDGE
@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("side", ["child", "parent"])
def test_both_captures_say_what_one_said_or_more(name: str, side: str, explained: Explain) -> None:
    case = sample(name)
    alone = explained(case, [case.folder / f"{side}.pcap"])
    assert_surer(alone, explained(case, case.captures))


@KNOWLEDGE
@pytest.mark.parametrize("name", CHAINS)
def test_both_captures_in_one_file_say_what_two_files_say(
    name: str, explained: Explain, tmp_path: Path
) -> None:
    case = sample(name)
    merged = tmp_path / "both.pcap"
    merge(case.captures, merged)
    assert_same(explained(case, case.captures), explained(case, [merged]))


@KNOWLEDGE
@pytest.mark.parametrize("name", CHAINS)
def test_the_order_of_captures_says_nothing(name: str, explained: Explain) -> None:
    case = sample(name)
    assert_same(explained(case, case.captures), explained(case, case.captures[::-1]))


@KNOWLEDGE
@pytest.mark.parametrize("name", CHAINS)
def test_a_site_file_makes_the_answer_surer(name: str, explained: Explain) -> None:
    case = sample(name)
    assert_surer(without_site(case, case.captures), explained(case, case.captures))


@KNOWLEDGE
@pytest.mark.parametrize("side", ["host 10.77.2.30", "host 10.77.1.20"], ids=["outer", "inner"])
def test_a_capture_on_all_interfaces_says_what_one_interface_said_or_more(
    side: str, explained: Explain, tmp_path: Path
) -> None:
    tcpdump = shutil.which("tcpdump", path="/usr/bin:/usr/sbin:/bin:/sbin")
    if tcpdump is None:
        pytest.skip("tcpdump is not installed")
    case = sample("all-interfaces")
    one = tmp_path / "one.pcap"
    subprocess.run(
        [tcpdump, "-r", str(case.folder / "all.pcap"), "-w", str(one), side], check=True, capture_output=True
    )
    assert_surer(explained(case, [one]), explained(case, case.captures))

"""Checked expectations as JUnit XML, for the test reports of GitLab, Jenkins and GitHub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Final

from ocsp_pcap.explain.expect import Outcome
from ocsp_pcap.report.checks import evidence_places, expectation_text
from ocsp_pcap.terminal.escape import safe_text, xml_text

_SUITE: Final = "ocsp-pcap check"


def junit_xml(results: Sequence[Outcome], *, group: str, seconds: float, started: datetime) -> bytes:
    """Return a JUnit report in UTF-8, a test case for each expectation.

    Args:
        results: what became of the expectations.
        group: what their cases are grouped under, the class's name in JUnit.
        seconds: how long the whole check took, reading included.
        started: when it began.
    """
    from junitparser import Failure, JUnitXml, TestCase, TestSuite

    test_suite = TestSuite(_SUITE)
    # Jenkins validates against a schema whose times have no offset.
    moment = started.astimezone(UTC).replace(tzinfo=None)
    test_suite.timestamp = moment.isoformat(timespec="seconds")
    taken: Counter[str] = Counter()
    for result in results:
        name = safe_text(expectation_text(result.expectation))
        taken[name] += 1
        # Readers merge cases of one name.
        unique = name if taken[name] == 1 else f"{name} ({taken[name]})"
        case = TestCase(unique, safe_text(group), round(result.seconds, 6))
        if result.held:
            case.system_out = xml_text(_details(result))
        else:
            failure = Failure(safe_text(result.reason) or "(no reason given)", "broken-expectation")
            failure.text = xml_text(_details(result))
            case.result = [failure]
        test_suite.add_testcase(case)
    report = JUnitXml(_SUITE)
    report.add_testsuite(test_suite)
    report.tests = len(results)
    report.failures = sum(not result.held for result in results)
    report.errors = report.skipped = 0
    report.time = test_suite.time = round(seconds, 3)
    stream = BytesIO()
    report.write(stream, pretty=True)
    return stream.getvalue()


def _details(result: Outcome) -> str:
    """Return expectation, reason and evidence, a line each."""
    lines = [
        f"expected: {safe_text(expectation_text(result.expectation))}",
        f"found: {safe_text(result.reason)}",
    ]
    lines += [f"evidence: {safe_text(place)}" for place in evidence_places(result.evidence)]
    lines += [
        f"  frame {item.frame}: {safe_text(item.note)}" for item in result.evidence if item.frame is not None
    ]
    return "\n".join(lines)

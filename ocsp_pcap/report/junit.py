"""Checked expectations as JUnit XML, for the test reports of GitLab, Jenkins and GitHub."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO

from ocsp_pcap.report.checks import CheckResult, evidence_places, expectation_text
from ocsp_pcap.terminal.escape import safe_text, xml_text


def junit_xml(
    results: Sequence[CheckResult],
    *,
    suite: str = "ocsp-pcap check",
    seconds: float = 0.0,
    started: datetime | None = None,
) -> bytes:
    """Return a JUnit report in UTF-8, a test case for each expectation.

    ``seconds`` is how long the whole check took, reading included, ``started`` when it began (now, where
    it is None).
    """
    from junitparser import Failure, JUnitXml, TestCase, TestSuite

    test_suite = TestSuite(safe_text(suite))
    moment = (started or datetime.now(UTC)).astimezone(UTC)
    # Jenkins validates against a schema whose times have no offset.
    test_suite.timestamp = moment.replace(tzinfo=None).isoformat(timespec="seconds")
    taken: dict[tuple[str, str], int] = {}
    for result in results:
        classname = safe_text(result.classname)
        case = TestCase(
            _unique(classname, safe_text(result.title), taken), classname, round(result.seconds, 6)
        )
        if result.held:
            case.system_out = xml_text(_details(result))
        else:
            failure = Failure(safe_text(result.reason) or "(no reason given)", "broken-expectation")
            failure.text = xml_text(_details(result))
            case.result = [failure]
        test_suite.add_testcase(case)
    report = JUnitXml(safe_text(suite))
    report.add_testsuite(test_suite)
    report.tests = len(results)
    report.failures = sum(not result.held for result in results)
    report.errors = report.skipped = 0
    report.time = test_suite.time = round(seconds, 3)
    stream = BytesIO()
    report.write(stream, pretty=True)
    return stream.getvalue()


def _unique(classname: str, name: str, taken: dict[tuple[str, str], int]) -> str:
    """Return the name, numbered where the class has it already: readers merge cases of one name."""
    number = taken[classname, name] = taken.get((classname, name), 0) + 1
    return name if number == 1 else f"{name} ({number})"


def _details(result: CheckResult) -> str:
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

"""Expectations as JUnit XML."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree

import pytest

from ocsp_pcap.explain.expect import Expectation, Outcome
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.report.junit import junit_xml
from ocsp_pcap.terminal.escape import safe_text

from .hostile import HOSTILE
from .test_checks import BROKEN, HELD

NOW = datetime.now(UTC)


def test_report() -> None:
    started = datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    root = ElementTree.fromstring(junit_xml([HELD, BROKEN], group="expect", seconds=1.23456, started=started))
    assert root.tag == "testsuites"
    assert {key: root.attrib[key] for key in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "2", "failures": "1", "errors": "0", "skipped": "0", "time": "1.235",
    }  # fmt: skip
    (suite,) = root
    assert suite.attrib["timestamp"] == "2026-01-02T03:04:05"
    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "1"
    held, broken = suite
    assert held.attrib["name"] == "role=parent host=plain.site.test presence=present"
    assert held.attrib["classname"] == "expect"
    assert held.find("failure") is None
    failure = broken.find("failure")
    assert failure is not None
    assert failure.attrib == {"message": "No such finding.", "type": "broken-expectation"}
    assert (
        failure.text == "expected: finding=ocsp-on-wrong-proxy\nfound: No such finding.\nevidence: site.toml"
    )
    output = held.findtext("system-out")
    assert output is not None
    assert "frame 212: request" in output


def test_equal_names_stay_apart() -> None:
    root = ElementTree.fromstring(junit_xml([HELD, HELD, HELD], group="expect", seconds=1, started=NOW))
    assert len({case.attrib["name"] for case in root.iter("testcase")}) == 3


def test_no_expectation() -> None:
    root = ElementTree.fromstring(junit_xml([], group="expect", seconds=1, started=NOW))
    assert root.attrib["tests"] == "0"
    assert len(list(root.iter("testsuite"))) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_give_valid_xml(text: str) -> None:
    result = Outcome(Expectation(1, {"host": text}), False, text, (Evidence(text, 1, 1, text),))
    root = ElementTree.fromstring(junit_xml([result], group=text, seconds=1, started=NOW))
    (case,) = root.iter("testcase")
    assert case.attrib["classname"] == safe_text(text)
    (failure,) = case
    assert failure.attrib["message"] == (safe_text(text) or "(no reason given)")

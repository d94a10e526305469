"""Findings about the captures: what limits their testimony."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.findings.common import finding
from ocsp_pcap.explain.model import Evidence, Finding, Severity, Verdict
from ocsp_pcap.facts import CaptureFact

MAX_NAMES: Final = 5
"""Kinds of undecoded packets that a sentence names."""


def capture_problem(case: Case, verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """The capture is damaged or lacks packets, so that absence proves less."""
    filtered = {verdict.sightings[0].capture for verdict in verdicts if verdict.cause == "capture-filtered"}
    for capture in case.facts.captures:
        problems = list(_problems(capture))
        if capture.path in filtered:
            problems.append("a capture filter seems to hide the traffic in which OCSP queries would travel")
        if problems:
            serious = capture.damage or capture.dropped or capture.truncated_packets
            severity: Severity = "problem" if serious else "advice"
            found = finding(
                "capture-problem",
                f"{capture.path} is not the whole story: {'; '.join(problems)}.",
                [Evidence(capture.path, None, None, problem) for problem in problems],
                severity,
            )
            if capture.undecoded_packets:
                others = () if len(problems) == 1 else found.next_steps
                found = replace(found, next_steps=(*others, *_ways_around(capture)))
            yield found


def _ways_around(capture: CaptureFact) -> Iterator[str]:
    """Say what helps where packets could not be decoded: not another capture of the same."""
    names = ", ".join(each.name for each in capture.undecoded[:MAX_NAMES]) or "these packets"
    yield (
        f"If what should be explained travels inside {names}: capture where it is not wrapped (on the proxy "
        "itself, or behind the device that unwraps it), or have Wireshark write what is inside."
    )


def _problems(capture: CaptureFact) -> Iterator[str]:
    if capture.damage:
        yield capture.damage.rstrip(".")
    if capture.dropped:
        yield f"the capturing system dropped {capture.dropped} packets"
    if capture.truncated_packets:
        yield f"{capture.truncated_packets} packets are cut short (snaplen {capture.snaplen})"
    if capture.tcp_gaps:
        yield f"TCP bytes are missing in {capture.tcp_gaps} places"
    if capture.one_sided_streams:
        yield f"{capture.one_sided_streams} TCP connections show one direction only"
    if capture.undecoded_packets:
        yield f"{capture.undecoded_packets} packets are of a kind that cannot be decoded{_kinds(capture)}"


def _kinds(capture: CaptureFact) -> str:
    kinds = [f"{each.name}: {each.packets}" for each in capture.undecoded[:MAX_NAMES]]
    if not kinds:
        return ""
    more = len(capture.undecoded) - MAX_NAMES
    return f" ({', '.join(kinds)}{f', and {more} other kinds' if more > 0 else ''})"

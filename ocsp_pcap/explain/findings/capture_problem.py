"""``capture-problem``: the capture is damaged or lacks packets, so that absence proves less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, finding
from ocsp_pcap.explain.model import Evidence, Finding, Severity
from ocsp_pcap.facts import CaptureFact

MAX_NAMES: Final = 5
"""Kinds of undecoded packets that a sentence names."""

WHOLE: Final = 65535
"""No packet that a network carries is longer: a snaplen from here on cuts none."""

ENTRY: Final = finding_entry(
    "capture-problem",
    "advice",
    "The capture is damaged or lacks packets, so absence proves less.",
    "Capture again with full packets, a larger buffer and no filter (tcpdump -s 0 -B 65536 -w FILE).",
    "Check the capturing host's drop counters and both directions of a mirror port.",
)


def find(view: View) -> Iterator[Finding]:
    """Say what limits the testimony of each capture."""
    filtered = {
        verdict.sightings[0].capture
        for verdict in view.verdicts
        if verdict.cause == "capture-filtered"
        and verdict.confidence != "possible"
        and verdict.chain_role == "leaf"
    }
    for capture in view.case.facts.captures:
        problems = list(_problems(capture))
        if capture.path in filtered:
            problems.append("a capture filter seems to hide the traffic in which OCSP queries would travel")
        if problems:
            serious = capture.damage or capture.dropped or capture.truncated_packets
            severity: Severity = "problem" if serious else "advice"
            found = finding(
                ENTRY,
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
        yield f"the capturing system dropped {_some(capture.dropped, 'packet', 'packets')}"
    if capture.truncated_packets:
        limit = f" (snaplen {capture.snaplen})" if (capture.snaplen or WHOLE) < WHOLE else ""
        yield f"{_some(capture.truncated_packets, 'packet is', 'packets are')} cut short{limit}"
    if capture.tcp_gaps:
        yield f"TCP bytes are missing in {_some(capture.tcp_gaps, 'place', 'places')}"
    if number := capture.one_sided_streams:
        yield f"{_some(number, 'TCP connection shows', 'TCP connections show')} one direction only"
    if number := capture.undecoded_packets:
        yield f"{_some(number, 'packet is', 'packets are')} of a kind that cannot be decoded{_kinds(capture)}"


def _some(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _kinds(capture: CaptureFact) -> str:
    kinds = [f"{each.name}: {each.packets}" for each in capture.undecoded[:MAX_NAMES]]
    if not kinds:
        return ""
    more = len(capture.undecoded) - MAX_NAMES
    return f" ({', '.join(kinds)}{f', and {more} other kinds' if more > 0 else ''})"

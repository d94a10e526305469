"""Explanations that name given frames, and what tshark reads in a capture."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from ocsp_pcap.explain.model import Evidence, Explanation, Finding
from ocsp_pcap.facts import CaptureFact
from tests.unit.report.demo import capture

ROOT = Path(__file__).parents[3]
DIRECT = ROOT / "samples" / "direct" / "capture.pcap"
PARENT = ROOT / "samples" / "ocsp-at-parent" / "parent.pcap"
CHILD = ROOT / "samples" / "ocsp-at-parent" / "child.pcap"


def evidence(path: object, frame: int | None, note: str = "proof") -> Evidence:
    return Evidence(str(path), frame, None, note)


def finding(*items: Evidence) -> Finding:
    return Finding("ocsp-at-egress", "info", "Best practice.", items, ())


def explanation(*items: Evidence) -> Explanation:
    """An explanation with one finding that this evidence proves."""
    captures: Iterable[CaptureFact] = (
        capture(name) for name in dict.fromkeys(item.capture for item in items if item.frame is not None)
    )
    return Explanation(tuple(captures), (), (finding(*items),), ())


def tshark(path: Path, *fields: str) -> list[list[str]]:
    """Return the values of fields, a row a packet."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields"]
    command += [part for field in fields for part in ("-e", field)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.split("\t") for line in output.splitlines()]

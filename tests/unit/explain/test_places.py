"""Evidence from a rotated set leads to a frame of a file, as Wireshark shows it there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ocsp_pcap.api import explain, read_facts
from ocsp_pcap.explain.model import Evidence, Explanation
from ocsp_pcap.explain.places import Places
from ocsp_pcap.facts import CaptureFact, CaptureFile, FileStream
from tests.unit.observe.rotated import split

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
CUTS = {"ocsp-at-parent/parent": [20, 57, 58, 100], "direct/capture": [33, 34, 90, 140, 141]}


def evidence(explanation: Explanation) -> Iterator[Evidence]:
    for verdict in explanation.verdicts:
        yield from verdict.evidence
        for sighting in verdict.sightings:
            yield Evidence(sighting.capture, sighting.frame, sighting.stream, "sighting")
            yield from sighting.evidence
    for finding in explanation.findings:
        yield from finding.evidence


def streams(path: str) -> dict[int, str]:
    """Return the stream of each frame of a file, as Wireshark numbers it."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-e", "frame.number", "-e", "tcp.stream"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {int(frame): stream for frame, stream in (line.split("\t") for line in shown.splitlines())}


@pytest.mark.parametrize("scenario", CUTS)
def test_files_as_wireshark_shows_them(scenario: str, tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("needs tshark")
    path = SAMPLES / f"{scenario}.pcap"
    files = split(path, tmp_path, CUTS[scenario])
    whole = list(evidence(explain(read_facts([path]))))
    cut = list(evidence(explain(read_facts(files))))
    assert len(whole) == len(cut) > 20
    begins = dict(zip(map(str, files), (0, *CUTS[scenario]), strict=True))
    seen = {str(file): streams(str(file)) for file in files}
    named = set()
    for one, other in zip(whole, cut, strict=True):
        if one.frame is None or other.frame is None:
            assert one.frame == other.frame
            continue
        assert one.frame == begins[other.capture] + other.frame
        if one.stream is not None:
            assert seen[other.capture][other.frame] == str(other.stream)
            named.add(other.capture)
    assert len(named) > 2


def test_sentences_name_the_file(tmp_path: Path) -> None:
    files = split(SAMPLES / "responder-troubles" / "parent.pcap", tmp_path, [10, 11])
    explanation = explain(read_facts(files))
    told = (*explanation.verdicts, *explanation.findings)
    framed = [step for each in told for step in each.next_steps if "frame " in step]
    assert len(framed) > 3
    assert all(f" of {tmp_path}" in step for step in framed)


def capture(files: tuple[CaptureFile, ...] = ()) -> CaptureFact:
    fact = CaptureFact("e*.pcap", 30, None, None, (), None, 0, None, 0, 0, 0, None, ())
    return replace(fact, files=files)


def test_places_of_a_set() -> None:
    files = (
        CaptureFile("e1.pcap", 10, None, None, None, (FileStream(0, 0), FileStream(1, 1))),
        CaptureFile("e2.pcap", 0, None, None, None),
        CaptureFile("e3.pcap", 20, None, None, None, (FileStream(1, 0),), (FileStream(1, 7),)),
    )
    places = Places([capture(files)])
    assert places.reference("e*.pcap", 10, 1) == {
        "frame": "10 of e1.pcap",
        "stream": 1,
        "transport": "tcp",
    }
    assert places.reference("e*.pcap", 11, 1) == {"frame": "1 of e3.pcap", "stream": 0, "transport": "tcp"}
    assert places.reference("e*.pcap", 11, 1, "udp") == {
        "frame": "1 of e3.pcap",
        "stream": 7,
        "transport": "udp",
    }
    assert places.reference("e*.pcap", 30, 0) == {
        "frame": "20 of e3.pcap",
        "stream": None,
        "transport": "tcp",
    }
    assert places.reference("other.pcap", 30, 5) == {"frame": 30, "stream": 5, "transport": "tcp"}
    assert places.frame_words("e*.pcap", None) is None


def test_one_file_stays_as_it_is() -> None:
    whole = explain(read_facts([SAMPLES / "direct" / "capture.pcap"]))
    assert Places([capture()]).located(whole) is whole

from __future__ import annotations

from dataclasses import replace

from ocsp_pcap.evidence.notes import MOST_NOTES, comment, proving_frames
from tests.unit.evidence.parts import evidence, explanation, finding
from tests.unit.report.demo import demo_explanation


def test_every_frame_of_verdicts_sightings_and_findings_is_there() -> None:
    demo = demo_explanation()
    found = proving_frames(demo)
    for verdict in demo.verdicts:
        for item in (*verdict.evidence, *(e for s in verdict.sightings for e in s.evidence)):
            if item.frame is not None:
                assert any(item.note in note for note in found[item.capture][item.frame])
        for sighting in verdict.sightings:
            assert found[sighting.capture][sighting.frame]
    for code in demo.findings:
        for item in code.evidence:
            if item.frame is not None:
                assert any(code.code in note for note in found[item.capture][item.frame])


def test_a_note_names_certificate_host_validator_and_cause() -> None:
    demo = demo_explanation()
    verdict = next(v for v in demo.verdicts if v.certificate is not None and v.evidence)
    assert verdict.certificate is not None
    item = next(e for e in verdict.evidence if e.frame is not None)
    assert item.frame is not None
    text = "\n".join(proving_frames(replace(demo, verdicts=(verdict,)))[item.capture][item.frame])
    for word in (verdict.host, verdict.certificate.sha256[:16], verdict.validator.address, verdict.cause):
        assert word is not None
        assert word in text


def test_sources_without_frames_prove_nothing_here() -> None:
    assert proving_frames(explanation(evidence("policy.trace", None))) == {}


def test_the_same_note_is_told_once_and_many_are_counted() -> None:
    same = replace(explanation(), findings=(finding(evidence("a", 1)), finding(evidence("a", 1))))
    assert len(proving_frames(same)["a"][1]) == 1
    lines = comment("a.pcap", 7, [f"note {number}" for number in range(MOST_NOTES + 5)]).splitlines()
    assert lines[0] == "frame 7 of a.pcap"
    assert lines[-1] == "and 5 more"


def test_a_packet_that_proves_nothing_itself_is_context() -> None:
    assert comment("a.pcap", 7, []) == "frame 7 of a.pcap (context)"

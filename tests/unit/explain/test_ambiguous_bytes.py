"""The finding ``ambiguous-bytes``, from captures in which packets disagree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ocsp_pcap.api import explain, read_facts
from tests.unit.explain.facts_factory import capture, certificate, exchange, facts, handshake
from tests.unit.observe.segments import CLIENT, SERVER, Wire, client_hello, opening, write_capture


def test_it_names_the_host_and_the_frames(tmp_path: Path) -> None:
    hellos = client_hello("taken.test"), client_hello("foged.test")
    wires = [*opening(), *(Wire(CLIENT, "PA", 0, hello) for hello in hellos)]
    wires.append(Wire(SERVER, "A", 0, heard=len(hellos[0])))
    explanation = explain(read_facts([write_capture(tmp_path / "a.pcap", wires)]))
    (finding,) = (each for each in explanation.findings if each.code == "ambiguous-bytes")
    assert finding.severity == "problem"
    assert "the handshake with taken.test" in finding.summary
    assert [each.frame for each in finding.evidence] == [4, 5]


def test_nothing_is_said_of_copies_that_agree(tmp_path: Path) -> None:
    hello = client_hello("taken.test")
    wires = [*opening(), Wire(CLIENT, "PA", 0, hello), Wire(CLIENT, "PA", 0, hello)]
    explanation = explain(read_facts([write_capture(tmp_path / "a.pcap", wires)]))
    assert not any(each.code == "ambiguous-bytes" for each in explanation.findings)


def test_a_disputed_name_is_not_that_of_a_certificate_that_has_one() -> None:
    leaf = certificate("taken.test")
    shaken = handshake("forged.test", leaf, time=1)
    hello = shaken.frames.client_hello
    assert hello
    seen = replace(shaken, ambiguous=(hello, hello + 1))
    query = exchange(leaf, time=1.5)
    explanation = explain(facts(capture("a.pcap"), leaf, seen, query))
    (verdict,) = (each for each in explanation.verdicts if each.certificate == leaf)
    assert (verdict.host, verdict.cause) == ("taken.test", "queried")
    assert "forged.test" not in verdict.summary + explanation.headline


def test_a_name_that_no_bytes_dispute_stays() -> None:
    leaf = certificate("taken.test", sans=("other.test", "taken.test"))
    shaken = handshake("taken.test", leaf, time=1)
    assert shaken.frames.certificate
    explanation = explain(
        facts(capture("a.pcap"), leaf, replace(shaken, ambiguous=(shaken.frames.certificate,)))
    )
    assert [each.host for each in explanation.verdicts] == ["taken.test"]

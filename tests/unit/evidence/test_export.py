from __future__ import annotations

import gzip
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import rdpcap, wrpcap

from ocsp_pcap.api import explain, read_facts
from ocsp_pcap.bounds import sentences
from ocsp_pcap.capture import open_capture
from ocsp_pcap.evidence import EvidenceError, EvidenceSummary, Extent, write_evidence
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.facts import Facts
from tests.programs import needs_tshark
from tests.unit.capture.builders import pcap_header, pcap_record, rows_of
from tests.unit.evidence.parts import CHILD, DIRECT, PARENT, evidence, explanation, tshark


def rows(path: Path) -> dict[int, tuple[int, int, int, int, bytes]]:
    with open_capture(path) as reader:
        return {row[0]: row[1:] for row in rows_of(reader)[0]}


def write(answer: Explanation, captures: Sequence[str | Path], out: Path) -> EvidenceSummary:
    """Write what an explanation names, and nothing else: there are no other facts."""
    return write_evidence(answer, Facts(captures=answer.captures), captures, out)


@needs_tshark
@pytest.mark.parametrize("captures", [[DIRECT], [PARENT, CHILD]])
def test_what_proves_a_verdict_is_dissected_as_before(captures: list[Path], tmp_path: Path) -> None:
    facts = read_facts(captures)
    answer = explain(facts)
    out = tmp_path / "evidence.pcapng"
    summary = write_evidence(answer, facts, captures, out)
    named = {
        (item.capture, item.frame)
        for verdict in answer.verdicts
        for item in (*verdict.evidence, *(e for s in verdict.sightings for e in s.evidence))
        if item.frame is not None
    }
    assert summary.proving >= len(named) > 0
    fields = (
        "frame.comment",
        "tls.handshake.type",
        "x509af.serialNumber",
        "ocsp.serialNumber",
        "http.response.code",
    )
    before = {
        (path.name, number): list(values)
        for path in captures[:1]
        for number, *values in tshark(path, "frame.number", *fields[1:])
    }
    compared = 0
    for text, *values in tshark(out, *fields):
        match = re.match(r"frame (\d+) of (\S+?\.pcap)", text)
        assert match is not None
        key = match[2], match[1]
        if key in before and not text.endswith("(context)"):
            assert values == before[key]
            compared += 1
    assert compared == summary.shares[0].proving


def test_packets_keep_their_bytes_times_and_lengths(tmp_path: Path) -> None:
    path = tmp_path / "odd.pcap"
    header = pcap_header(magic=0xA1B23C4D, network=101)
    content = header + b"".join(
        pcap_record(bytes([number]) * 40, fraction=number + 1, original=100 + number) for number in range(5)
    )
    path.write_bytes(content)
    out = tmp_path / "out.pcapng"
    summary = write(explanation(evidence(path, 4), evidence(path, 2)), [path], out)
    before, after = rows(path), rows(out)
    assert [after[1], after[2]] == [before[2], before[4]]
    assert (summary.packets, summary.proving) == (2, 2)


@needs_tshark
def test_a_proof_has_the_packets_around_it_that_wireshark_needs(tmp_path: Path) -> None:
    facts = read_facts([DIRECT])
    exchange = next(e for e in facts.ocsp_exchanges if e.method == "POST")
    out = tmp_path / "out.pcapng"
    write(explanation(evidence(DIRECT, exchange.frames.response)), [DIRECT], out)
    table = tshark(out, "tcp.flags.syn", "ocsp.responseStatus", "frame.comment")
    assert [row[0] for row in table].count("1") == 2
    (proving,) = [row for row in table if not row[2].endswith("(context)")]
    assert proving[1] == "0"
    assert "proof" in proving[2]


@needs_tshark
def test_every_comment_is_read_back_and_harmless(tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    notes = [
        evidence(DIRECT, 1, "first\x1b[2J"),
        evidence(DIRECT, 1, "second ‮txt"),
        evidence(DIRECT, 1, "first\x1b[2J"),
    ]
    write(explanation(*notes), [DIRECT], out)
    (text,), *others = tshark(out, "frame.comment")
    assert all(comment.endswith("(context)") for (comment,) in others)
    assert "frame 1 of capture.pcap" in text
    assert text.count("first") == 1
    assert "second" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


@needs_tshark
def test_captures_and_link_types_are_interfaces(tmp_path: Path) -> None:
    raw = tmp_path / "raw.pcap"
    raw.write_bytes(pcap_header(network=101) + pcap_record(bytes(40)))
    out = tmp_path / "out.pcapng"
    write(explanation(evidence(raw, 1), evidence(DIRECT, 1)), [DIRECT, raw], out)
    found = tshark(out, "frame.interface_name", "frame.encap_type")
    assert [row[0] for row in found[:2]] == ["raw.pcap", "capture.pcap"]
    assert found[0][1] != found[1][1]


def test_captures_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / name / "c.pcap" for name in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(pcap_header() + pcap_record(bytes(60)))
    out = tmp_path / "out.pcapng"
    write(explanation(*(evidence(path, 1) for path in paths)), paths, out)
    assert f"frame 1 of {paths[1]}".encode() in out.read_bytes()


def test_a_compressed_capture_in_a_directory(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a.pcap.gz").write_bytes(gzip.compress(DIRECT.read_bytes()))
    name = f"{folder}/a.pcap.gz"
    out = tmp_path / "out.pcapng"
    assert write(explanation(evidence(name, 3)), [folder], out).proving == 1
    assert rows(out)[1] == rows(DIRECT)[1] or rows(DIRECT)[3] in rows(out).values()


def test_without_proof_the_capture_is_empty(tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    summary = write(explanation(evidence("policy.trace", None)), [DIRECT], out)
    assert summary.packets == 0
    assert rows(out) == {}


def test_a_frame_that_is_gone_is_counted(tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    summary = write(explanation(evidence(DIRECT, 1), evidence(DIRECT, 10**6)), [DIRECT], out)
    assert (summary.shares[0].proving, summary.shares[0].missing) == (1, 1)


@pytest.mark.parametrize("link", ["same", "hard", "symbolic"])
def test_a_capture_is_never_overwritten(tmp_path: Path, link: str) -> None:
    path = tmp_path / "capture.pcap"
    shutil.copy(DIRECT, path)
    out = path if link == "same" else tmp_path / "out.pcapng"
    if link == "hard":
        os.link(path, out)
    elif link == "symbolic":
        out.symlink_to(path)
    with pytest.raises(EvidenceError, match="not overwritten"):
        write(explanation(evidence(path, 1)), [path], out)
    assert path.read_bytes() == DIRECT.read_bytes()


def test_an_old_file_stays_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.pcapng"
    out.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ocsp_pcap.evidence.pcapng.EvidenceWriter.add_packet", fail)
    with pytest.raises(EvidenceError, match="No space left"):
        write(explanation(evidence(DIRECT, 1)), [DIRECT], out)
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]


def test_what_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    proof = explanation(evidence(DIRECT, 1))
    with pytest.raises(EvidenceError, match="directory"):
        write(proof, [DIRECT], tmp_path)
    with pytest.raises(EvidenceError, match=r"out\.pcapng"):
        write(proof, [DIRECT], tmp_path / "none" / "out.pcapng")
    with pytest.raises(EvidenceError, match="not among"):
        write(proof, [PARENT], tmp_path / "out.pcapng")
    with pytest.raises(EvidenceError, match="no such file"):
        write(proof, [tmp_path / "gone.pcap"], tmp_path / "out.pcapng")
    with pytest.raises(EvidenceError, match="standard input"):
        write(explanation(evidence("-", 1)), ["-"], tmp_path / "out.pcapng")


def test_the_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    out, other = tmp_path / "out.pcapng", tmp_path / "other"
    other.touch()
    write(explanation(evidence(DIRECT, 1)), [DIRECT], out)
    assert out.stat().st_mode == other.stat().st_mode


def test_two_captures_in_one_file_are_read_as_two(tmp_path: Path) -> None:
    captures = [CHILD, PARENT]
    facts = read_facts(captures)
    out = tmp_path / "evidence.pcapng"
    extent = Extent(roles={str(CHILD): "child", str(PARENT): "parent"})
    write_evidence(explain(facts), facts, captures, out, extent)
    read = read_facts([out])
    assert [capture.path for capture in read.captures] == [f"{out}:child.pcap", f"{out}:parent.pcap"]
    assert [capture.role for capture in read.captures] == ["child", "parent"]
    for before, after in zip(facts.captures, read.captures, strict=True):
        assert (after.first_time, after.last_time, after.ports_seen) == (
            before.first_time,
            before.last_time,
            before.ports_seen,
        )
        assert f"from {Path(before.path).name} ({before.packets:,} packets)" in after.notes[0]
    assert read_facts([f"{out}:parent.pcap"]).captures == read.captures[1:]


@needs_tshark
def test_streams_are_numbered_through_the_whole_file(tmp_path: Path) -> None:
    captures = [CHILD, PARENT]
    facts = read_facts(captures)
    out = tmp_path / "evidence.pcapng"
    write_evidence(explain(facts), facts, captures, out)
    numbers = {
        (int(frame), number)
        for frame, tcp, udp in tshark(out, "frame.number", "tcp.stream", "udp.stream")
        for number in (*tcp.split(","), *udp.split(","))
    }
    read = read_facts([out])
    named = [(fact.frames.client_hello, str(fact.stream)) for fact in read.handshakes]
    named += [(fact.frames.request, str(fact.stream)) for fact in (*read.ocsp_exchanges, *read.dns_lookups)]
    assert len(named) > 10
    assert set(named) <= numbers


def test_evidence_of_evidence(tmp_path: Path) -> None:
    facts = read_facts([CHILD, PARENT])
    first, second = tmp_path / "1.pcapng", tmp_path / "2.pcapng"
    write_evidence(explain(facts), facts, [CHILD, PARENT], first)
    facts = read_facts([first])
    write_evidence(explain(facts), facts, [first], second)
    assert [(h.sni, h.certificates) for h in read_facts([second]).handshakes] == [
        (h.sni, h.certificates) for h in facts.handshakes
    ]


def test_what_limits_a_capture_is_that_of_the_whole_one(tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.pcap", tmp_path / "evidence.pcapng"
    hello = next(p for p in rdpcap(str(DIRECT)) if TCP in p and p[TCP].dport == 443 and Raw in p)
    there = IP(src="10.1.1.1", dst="10.1.1.2") / TCP(sport=40000, dport=9999, flags="PA", seq=1)
    back = IP(src="10.1.1.2", dst="10.1.1.1") / TCP(sport=9999, dport=40000, flags="PA", seq=1)
    other = [Ether() / each / Raw(b"..") for each in (there, back, there, back)]
    other[2][TCP].seq = other[3][TCP].seq = 100
    for packet in other:
        packet.time = hello.time
    wrpcap(str(whole), [hello, *other])

    facts = read_facts([whole])
    write_evidence(explain(facts), facts, [whole], out)
    written = read_facts([out])
    before, after = facts.captures[0], written.captures[0]
    assert after.packets < before.packets
    assert (before.one_sided_streams, before.tcp_streams) == (1, 2)
    assert before.tcp_gaps == 2
    for name in ("one_sided_streams", "tcp_streams", "tcp_gaps", "truncated_packets", "dropped", "last_time"):
        assert getattr(after, name) == getattr(before, name)
    assert [(v.cause, v.confidence) for v in explain(facts).verdicts] == [("capture-incomplete", "likely")]
    assert [(v.cause, v.confidence) for v in explain(written).verdicts] == [("capture-incomplete", "likely")]


def test_what_an_interface_says_may_be_nonsense(tmp_path: Path) -> None:
    facts = read_facts([CHILD, PARENT])
    out = tmp_path / "evidence.pcapng"
    write_evidence(explain(facts), facts, [CHILD, PARENT], out)
    content = out.read_bytes()
    out.write_bytes(content.replace(b'"first_time":"2', b'"first_time":"x'))
    read = read_facts([out])
    assert len(read.captures) == 2
    assert all(capture.role is None and capture.packets for capture in read.captures)


def test_keys_and_anonymity_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="secrets"):
        write_evidence(
            explanation(), Facts(), [DIRECT], tmp_path / "e.pcapng", Extent(with_keys=True, anonymize=True)
        )


def test_anonymous_evidence_says_which_bounds_were_reached_and_nothing_else(tmp_path: Path) -> None:
    facts = read_facts([DIRECT])
    said = (*sentences({"open_streams": 2}), "keys of secret.example opened nothing")
    facts = replace(facts, captures=tuple(replace(capture, notes=said) for capture in facts.captures))
    out = tmp_path / "evidence.pcapng"
    write_evidence(explain(facts), facts, [DIRECT], out, Extent(anonymize=True))
    (capture,) = read_facts([out]).captures
    assert said[0] in capture.notes
    assert not any("secret.example" in note for note in capture.notes)

"""From an explanation and its captures to one small capture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ocsp_pcap import __version__
from ocsp_pcap.bounds import bound_in
from ocsp_pcap.capture import CaptureError, CaptureSource, expand
from ocsp_pcap.decode.silence import silence_scapy
from ocsp_pcap.evidence.model import CaptureShare, EvidenceError, EvidenceSummary, Extent
from ocsp_pcap.evidence.notes import Notes, comment, fact_frames, message_frames, proving_frames
from ocsp_pcap.evidence.selection import Selection, batches, select
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.facts import CaptureFact, CaptureRole, Facts
from ocsp_pcap.facts.attested import Attested
from ocsp_pcap.terminal.escape import safe_text
from ocsp_pcap.whole_file import replacing

if TYPE_CHECKING:
    from ocsp_pcap.evidence.anonymize import Anonymizer
    from ocsp_pcap.evidence.datagrams import Datagram
    from ocsp_pcap.evidence.pcapng import EvidenceWriter


@dataclass(slots=True)
class _Capture:
    """One capture and what of it is evidence."""

    fact: CaptureFact
    sources: list[CaptureSource]
    """Its files."""
    name: str
    """As the evidence calls it."""
    file_names: list[str]
    notes: dict[int, list[str]] = field(default_factory=dict)
    """By frame, counted through all files."""
    left_out: int = 0
    datagrams: Mapping[int, Datagram] = field(default_factory=dict)
    """Where packets are changed, that of each fragment."""
    selection: Selection = field(default_factory=lambda: Selection(np.empty(0, np.int64), ()))

    def place(self, frame: int) -> tuple[str, int]:
        """Return the file that holds a frame, and its number there."""
        for name, file in zip(self.file_names, self.fact.files, strict=False):
            if frame <= file.packets:
                return name, frame
            frame -= file.packets
        return self.file_names[-1], frame


def write_evidence(
    explanation: Explanation,
    facts: Facts,
    captures: Sequence[str | Path],
    out: Path,
    extent: Extent | None = None,
) -> EvidenceSummary:
    """Write a pcapng file with the packets that the verdicts and findings rest on.

    Explaining it, with the same site, traces and keys, gives the same verdicts. It holds the connections
    of every fact (long ones without their middle), lookups and failed attempts, and what cannot be in
    packets: of each capture, its name, the proxy whose outer side it shows, how long it went on and what
    limits it, in the description and comment of an interface. Packets keep their order, link type, time
    stamp and lengths; those of several captures follow each other capture by capture. Each has a comment:
    its frame number in its capture, and what it proves.

    Args:
        explanation: what is to be proven.
        facts: all that was seen in the captures.
        captures: files, directories, globs.
        out: replaced, where it exists, once the new file is complete.
        extent: roles of captures, secrets to take along, whether to anonymize.

    Raises:
        EvidenceError: ``out`` is one of the captures or cannot be written, or a capture can be read
            only once (standard input) or no longer.
    """
    extent = extent or Extent()
    if extent.with_keys and extent.anonymize:
        raise EvidenceError("secrets would open what is to be blanked: take keys along, or anonymize")
    try:
        sources = {source.name: source for source in expand([str(capture) for capture in captures])}
    except CaptureError as error:
        raise EvidenceError(str(error)) from error
    _refuse(out, sources.values())
    chosen = _captures(explanation, facts, sources)
    try:
        for capture in chosen:
            frames = fact_frames(facts, explanation, capture.fact.path)
            messages = message_frames(facts, capture.fact.path)
            capture.selection = select(capture.sources, frames, set(capture.notes), messages)
        with replacing(out) as target:
            shares = _write(target, chosen, facts, extent)
    except CaptureError as error:
        raise EvidenceError(str(error)) from error
    except OSError as error:
        raise EvidenceError(f"{out}: {error.strerror or error}.") from error
    return EvidenceSummary(out, shares)


def _captures(explanation: Explanation, facts: Facts, sources: Mapping[str, CaptureSource]) -> list[_Capture]:
    """Put together, for each capture, its files and the notes of the frames that prove something."""
    notes = proving_frames(explanation)
    files = [[file.path for file in fact.files] or [fact.path] for fact in facts.captures]
    for name in (*notes, *(name for names in files for name in names)):
        if name == "-" and name in notes:
            raise EvidenceError(
                "standard input can be read only once: store it in a file to write evidence from it."
            )
        if name not in sources:
            raise EvidenceError(f"{name}: holds evidence, but is not among the captures given.")
    shown = _shown([*(fact.path for fact in facts.captures), *(name for names in files for name in names)])
    found = []
    for fact, names in zip(facts.captures, files, strict=True):
        own: Notes = {fact.path: {}}
        before = [0, *accumulate(file.packets for file in fact.files)]
        for name, offset in zip(names, before, strict=False):
            for frame, said in notes.get(name, {}).items():
                own[fact.path][frame + offset] = said
        capture = _Capture(
            fact, [sources[name] for name in names], shown[fact.path], [shown[n] for n in names]
        )
        capture.notes = own[fact.path]
        found.append(capture)
    return found


def _shown(names: Iterable[str]) -> dict[str, str]:
    """Return what captures and files are called: the end of their path where that is clear."""
    distinct = list(dict.fromkeys(names))
    bases = Counter(Path(name).name for name in distinct)
    return {
        name: safe_text(base if bases[base := Path(name).name] == 1 else name, limit=400) for name in distinct
    }


def _refuse(out: Path, sources: Iterable[CaptureSource]) -> None:
    if out.is_dir():
        raise EvidenceError(f"{out}: this is a directory.")
    for source in sources:
        with suppress(OSError):
            if source.path is not None and out.exists() and out.samefile(source.path):
                raise EvidenceError(f"{out}: this is one of the captures; it is not overwritten.")


def _write(
    target: Path, captures: Sequence[_Capture], facts: Facts, extent: Extent
) -> tuple[CaptureShare, ...]:
    silence_scapy()
    from ocsp_pcap.evidence.pcapng import EvidenceWriter

    anonymizer = None
    if extent.anonymize:
        from ocsp_pcap.evidence.anonymize import Anonymizer

        anonymizer = Anonymizer(extent.addresses)
        for capture in captures:
            kept = anonymizer.learn(capture.sources, capture.selection.frames)
            capture.left_out = len(capture.selection.frames) - len(kept)
            capture.selection.frames = np.array([*kept], np.int64)
            capture.datagrams = {frame: datagram for frame, datagram in kept.items() if datagram is not None}
    proven = [capture for capture in captures if len(capture.selection.frames)]
    chosen = (
        f"Evidence chosen from {', '.join(c.name for c in proven)}" if proven else "No packet proves anything"
    )
    about = f"{chosen}. Each packet's comment names its frame there."
    if anonymizer is not None:
        about += f" {anonymizer.about}"
    with closing(EvidenceWriter(target, f"ocsp-pcap {__version__}", about)) as writer:
        interfaces = [_interfaces(writer, capture, extent, anonymizer) for capture in captures]
        if extent.with_keys:
            _add_secrets(writer, captures, facts, extent)
        return tuple(
            _copy(writer, capture, numbers, anonymizer)
            for capture, numbers in zip(captures, interfaces, strict=True)
        )


def _interfaces(
    writer: EvidenceWriter, capture: _Capture, extent: Extent, anonymizer: Anonymizer | None
) -> dict[int, int]:
    """Describe the interfaces of a capture: one for each link type, or one that has no packet."""
    role = extent.roles.get(capture.fact.path, capture.fact.role)
    notes = capture.fact.notes
    if anonymizer is not None:
        # What else is said may name hosts.
        notes = tuple(note for note in notes if bound_in(note) is not None)
    attested = Attested(replace(capture.fact, path=capture.name, notes=notes), role).text()
    description = f"{capture.name}: {_seen_from(role)}"
    types = capture.selection.link_types or (1,)
    return {kind: writer.add_interface(kind, capture.name, description, attested) for kind in types}


def _seen_from(role: CaptureRole | None) -> str:
    return "a capture" if role is None else f"the outer side of the {role} proxy"


def _add_secrets(writer: EvidenceWriter, captures: Sequence[_Capture], facts: Facts, extent: Extent) -> None:
    from ocsp_pcap.evidence.secrets import key_log_lines

    sessions = {handshake.client_random for handshake in facts.handshakes if handshake.client_random}
    sources = [source for capture in captures for source in capture.sources]
    lines = key_log_lines(extent.key_logs, sources, sessions)
    if lines:
        writer.add_secrets(lines)


def _copy(
    writer: EvidenceWriter, capture: _Capture, interfaces: Mapping[int, int], anonymizer: Anonymizer | None
) -> CaptureShare:
    """Copy the chosen packets of one capture, in order."""
    frames, notes = capture.selection.frames, capture.notes
    proving = 0
    for batch in batches(capture.sources):
        low, high = np.searchsorted(frames, (batch.first_frame, batch.first_frame + len(batch)))
        for frame in frames[low:high].tolist():
            row = frame - batch.first_frame
            start, length = int(batch.offset[row]), int(batch.captured_length[row])
            data = batch.buffer[start : start + length].tobytes()
            text = comment(*capture.place(frame), notes.get(frame, []))
            link_type = int(batch.link_type[row])
            if anonymizer is not None:
                data = anonymizer.packet(link_type, data, capture.datagrams.get(frame))
                text = anonymizer.text(text)
            writer.add_packet(
                interfaces[link_type], int(batch.time[row]), data, int(batch.original_length[row]), text
            )
            proving += frame in notes
        if high == len(frames):
            break
    return CaptureShare(
        capture.fact.path, proving, len(frames) - proving, len(notes) - proving, capture.left_out
    )

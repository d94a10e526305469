"""From an explanation and its captures to one small capture."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ocsp_pcap import __version__
from ocsp_pcap.capture import NOT_A_PACKET, CaptureError, CaptureSource, expand, open_capture
from ocsp_pcap.evidence.context import context_frames
from ocsp_pcap.evidence.model import CaptureShare, EvidenceError, EvidenceSummary
from ocsp_pcap.evidence.notes import comment, proving_frames
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.terminal.escape import safe_text

if TYPE_CHECKING:
    from ocsp_pcap.evidence.pcapng import EvidenceWriter


def write_evidence(explanation: Explanation, captures: Sequence[str | Path], out: Path) -> EvidenceSummary:
    """Write a pcapng file with only the packets that prove the verdicts and findings.

    Packets keep their order, link type, time stamp and lengths; those of several captures follow each
    other capture by capture. Each has a comment: its frame number in its capture, and what it proves.
    Proof that spans packets is kept whole where that can be told: the openings of the TCP streams
    concerned and up to 64 packets with payload of the same stream before each proof are written too,
    as context. Decryption secrets that a capture holds are not copied.

    An existing file is replaced once the new one is complete.

    Raises:
        EvidenceError: ``out`` is one of the captures or cannot be written, or a capture can be read
            only once (standard input) or no longer.
    """
    notes = proving_frames(explanation)
    try:
        sources = {source.name: source for source in expand([str(capture) for capture in captures])}
    except CaptureError as error:
        raise EvidenceError(str(error)) from error
    _refuse(out, sources.values())
    used = [name for name in sources if name in notes]
    for name in notes:
        if name not in sources:
            raise EvidenceError(f"{name}: holds evidence, but is not among the captures given.")
        if name == "-":
            raise EvidenceError(
                "standard input can be read only once: store it in a file to write evidence from it."
            )
    replaced = not out.exists() or out.is_file()
    target = _temporary(out) if replaced else out
    try:
        shares = _write(target, [sources[name] for name in used], notes)
        if replaced:
            target.replace(out)
    except CaptureError as error:
        raise EvidenceError(str(error)) from error
    except OSError as error:
        raise EvidenceError(f"{out}: {error.strerror or error}.") from error
    finally:
        if replaced:
            with suppress(OSError):
                target.unlink(missing_ok=True)
    return EvidenceSummary(out, shares)


def _refuse(out: Path, sources: Iterable[CaptureSource]) -> None:
    if out.is_dir():
        raise EvidenceError(f"{out}: this is a directory.")
    for source in sources:
        with suppress(OSError):
            if source.path is not None and out.exists() and out.samefile(source.path):
                raise EvidenceError(f"{out}: this is one of the captures; it is not overwritten.")


def _temporary(out: Path) -> Path:
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    except OSError as error:
        raise EvidenceError(f"{out}: {error.strerror or error}.") from error
    # mkstemp gives a file to its owner alone; this one is to be as any other new file.
    mask = os.umask(0)
    os.umask(mask)
    os.fchmod(descriptor, 0o666 & ~mask)
    os.close(descriptor)
    return Path(name)


def _write(
    target: Path, sources: Sequence[CaptureSource], notes: dict[str, dict[int, list[str]]]
) -> tuple[CaptureShare, ...]:
    from ocsp_pcap.evidence.pcapng import EvidenceWriter

    bases = Counter(Path(source.name).name for source in sources)
    names = [
        safe_text(base if bases[base := Path(source.name).name] == 1 else source.name, limit=400)
        for source in sources
    ]
    chosen = f"Evidence chosen from {', '.join(names)}" if names else "No packet proves anything"
    about = f"{chosen}. Each packet's comment names its frame there."
    with closing(EvidenceWriter(target, f"ocsp-pcap {__version__}", about)) as writer:
        return tuple(
            _copy(writer, source, name, notes[source.name])
            for source, name in zip(sources, names, strict=True)
        )


def _copy(
    writer: EvidenceWriter, source: CaptureSource, name: str, notes: dict[int, list[str]]
) -> CaptureShare:
    """Copy the proving frames of one capture, and their context, in order."""
    frames = np.array(sorted({*notes, *context_frames(source, notes)}), np.int64)
    interfaces: dict[int, int] = {}
    proving = context = 0
    with open_capture(source) as reader:
        for batch in reader:
            low, high = np.searchsorted(frames, (batch.first_frame, batch.first_frame + len(batch)))
            for frame in frames[low:high].tolist():
                row = frame - batch.first_frame
                link_type = int(batch.link_type[row])
                if link_type == NOT_A_PACKET:
                    continue
                if link_type not in interfaces:
                    interfaces[link_type] = writer.add_interface(link_type, name)
                start, length = int(batch.offset[row]), int(batch.captured_length[row])
                writer.add_packet(
                    interfaces[link_type],
                    int(batch.time[row]),
                    batch.buffer[start : start + length].tobytes(),
                    int(batch.original_length[row]),
                    comment(name, frame, notes.get(frame, [])),
                )
                proving += frame in notes
                context += frame not in notes
            if not len(frames) or batch.first_frame + len(batch) > frames[-1]:
                break
    return CaptureShare(source.name, proving, context, len(notes) - proving)

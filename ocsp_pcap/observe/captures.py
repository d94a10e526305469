"""The fact of a capture as a whole."""

from __future__ import annotations

from collections.abc import Set
from itertools import starmap

import numpy as np

from ocsp_pcap.bounds import BOUNDS, reached, sentences, take_reached
from ocsp_pcap.capture import together
from ocsp_pcap.facts import CaptureFact, CaptureFile, FileStream, UndecodedFact
from ocsp_pcap.observe.capture import Observation, ObservedFile, undecoded_packets
from ocsp_pcap.observe.link_types import link_type_name
from ocsp_pcap.streams.distinct import distinct


def capture_fact(observation: Observation, tcp_streams: Set[int], udp_streams: Set[int]) -> CaptureFact:
    """Sum up the files of a capture.

    ``tcp_streams`` and ``udp_streams`` are those that other facts mention: the files of a set tell their
    numbers there.
    """
    tcp, udp = observation.tcp, observation.udp
    whole = together([file.summary for file in observation.files])
    ports = distinct(np.concatenate((tcp.flows.lower_ports(), udp.flows.lower_ports())))
    if len(ports) > BOUNDS.ports:
        reached("ports", len(ports) - BOUNDS.ports)
    undecoded = undecoded_packets(observation.files)
    # Answers are parsed when facts are made of them, and may reach bounds then.
    notes = [*observation.notes, *sentences(take_reached())]
    notes += _disputed(observation)
    fact = CaptureFact(
        path=observation.name,
        packets=whole.packets,
        first_time=whole.first_time,
        last_time=whole.last_time,
        link_types=tuple(link_type_name(number) for number in sorted(whole.link_types)),
        snaplen=whole.snaplen,
        truncated_packets=sum(file.truncated for file in observation.files),
        dropped=whole.dropped,
        undecoded_packets=sum(undecoded.values()),
        tcp_gaps=sum(tcp.streams.gaps.values()),
        one_sided_streams=tcp.flows.one_sided_streams(),
        damage=_damage(observation),
        ports_seen=tuple(ports[: BOUNDS.ports].tolist()),
        size=whole.size,
        tcp_streams=len(tcp.flows),
        notes=tuple(notes),
        files=_files(observation, tcp_streams, udp_streams),
        step_back=whole.step_back,
        undecoded=tuple(
            UndecodedFact(name, packets)
            for name, packets in sorted(undecoded.items(), key=lambda each: (-each[1], each[0]))
        ),
    )
    if whole.evidence is None:
        return fact
    from ocsp_pcap.facts.attested import read_attested

    attested = read_attested(whole.evidence)
    return fact if attested is None else attested.restored(fact)


def _disputed(observation: Observation) -> list[str]:
    """Name the IP fragments that disagree about UDP datagrams: what their receiver read is not certain."""
    frames: list[int] = []
    before = 0
    for file in observation.files:
        frames += (before + frame for frame in file.disputed)
        before += file.summary.packets
    if not frames:
        return []
    named = ", ".join(map(str, frames[:8])) + (" …" if len(frames) > 8 else "")
    return [
        f"IP fragments disagree about UDP datagrams (frames {named}): their receiver may have read others"
    ]


def _files(observation: Observation, tcp_streams: Set[int], udp_streams: Set[int]) -> tuple[CaptureFile, ...]:
    if len(observation.files) == 1:
        return ()
    tcp_order, udp_order = sorted(tcp_streams), sorted(udp_streams)
    return tuple(
        CaptureFile(
            path=file.name,
            packets=file.summary.packets,
            first_time=file.summary.first_time,
            last_time=file.summary.last_time,
            damage=_file_damage(file),
            tcp_streams=tuple(
                starmap(
                    FileStream,
                    observation.numbers_in(
                        index, observation.tcp.files.numbers(index, tcp_streams, tcp_order)
                    ),
                )
            ),
            udp_streams=tuple(
                starmap(FileStream, observation.udp.files.numbers(index, udp_streams, udp_order))
            ),
        )
        for index, file in enumerate(observation.files)
    )


def _damage(observation: Observation) -> str | None:
    """Say what is damaged, and in which file where there are several."""
    found = []
    for file in observation.files:
        reason = _file_damage(file)
        if reason is not None:
            found.append(reason if len(observation.files) == 1 else f"{file.name}: {reason}")
    found += observation.missing
    return "; ".join(found) or None


def _file_damage(file: ObservedFile) -> str | None:
    reasons = [] if file.summary.damage is None else [file.summary.damage]
    if file.interrupted:
        reasons.append(
            f"reading was interrupted after frame {file.summary.packets}: this is a partial result"
        )
    return "; ".join(reasons) or None

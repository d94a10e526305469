"""Each kind of packet that may mislead, with what Wireshark itself remarks on it (tcp.analysis)."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from ocsp_pcap.api import read_facts
from tests.unit.observe.segments import CLIENT, SERVER, START, Wire, opening, write_capture
from tests.unit.observe.test_ambiguity import ANSWER, FORGED, SIZE, TAKEN, hello, rest

FIELDS = (
    "tcp.analysis.retransmission",
    "tcp.analysis.spurious_retransmission",
    "tcp.analysis.fast_retransmission",
    "tcp.analysis.out_of_order",
    "tcp.analysis.lost_segment",
    "tcp.analysis.ack_lost_segment",
    "tcp.analysis.keep_alive",
    "tcp.urgent_pointer",
    "ip.ttl.too_small",
    "tcp.connection.rst",
    "tcp.connection.fin",
    "tcp.payload",
)


class Kind(NamedTuple):
    """Segments after the opening, and what is to be said of them."""

    wires: list[Wire]
    remarks: dict[int, str]
    """Frame to a field that Wireshark sets there, or a word of its expert's."""
    ambiguous: tuple[int, ...] = ()
    name: str = "taken.test"
    start: tuple[int, int] = START
    opening: tuple[Wire, ...] = tuple(opening())


RETRANSMISSION = "tcp.analysis.retransmission"
SYN_WITH_DATA = (replace(opening()[0], data=TAKEN), replace(opening()[1], heard=SIZE))

KINDS: dict[str, Kind] = {
    "a copy that agrees": Kind([hello(), hello(), *rest()], {5: RETRANSMISSION}),
    "a copy that differs": Kind([hello(), hello(FORGED), *rest()], {5: RETRANSMISSION}, (4, 5)),
    "an overlap that agrees": Kind(
        [Wire(CLIENT, "A", 0, TAKEN[:100]), Wire(CLIENT, "PA", 60, TAKEN[60:]), *rest()],
        {5: "tcp.analysis.out_of_order"},
    ),
    "an overlap that differs": Kind(
        [Wire(CLIENT, "A", 0, TAKEN[:250]), Wire(CLIENT, "PA", 60, FORGED[60:]), hello(), *rest()],
        {5: "tcp.analysis.out_of_order"},
        (4, 5, 6),
        name="",
    ),
    "out of order": Kind(
        [Wire(CLIENT, "PA", 100, TAKEN[100:]), Wire(CLIENT, "A", 0, TAKEN[:100]), *rest()],
        {4: "tcp.analysis.lost_segment", 5: "tcp.analysis.out_of_order"},
    ),
    "a copy after the acknowledgment": Kind(
        [hello(), rest()[0], hello(FORGED), *rest()[1:]],
        {6: "tcp.analysis.spurious_retransmission"},
        (4, 6),
    ),
    "a low TTL": Kind([hello(FORGED, hop_limit=1), hello(), *rest()], {4: "ip.ttl.too_small"}, (4, 5)),
    "a wrong checksum": Kind(
        [hello(FORGED, checksum="wrong"), hello(), *rest()], {4: "Bad checksum"}, (4, 5)
    ),
    "a stray FIN": Kind([Wire(CLIENT, "FA", 5_000_000), hello(), *rest()], {4: "tcp.connection.fin"}),
    "a stray RST": Kind(
        [Wire(CLIENT, "R", 5_000_000, heard=None), hello(), *rest()], {4: "tcp.connection.rst"}
    ),
    "urgent data": Kind([hello(flags="PAU", urgent=7), *rest()], {4: "tcp.urgent_pointer"}, (4,)),
    "data of a SYN": Kind([Wire(CLIENT, "A", SIZE), *rest()], {1: "tcp.payload"}, opening=SYN_WITH_DATA),
    "the sequence numbers wrap": Kind(
        [Wire(CLIENT, "A", 0, TAKEN[:200]), Wire(CLIENT, "PA", 200, TAKEN[200:]), hello(), *rest()],
        {6: RETRANSMISSION},
        start=((1 << 32) - 100, (1 << 32) - 3),
    ),
    "the sequence numbers wrap in a copy that differs": Kind(
        [hello(), hello(FORGED), *rest()],
        {5: RETRANSMISSION},
        (4, 5),
        start=((1 << 32) - 100, (1 << 32) - 3),
    ),
    "a keep-alive": Kind(
        [
            hello(),
            *rest()[:2],
            Wire(CLIENT, "A", SIZE - 1, b"\0", heard=len(ANSWER)),
            Wire(SERVER, "A", len(ANSWER), heard=SIZE),
            *rest()[2:],
        ],
        {7: "tcp.analysis.keep_alive"},
    ),
    "an acknowledgment of what is missing": Kind(
        [hello(), Wire(SERVER, "A", 0, heard=SIZE + 500), *rest()[1:]],
        {5: "tcp.analysis.ack_lost_segment"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_wireshark_remarks_on_is_read_as_a_receiver_would(kind: str, tmp_path: Path) -> None:
    case = KINDS[kind]
    wires = [*case.opening, *case.wires]
    capture = write_capture(tmp_path / "a.pcap", wires, start=case.start)
    said = remarks(capture)
    for frame, name in case.remarks.items():
        assert any(name in each for each in said[frame]), (frame, sorted(said[frame]))
    (handshake,) = read_facts([capture]).handshakes
    if case.name:
        assert handshake.sni == case.name
    assert handshake.ambiguous == case.ambiguous
    assert handshake.alerts, "what the server answered was read"


def remarks(capture: Path) -> dict[int, set[str]]:
    """Return the fields, and the expert's messages, of each frame."""
    command = ["tshark", "-n", "-r", str(capture), "-o", "tcp.check_checksum:TRUE", "-T", "fields"]
    wanted = ["frame.number", *FIELDS, "_ws.expert.message"]
    for name in wanted:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[int, set[str]] = defaultdict(set)
    for line in done.stdout.splitlines():
        number, *values = line.split("\t")
        found[int(number)].add(values.pop())
        said = {name for name, value in zip(FIELDS, values, strict=True) if value.strip("0")}
        found[int(number)] |= said
    return found

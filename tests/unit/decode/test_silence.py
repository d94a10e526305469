"""Nothing that scapy has to say of a packet comes to the user's terminal."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import DIRECT, environment
from tests.unit.decode.wire import batch_of

WARNS = """
import logging, sys
{before}
import scapy.error
scapy.error.log_runtime.warning("of a packet: \\x1b[31m")
scapy.error.log_loading.warning("of this machine")
scapy.error.warning("once more")
"""


@pytest.mark.parametrize(
    "before",
    [
        "from ocsp_pcap.decode import encapsulations; encapsulations._bind()",
        "from pathlib import Path; import ocsp_pcap.api as a; from ocsp_pcap.evidence import write_evidence; "
        "f = a.read_facts([sys.argv[1]]); "
        "write_evidence(a.explain(f), f, [sys.argv[1]], Path(sys.argv[2]))",
    ],
    ids=["slow decode", "evidence"],
)
def test_its_loggers_are_silent(before: str, tmp_path: Path) -> None:
    told = []
    for code in ("", before):
        done = subprocess.run(
            [sys.executable, "-c", WARNS.format(before=code), str(DIRECT), str(tmp_path / "e.pcapng")],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        told.append(done.stderr)
    assert "of a packet" in told[0], "it does speak up where it is not silenced"
    assert told[1] == ""


def test_hostile_packets_of_all_links_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    from ocsp_pcap.decode import Decoder
    from ocsp_pcap.decode.encapsulations import _link_layers

    chance = random.Random(5)
    for link_type in sorted(_link_layers()):
        packets = [chance.randbytes(chance.randrange(4, 200)) for _ in range(30)]
        Decoder().decode(batch_of(packets, link_type=link_type))
    assert capfd.readouterr() == ("", "")

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from pathlib import Path

import pytest

from ocsp_pcap.api import explain, read_facts
from ocsp_pcap.evidence import Extent, write_evidence
from tests.unit.evidence.parts import CHILD, PARENT, ROOT, tshark

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
CHECK = ("-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE")
CAPTURES = {
    "two captures": [CHILD, PARENT],
    "cooked": [ROOT / "samples" / "socks-relay" / "relay.pcap"],
    "handed on": [ROOT / "samples" / "tunnels-relay-queries" / "parent.pcap"],
    "cut": [ROOT / "samples" / "snaplen-200" / "parent.pcap"],
    "datagrams": [ROOT / "samples" / "tls-over-udp" / "capture.pcap"],
}


def anonymized(captures: list[Path], out: Path) -> Path:
    captures = [path for path in captures if path.exists()] or sorted(captures[0].parent.glob("*.pcap"))
    facts = read_facts(captures)
    write_evidence(explain(facts), facts, captures, out, Extent(anonymize=True))
    return out


def bad_checksums(path: Path) -> int:
    wrong = "ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0"
    command = ["tshark", "-n", "-r", str(path), *CHECK, "-Y", wrong, "-T", "fields", "-e", "frame.number"]
    return len(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())


@pytest.mark.parametrize("name", CAPTURES)
def test_no_address_of_the_site_is_left(name: str, tmp_path: Path) -> None:
    out = anonymized(CAPTURES[name], tmp_path / "e.pcapng")
    content = out.read_bytes()
    kept = {
        address for row in tshark(out, "ip.src", "ip.dst") for field in row for address in field.split(",")
    }
    kept -= {""}
    assert kept
    facts = read_facts([out])
    assert facts.handshakes
    originals = {
        address
        for path in CAPTURES[name][0].parent.glob("*.pcap")
        for row in tshark(path, "ip.src", "ip.dst")
        for field in row
        for address in field.split(",")
        if address
    }
    moved = [address for address in originals if ipaddress.ip_address(address).is_private]
    assert len(moved) > 2
    for address in moved:
        assert address.encode() not in content.replace(b"+", b" "), address
    assert bad_checksums(out) == 0


def test_names_stay_and_it_is_said(tmp_path: Path) -> None:
    out = anonymized(CAPTURES["two captures"], tmp_path / "e.pcapng")
    content = out.read_bytes()
    assert b"plain.site.test" in content
    assert b"names in certificates" in content


def test_the_same_verdicts_but_for_addresses(tmp_path: Path) -> None:
    captures = CAPTURES["two captures"]
    out = anonymized(captures, tmp_path / "e.pcapng")
    before, after = explain(read_facts(captures)), explain(read_facts([out]))
    keys = [
        sorted((v.host, v.cause, v.confidence, v.validator.role, v.status or "") for v in answer.verdicts)
        for answer in (before, after)
    ]
    assert keys[0] == keys[1]
    addresses = [{v.validator.address for v in answer.verdicts} for answer in (before, after)]
    assert len(addresses[0]) == len(addresses[1])

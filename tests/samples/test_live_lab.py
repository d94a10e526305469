"""Fresh recordings of the laboratory are explained like the committed ones.

They need root, network namespaces and the laboratory's programs; each test says what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ocsp_pcap.explain.expect import check

from .cases import SAMPLES, Sample, explanation_of_all

pytestmark = pytest.mark.lab

RECORD = SAMPLES / "lab" / "record.py"
SCENARIOS = (
    *("ocsp-on-child", "ocsp-at-parent", "parent-tunnels", "crl-instead", "forwarding-host"),
    *("stunnel-client", "nginx-checks-clients", "slow-responder"),
)
TIMEOUT = 180.0


def obstacle(name: str) -> str | None:
    """Return why this machine cannot record a scenario, or None."""
    checked = subprocess.run(
        [sys.executable, str(RECORD), "--check", name], capture_output=True, text=True, check=False
    )
    if checked.returncode != 0:
        return checked.stderr.strip()
    ip = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin") or "ip"
    probe = f"ocsp-pcap-probe-{os.getpid()}"
    made = subprocess.run([ip, "netns", "add", probe], capture_output=True, text=True, check=False)
    subprocess.run([ip, "netns", "delete", probe], capture_output=True, check=False)
    if made.returncode != 0:
        return f"network namespaces cannot be made here: {made.stderr.strip()}"
    return None


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_fresh_recording_is_explained_as_its_story_says(name: str, tmp_path: Path) -> None:
    reason = obstacle(name)
    if reason is not None:
        pytest.skip(reason)
    recorded = subprocess.run(
        [sys.executable, str(RECORD), name, "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert recorded.returncode == 0, recorded.stderr
    fresh = Sample(tmp_path / name)
    committed = Sample(SAMPLES / name)
    assert [path.name for path in fresh.captures] == [path.name for path in committed.captures]
    for capture in fresh.captures:
        assert capture.read_bytes() != (committed.folder / capture.name).read_bytes()
    outcomes = check(explanation_of_all(fresh), fresh.expectations)
    broken = [f"{dict(o.expectation.values)}: {o.reason}" for o in outcomes if not o.held]
    assert not broken, "\n".join(broken)

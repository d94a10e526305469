"""What the README shows is what the program prints."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from ocsp_pcap.report.cause import cause_table_markdown

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_command_prints_what_the_readme_shows() -> None:
    block = re.search(r"```\n(python3 -m venv [^\n]+)\n```\n\n```text\n(.*?)\n```", README, re.DOTALL)
    assert block is not None
    arguments = shlex.split(block[1].split(".venv/bin/ocsp-pcap ")[1])
    printed = subprocess.run(
        [sys.executable, "-m", "ocsp_pcap", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "112", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.rstrip() for line in printed.stdout.splitlines()] == block[2].splitlines()


def test_the_tables_of_causes_are_those_of_the_program() -> None:
    assert cause_table_markdown().strip() in README


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    assert "\nbash tests/run.sh\n" in README
    assert "tests/run.sh" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_relative_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target

"""The README: it shows what the program prints."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
        env={**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
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


def test_the_jq_recipes_answer(tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    block = re.search(
        r"```sh\n(ocsp-pcap explain capture\.pcap --format json > answer\.json\n.*?)```", README, re.DOTALL
    )
    assert block is not None
    first, *recipes = block[1].strip().splitlines()
    arguments = shlex.split(first.replace("capture.pcap", "samples/direct/capture.pcap"))[1:-2]
    command = [sys.executable, "-m", "ocsp_pcap", *arguments]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    (tmp_path / "answer.json").write_bytes(answer)
    assert len(recipes) >= 5
    for recipe in recipes:
        printed = subprocess.run(
            shlex.split(recipe), cwd=tmp_path, capture_output=True, text=True, check=False
        )
        # jq -e tells by its exit status; nothing is a problem here.
        assert printed.returncode == (1 if " -e " in recipe else 0), (recipe, printed.stderr)
        assert printed.stdout or "problem" in recipe, recipe

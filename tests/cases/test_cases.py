"""Every case beside the project, by its name; those that do not hold yet stand in ``known_failures.txt``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import COMMAND, Result, environment, run
from tests.conftest import CASES, CASES_TABLE

from .held import complaints

KNOWN = Path(__file__).with_name("known_failures.txt")
PATIENCE = 4
"""A run may take so many times what its case allows before it is given up."""
WITHOUT_LIMIT = 60.0
"""Seconds that a run may take whose case names none."""


def known_failures() -> set[str]:
    lines = (line.partition("#")[0].strip() for line in KNOWN.read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line}


def cases() -> list[Any]:
    """Return the cases as parameters; a known failure may pass, so that who mends it is not in the way."""
    if not CASES_TABLE.is_file():
        return []
    known = known_failures()
    found: list[dict[str, Any]] = json.loads(CASES_TABLE.read_text(encoding="utf-8"))
    fails = pytest.mark.xfail(reason="a known failure", strict=False)
    return [
        pytest.param(
            case, id=case["name"], marks=[fails] if case["name"] in known or case.get("open") else []
        )
        for case in found
    ]


def in_place(word: str, scratch: Path) -> str:
    """A word of a command line, with the path of what it names among the cases."""
    if "@TMP" in word:
        return word.replace("@TMP", str(scratch))
    return str(CASES / word) if (CASES / word).exists() else word


def measured(arguments: list[str], scratch: Path, seconds: float) -> tuple[Result, float, float]:
    """Run the program in a process; return also its CPU seconds and the peak of its memory in MB."""
    out, err = scratch / "out", scratch / "err"
    with out.open("wb") as output, err.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", WATCHED, str(seconds), *COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=environment(),
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    result = Result(process.returncode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))
    return result, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


WATCHED = """
import os, resource, sys
limit = int(float(sys.argv[1])) + 1
resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
os.execv(sys.argv[2], sys.argv[2:])
"""
"""A program that becomes another which the kernel ends once it has used so many CPU seconds."""


@pytest.mark.cases
@pytest.mark.parametrize("case", cases())
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    words = case.get("command") or ["explain", *case["args"], "--format", "json"]
    arguments = [in_place(word, tmp_path) for word in words]
    limits = {key: case[key] for key in ("seconds", "mb") if key in case}
    wrong: list[str] = []
    if limits:
        longest = PATIENCE * limits.get("seconds", WITHOUT_LIMIT)
        result, seconds, megabytes = measured(arguments, tmp_path, longest)
        assert "Traceback" not in result.err, result.err
        assert result.status >= 0, f"ended by signal {-result.status} after {seconds:.1f} s of CPU"
        if seconds > limits.get("seconds", seconds):
            wrong.append(f"{seconds:.1f} s of CPU, at most {limits['seconds']}")
        if megabytes > limits.get("mb", megabytes):
            wrong.append(f"{megabytes:.0f} MB, at most {limits['mb']}")
    else:
        result = run(*arguments)
    wrong += complaints(case, result)
    assert not wrong, "\n".join([case["why"], *wrong])


@pytest.mark.cases
def test_known_failures_are_cases() -> None:
    names = {case["name"] for case in json.loads(CASES_TABLE.read_text(encoding="utf-8"))}
    assert known_failures() <= names

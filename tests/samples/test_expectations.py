"""Every sample is explained as its story says, and carries nothing that belongs elsewhere."""

from __future__ import annotations

import re

import pytest

from ocsp_pcap.explain.expect import check

from .cases import SAMPLES, Sample, explanation_of_all, sample_cases, samples

MAX_SIZE = 15 << 20
TEXT_SUFFIXES = (".md", ".toml", ".trace", ".keys", ".pem", ".py", ".cnf", ".conf", ".txt", ".json", ".sh")
ELSEWHERE = re.compile(
    r"(?<![\w.$}>])/(?:home|root|Users|work|mnt)/|/tmp/(?!fresh\b)|\b[A-Z]:\\"
    r"|@[\w-]+\.(?:com|org|net|de)\b|[\w-]\.(?:lan|local|localdomain|internal|corp)\b"
)
"""Paths of the machine where a sample was made, names of machines, addresses of people."""


@pytest.mark.parametrize("case", sample_cases())
def test_a_sample_is_explained_as_its_story_says(case: Sample) -> None:
    outcomes = check(explanation_of_all(case), case.expectations)
    broken = [f"{dict(o.expectation.values)}: {o.reason}" for o in outcomes if not o.held]
    assert not broken, "\n".join(broken)


def test_all_samples_have_captures_and_a_story() -> None:
    assert len(samples()) >= 25
    for case in samples():
        assert case.captures, case.name
        assert (case.folder / "README.md").read_text(encoding="utf-8").startswith(f"# {case.name}")


def test_the_samples_are_listed_in_their_table() -> None:
    table = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert [case.name for case in samples() if f"]({case.name})" not in table] == []


def test_the_samples_are_small() -> None:
    files = [path for path in SAMPLES.rglob("*") if path.is_file() and "cache" not in str(path)]
    assert sum(path.stat().st_size for path in files) <= MAX_SIZE


def test_text_in_samples_names_no_place_on_the_machine_where_they_were_made() -> None:
    found: list[str] = []
    for path in SAMPLES.rglob("*"):
        if path.suffix not in TEXT_SUFFIXES or "cache" in str(path):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if ELSEWHERE.search(line):
                found.append(f"{path.relative_to(SAMPLES)}:{number}: {line.strip()}")
    assert found == []

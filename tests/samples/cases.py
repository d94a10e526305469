"""Samples as the command line gets them: which file is given as what (see samples/README.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.expect import Expectation, load_expectations
from ocsp_pcap.explain.logs.read import load_log
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.explain.site import ProxyRole, Site
from ocsp_pcap.explain.site.read import load_sites
from ocsp_pcap.explain.trace import load_trace
from ocsp_pcap.facts import Facts

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
AHEAD: dict[str, str] = {}
"""Samples whose expectations, though true, the explanation does not satisfy yet, and why."""
CAPTURE_SUFFIXES = (".pcap", ".pcapng")


@dataclass(frozen=True)
class Sample:
    """One support case: a folder with captures, what is known of the site, and what is expected."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def captures(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.suffix in CAPTURE_SUFFIXES)

    def role(self, capture: Path) -> ProxyRole | None:
        """``child.pcap`` is given as --child, ``parent.pcap`` as --parent, anything else as an argument."""
        return {"child": "child", "parent": "parent"}.get(capture.stem)  # type: ignore[return-value]

    @property
    def site(self) -> Path | None:
        path = self.folder / "site.toml"
        return path if path.exists() else None

    @property
    def traces(self) -> list[Path]:
        return sorted(self.folder.glob("*.trace"))

    @property
    def key_logs(self) -> list[Path]:
        return sorted(self.folder.glob("*.keys"))

    @property
    def logs(self) -> list[Path]:
        return sorted(self.folder.glob("*.log"))

    @property
    def expect(self) -> Path:
        return self.folder / "expect.toml"

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        return load_expectations(self.expect)

    @property
    def arguments(self) -> list[str]:
        """What follows ``ocsp-pcap explain``."""
        arguments: list[str] = []
        for capture in self.captures:
            role = self.role(capture)
            arguments += [f"--{role}", str(capture)] if role else [str(capture)]
        arguments += ["--site", str(self.site)] if self.site else []
        given = (("--policy-trace", self.traces), ("--keylog", self.key_logs), ("--log", self.logs))
        for option, paths in given:
            for path in paths:
                arguments += [option, str(path)]
        return arguments


def samples() -> list[Sample]:
    """Every folder that says what to expect."""
    return [Sample(path.parent) for path in sorted(SAMPLES.glob("*/expect.toml"))]


def sample_cases() -> list[ParameterSet]:
    """Every sample as a parameter; those that the explanation does not yet satisfy must fail."""
    return [
        pytest.param(
            case,
            id=case.name,
            marks=[pytest.mark.xfail(strict=True, reason=AHEAD[case.name])] if case.name in AHEAD else [],
        )
        for case in samples()
    ]


def sample(name: str) -> Sample:
    return Sample(SAMPLES / name)


def known_site(case: Sample) -> Site:
    return load_sites([case.site]) if case.site else Site()


def facts_of(case: Sample, captures: Sequence[Path] | None = None) -> Facts:
    """Read captures of a sample, by default all of them, with its keys and its site's authorities."""
    authorities = [authority.der for proxy in known_site(case).proxies for authority in proxy.ca]
    options = ReadOptions(key_logs=case.key_logs, authorities=authorities)
    return read_facts(captures if captures is not None else case.captures, options)


def explain_facts(case: Sample, facts: Facts) -> Explanation:
    roles: dict[str, ProxyRole] = {}
    for capture in facts.captures:
        role = case.role(Path(capture.path))
        if role is not None:
            roles[capture.path] = role
    trace = tuple(entry for path in case.traces for entry in load_trace(path))
    logs = tuple(entry for path in case.logs for entry in load_log(path))
    return explain(facts, Context(known_site(case), roles, trace, logs))


@cache
def facts_of_all(case: Sample) -> Facts:
    """All facts of a sample, read once for all tests."""
    return facts_of(case)


@cache
def explanation_of_all(case: Sample) -> Explanation:
    """The explanation of a sample, made once for all tests."""
    return explain_facts(case, facts_of_all(case))

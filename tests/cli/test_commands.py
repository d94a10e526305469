"""Output and exit status of each command when all is well."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema
import pytest

from ocsp_pcap import __version__
from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.report.schema import load
from tests.conftest import SAMPLES

from .program import CHILD, DIRECT, EXPECT, PARENT, SITE, environment, run

CHAIN = ("--child", CHILD, "--parent", PARENT, "--site", SITE)
COMMANDS = (
    "explain",
    "facts",
    "check",
    "diff",
    "ticket",
    "evidence",
    "crosscheck",
    "site",
    "cause",
    "completion",
)


def test_version() -> None:
    result = run("--version")
    assert (result.status, result.out) == (0, f"ocsp-pcap {__version__}\n")


def test_help_lists_the_commands_of_the_contract() -> None:
    result = run("--help")
    assert result.status == 0
    for command in COMMANDS:
        assert f"  {command}" in result.out
    assert result.err == ""


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("explain", "--child --parent --site --keylog --policy-trace --host --format --output"),
        ("facts", "--keylog --format --output"),
        ("check", "--child --parent --site --keylog --policy-trace --host --expect --junit"),
        ("evidence", "--output"),
        ("crosscheck", ""),
        ("site", "--output"),
        ("cause", "CODE"),
    ],
)
def test_help_of_a_command_lists_its_options(command: str, options: str) -> None:
    result = run(command, "--help")
    assert result.status == 0
    for option in options.split():
        assert option in result.out


def test_no_arguments_prints_the_help_and_is_a_mistake() -> None:
    result = run()
    assert (result.status, result.out) == (2, "")
    assert "Commands:" in result.err


def test_text_fits_80_columns_and_holds_no_escape() -> None:
    result = run("explain", *CHAIN)
    assert result.status == 0
    assert max(map(len, result.out.splitlines())) <= 80
    assert "\x1b" not in result.out
    assert "ocsp-at-egress" in result.out
    assert "queried" in result.out
    assert "reissued-certificate" in result.out
    assert result.err == ""


def test_json_is_the_contract() -> None:
    result = run("explain", *CHAIN, "--format", "json")
    document = json.loads(result.out)
    jsonschema.Draft202012Validator(load("explanation")).validate(document)
    assert document["schema"] == "ocsp-pcap/1"
    assert {verdict["validator"]["role"] for verdict in document["verdicts"]} == {"child", "parent"}


@pytest.mark.parametrize(("form", "start"), [("md", "**"), ("html", "<!DOCTYPE html>")])
def test_other_formats(form: str, start: str) -> None:
    result = run("explain", DIRECT, "--format", form)
    assert result.status == 0
    assert result.out.lower().startswith(start.lower())
    assert "plain.site.test" in result.out


@pytest.mark.parametrize("form", ["text", "json", "md", "html"])
def test_a_file_gets_what_standard_output_would_get(form: str, tmp_path: Path) -> None:
    file = tmp_path / "report"
    written = run("explain", DIRECT, "--format", form, "-o", file)
    assert (written.status, written.out, written.err) == (0, "", "")
    printed = run("explain", DIRECT, "--format", form, extra={"COLUMNS": "120"})
    assert file.read_text(encoding="utf-8") == printed.out


def test_host_keeps_the_verdicts_of_these_hosts() -> None:
    result = run("explain", DIRECT, "--host", "PLAIN.*", "--format", "json")
    assert {verdict["host"] for verdict in json.loads(result.out)["verdicts"]} == {"plain.site.test"}


def test_a_host_that_is_not_there_is_told() -> None:
    result = run("explain", DIRECT, "--host", "nowhere.test")
    assert result.status == 0
    assert result.err == "ocsp-pcap: warning: no certificate belongs to a host like nowhere.test\n"


def test_facts_are_json_lines() -> None:
    result = run("facts", DIRECT)
    kinds = [json.loads(line)["kind"] for line in result.out.splitlines()]
    assert kinds[0] == "capture"
    assert {"certificate", "handshake", "ocsp_exchange"} <= set(kinds)
    assert (result.status, result.err) == (0, "")


def test_facts_into_a_file(tmp_path: Path) -> None:
    file = tmp_path / "facts.jsonl"
    assert run("facts", DIRECT, "-o", file).out == ""
    assert file.read_text(encoding="utf-8") == run("facts", DIRECT).out


def test_check_that_holds(tmp_path: Path) -> None:
    junit = tmp_path / "report.xml"
    result = run("check", *CHAIN, "--expect", EXPECT, "--junit", junit)
    assert (result.status, result.err) == (0, "")
    assert "expectations hold" in result.out
    root = ElementTree.parse(junit).getroot()
    assert len(list(root.iter("testcase"))) == EXPECT.read_text(encoding="utf-8").count("[[expect]]")
    assert not list(root.iter("failure"))


def test_check_that_is_broken(tmp_path: Path) -> None:
    expect, junit = tmp_path / "expect.toml", tmp_path / "report.xml"
    expect.write_text(
        '[[expect]]\nrole = "parent"\nhost = "plain.*"\ncause = "cached"\n'
        '[[expect]]\nrole = "parent"\nhost = "plain.*"\npresence = "present"\n'
    )
    result = run("check", *CHAIN, "--expect", expect, "--junit", junit)
    assert (result.status, result.err) == (1, "")
    assert "1 of 2 expectations broken" in result.out
    root = ElementTree.parse(junit).getroot()
    assert [len(list(case.iter("failure"))) for case in root.iter("testcase")] == [1, 0]


def test_an_expectation_that_selects_nothing_is_broken(tmp_path: Path) -> None:
    expect = tmp_path / "expect.toml"
    expect.write_text('[[expect]]\nhost = "nowhere.test"\ncause = "queried"\n')
    result = run("check", DIRECT, "--expect", expect)
    assert result.status == 1
    assert "selects nothing" in " ".join(result.out.split())


def test_causes() -> None:
    result = run("cause")
    assert result.status == 0
    for code in CAUSES:
        assert code in result.out


@pytest.mark.parametrize("code", ["queried", "ocsp-on-wrong-proxy"])
def test_one_cause(code: str) -> None:
    result = run("cause", code)
    assert result.status == 0
    assert code in result.out


def test_evidence_explains_like_the_capture_it_came_from(tmp_path: Path) -> None:
    file = tmp_path / "evidence.pcapng"
    result = run("evidence", DIRECT, "-o", file)
    assert (result.status, result.out) == (0, "")
    assert "packets" in result.err

    def answers(*captures: Path) -> set[tuple[str, str]]:
        document = json.loads(run("explain", *captures, "--format", "json").out)
        return {(verdict["host"], verdict["cause"]) for verdict in document["verdicts"]}

    assert answers(file) == answers(DIRECT)


def test_options_may_stand_before_captures_and_names_may_repeat(tmp_path: Path) -> None:
    link = tmp_path / "link.pcap"
    link.symlink_to(PARENT)
    result = run("explain", "--site", SITE, link, "--parent", PARENT, "--format", "json")
    document = json.loads(result.out)
    assert [capture["path"] for capture in document["captures"]] == [str(PARENT)]


def loaded(*arguments: object) -> set[str]:
    """Return the modules that a run of the program, in a process of its own, has loaded at its end."""
    code = (
        f"import sys\nfrom ocsp_pcap.cli import main\nsys.argv = ['ocsp-pcap', *{[*map(str, arguments)]!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    return set(done.stdout.splitlines()[-1].split(" "))


def test_starting_up_imports_nothing_heavy() -> None:
    heavy = {"numpy", "rich", "cryptography", "scapy", "pyshark", "dns", "jinja2", "h11"}
    assert not heavy & loaded("--version")


def test_reading_a_capture_imports_nothing_that_it_does_not_need() -> None:
    others = {"scapy", "pyshark", "jinja2", "rich", "asyncio", "concurrent.futures", "multiprocessing"}
    others |= {"distributed", "fsspec", "pyarrow", "numpy.ma"}
    others |= {"ocsp_pcap.tables.schema", "ocsp_pcap.quic.connection", "ocsp_pcap.parallel.cluster"}
    others |= {"ocsp_pcap.capture.pcapng_blocks"}
    modules = loaded("facts", PARENT)
    assert "cryptography.x509" in modules
    assert not others & modules


def test_explaining_imports_nothing_that_it_does_not_need() -> None:
    others = {"rich", "jinja2", "asyncio", "multiprocessing", "pyarrow", "scapy"}
    others |= {"ocsp_pcap.explain.site.reading", "ocsp_pcap.explain.logs.read", "ocsp_pcap.explain.trace"}
    others |= {"ocsp_pcap.explain.forecast", "ocsp_pcap.report.html", "ocsp_pcap.report.markdown"}
    modules = loaded("explain", PARENT)
    assert "ocsp_pcap.explain.engine" in modules
    assert not others & modules


def test_reading_a_capture_without_certificates_needs_no_cryptography() -> None:
    assert not {"cryptography", "ocsp_pcap.ocsp.signature"} & loaded(
        "facts", SAMPLES / "tls13-without-keys" / "child.pcap"
    )

"""Results that are passed on: tickets, differences, first expectations."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .program import CHILD, DIRECT, EXPECT, PARENT, SITE, Result, run

CASE = ("--child", CHILD, "--parent", PARENT, "--site", SITE)
BEFORE = CHILD.parents[1] / "ocsp-on-child"
BEFORE_CASE = (
    "--child",
    BEFORE / "child.pcap",
    "--parent",
    BEFORE / "parent.pcap",
    "--site",
    BEFORE / "site.toml",
)


def stored(name: Path, *case: object) -> Path:
    assert run("explain", *case, "--format", "json", "-o", name).status == 0
    return name


def answers(result: Result, *, addresses: bool = True) -> list[tuple[str, ...]]:
    return sorted(
        (v["host"], v["chain_role"], v["cause"], v["confidence"], v["validator"]["role"])
        + ((v["validator"]["address"],) if addresses else ())
        for v in json.loads(result.out)["verdicts"]
    )


def test_a_ticket(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "case"
    result = run("ticket", *CASE, "-o", folder)
    assert (result.status, result.out) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == [
        "answer.md", "evidence.pcapng", "report.html", "site.toml",
    ]  # fmt: skip
    headline = json.loads(run("explain", *CASE, "--format", "json").out)["headline"]
    assert headline in (folder / "answer.md").read_text().replace("\\", "")
    page = (folder / "report.html").read_text()
    assert page.startswith("<!") or "<html" in page
    found = run("explain", folder / "evidence.pcapng", "--site", folder / "site.toml", "--format", "json")
    assert answers(found) == answers(run("explain", *CASE, "--format", "json"))


def test_a_ticket_in_the_place_of_another(tmp_path: Path) -> None:
    """What the earlier one knew of the proxies would stand beside an answer that does not use it."""
    folder = tmp_path / "case"
    assert run("ticket", *CASE, "-o", folder).status == 0
    (folder / "letter.txt").write_text("from the customer")
    assert run("ticket", DIRECT, "-o", folder, "--anonymize").status == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "answer.md", "evidence.pcapng", "letter.txt", "report.html",
    ]  # fmt: skip


def test_an_anonymous_ticket(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    assert run("ticket", *CASE, "-o", folder, "--anonymize").status == 0
    for file in folder.iterdir():
        content = file.read_bytes()
        for address in (b"10.77.1.20", b"10.77.1.30", b"10.77.2.30", b"10.77.2.53"):
            assert address not in content, file.name
        assert str(CHILD.parent).encode() not in content, file.name
    answer = (folder / "answer.md").read_text()
    assert "plain.site.test" in answer
    assert "names in certificates are not" in answer
    # What the site file says is still known: OCSP is on at the parent, its CA is the one that signs.
    assert "ocsp-at-egress" in answer
    found = run("explain", folder / "evidence.pcapng", "--site", folder / "site.toml", "--format", "json")
    case = run("explain", *CASE, "--format", "json")
    assert answers(found, addresses=False) == answers(case, addresses=False)


def test_a_ticket_is_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    result = run("ticket", DIRECT, "-o", file)
    assert result.status == 2
    assert "is a file" in result.err


def test_what_became_better_and_worse(tmp_path: Path) -> None:
    before = stored(tmp_path / "before.json", *BEFORE_CASE)
    after = stored(tmp_path / "after.json", *CASE)
    better, worse = run("diff", before, after), run("diff", after, before)
    assert (better.status, worse.status) == (0, 1)
    assert "OCSP asked by the parent proxy for 4 of 4" in " ".join(better.out.split())
    assert "plain.site.test" in worse.out
    document = json.loads(run("diff", after, before, "--format", "json").out)
    assert document["worse"] is True
    assert document["schema"] == "ocsp-pcap-diff/1"
    assert "| Worse |" in run("diff", after, before, "--format", "md").out


def test_captures_and_stored_facts_are_compared_too(tmp_path: Path) -> None:
    facts = tmp_path / "facts.jsonl"
    assert run("facts", DIRECT, "-o", facts).status == 0
    result = run("diff", facts, DIRECT)
    assert result.status == 0
    assert "Nothing changed." in result.out


def test_what_is_told_besides_counts_for_facts(tmp_path: Path) -> None:
    before, after = tmp_path / "before.jsonl", tmp_path / "after.jsonl"
    assert run("facts", BEFORE / "child.pcap", BEFORE / "parent.pcap", "-o", before).status == 0
    assert run("facts", CHILD, PARENT, "-o", after).status == 0
    site = BEFORE / "site.toml"
    roles = ("--child", "child.pcap", "--parent", "*/parent.pcap", "--site", site)
    result = run("diff", before, after, *roles)
    assert result.status == 0
    assert "OCSP asked by the parent proxy for 4 of 4" in " ".join(result.out.split())
    assert "ocsp-disabled" in result.out
    assert "ocsp-disabled" not in run("diff", before, after, *roles[:-2]).out
    lost = run("diff", before, after, "--parent", "other.pcap")
    assert lost.status == 2
    assert "other.pcap: no capture in BEFORE or AFTER is called so" in lost.err


def test_what_is_told_besides_comes_too_late_for_explanations(tmp_path: Path) -> None:
    explanation = stored(tmp_path / "before.json", *BEFORE_CASE)
    result = run("diff", explanation, explanation, "--site", SITE)
    assert result.status == 2
    assert "--site: BEFORE and AFTER are explanations already" in result.err
    facts = tmp_path / "after.jsonl"
    assert run("facts", CHILD, PARENT, "-o", facts).status == 0
    result = run("diff", explanation, facts, "--site", SITE)
    assert result.status == 0
    assert "--site applies to the other side only" in " ".join(result.err.split())


def test_logs_count_in_an_anonymous_ticket_and_are_not_quoted(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    line = (
        "1795335000.000 12 10.77.1.20 TCP_TUNNEL/200 9 CONNECT plain.site.test:443 secretuser HIER_NONE/- -"
    )
    log.write_text(f"{line}\n")
    folder = tmp_path / "case"
    assert run("ticket", *CASE, "--log", log, "-o", folder, "--anonymize").status == 0
    answer = (folder / "answer.md").read_text()
    assert "Used, and not attached: `access.log`" in answer
    assert all(b"secretuser" not in path.read_bytes() for path in folder.iterdir())


@pytest.mark.parametrize("content", ["{", "{}", '{"schema": "ocsp-pcap/1", "verdicts": 1}', "no JSON"])
def test_what_cannot_be_compared_is_told(content: str, tmp_path: Path) -> None:
    file = tmp_path / "before.json"
    file.write_text(content)
    result = run("diff", file, DIRECT)
    assert result.status == 2
    assert "before.json" in result.err


def test_first_expectations_are_written_once_and_hold(tmp_path: Path) -> None:
    file = tmp_path / "expect.toml"
    assert run("check", *CASE, "--write", file).status == 0
    assert run("check", *CASE, "--expect", file).status == 0
    assert run("check", *BEFORE_CASE, "--expect", file).status == 1
    again = run("check", *CASE, "--write", file)
    assert again.status == 2
    assert "is there already" in again.err


@pytest.mark.parametrize(
    "options", [(), ("--expect", EXPECT, "--write", "x.toml"), ("--write", "x", "--junit", "y")]
)
def test_check_compares_or_writes(options: tuple[object, ...]) -> None:
    assert run("check", *CASE, *options).status == 2


def test_times_in_junit_are_real(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    assert run("check", *CASE, "--expect", EXPECT, "--junit", report).status == 0
    root = ElementTree.parse(report).getroot()
    suite = root.find("testsuite")
    assert suite is not None
    assert float(suite.attrib["time"]) > 0.01
    times = [float(case.attrib["time"]) for case in suite.findall("testcase")]
    assert sum(times) > 0
    assert sum(times) < float(suite.attrib["time"])

"""The report for the terminal, with its table and its details."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from ocsp_pcap.explain.model import Doubt, Evidence, Explanation
from ocsp_pcap.report.text import render_text
from ocsp_pcap.report.text_table import MOST_CALM

from .demo import CHILD_PCAP, PARENT_PCAP, capture, demo_explanation, demo_verdicts, exchange
from .hostile import HOSTILE, hostile_explanation, odd_verdict


class Ascii(io.StringIO):
    """A text file that takes ASCII only, as a console would see it."""

    encoding = "ascii"


def render(explanation: Explanation, width: int = 120, *, verbose: int = 0, **options: Any) -> str:
    """The report as text."""
    file = options.pop("file", None) or io.StringIO()
    render_text(explanation, console=Console(file=file, width=width, **options), verbose=verbose)
    return str(file.getvalue())


def test_the_answer_comes_first_then_findings_then_the_table() -> None:
    text = render(demo_explanation(), 160)
    assert text.startswith("3 OCSP requests from parent 10.77.2.30: 1 answered good, 2 failed")
    places = [
        text.index(part)
        for part in (
            "[1] child.pcapng  9,120 packets, 2026-01-02 03:04:05 → 03:08:56 UTC",
            "! 12 packets dropped while capturing; 2 packets cut short (snaplen 1500); 3 gaps in TCP streams",
            "✗ problem  ocsp-on-wrong-proxy  The site file enables OCSP on the child",
            "→ Enable OCSP on the parent",
            "i info  ocsp-at-egress",
            "! attempted  responder-unreachable  1 certificate",
            "very-long-name",
            "reissued-certificate  1 certificate",
            "queried  1 certificate",
            "1 OCSP exchange for certificates that the sender was not seen to receive",
            "-v shows evidence",
        )
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("width", [40, 80, 100, 120, 160, 240])
@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_nothing_is_wider_than_the_terminal_but_filters(width: int, verbose: int) -> None:
    for line in render(demo_explanation(), width, verbose=verbose).splitlines():
        assert cell_len(line) <= width or "frame.number" in line or "ocsp.serialNumber" in line


@pytest.mark.parametrize("width", [80, 120, 160])
def test_every_row_has_its_words(width: int) -> None:
    text = render(demo_explanation(), width)
    for word in ("! attempted", "- absent", "? unknown", "✓ present", "reissued-certificate", "good",
                 "possible", "[1] 44, 47"):  # fmt: skip
        assert word in text
    assert ("[2] 504, 507, 519 +2" if width >= 100 else "[2] 504, 507 +3") in text


def test_no_column_comes_and_goes_with_the_width() -> None:
    for width in (80, 100, 160, 240):
        heads = [
            line
            for line in render(demo_explanation(), width).splitlines()
            if line.startswith("Certificate for")
        ]
        assert [head.split("  ")[0] for head in heads] == ["Certificate for"]
        assert heads[0].split()[2:] == ["Received", "by", "Status", "Confidence", "Frames"]


def test_details_on_demand() -> None:
    plain, verbose, all_of_it = (render(demo_explanation(), 120, verbose=level) for level in (0, 1, 2))
    assert "frame.number in {504, 507, 519, 523, 540}" not in plain
    for line in ("      frame.number in {504, 507, 519, 523, 540}", "      tcp.stream eq 50",
                 "      ocsp.serialNumber == 00:85:aa:01"):  # fmt: skip
        assert line in verbose.splitlines()
    for part in ("Not ruled out", "the capture may have begun after an earlier answer", "Next steps",
                 "Example Trust G2 (intermediate)", "OCSP URL  http://ocsp.example-trust.test/",
                 "site.toml  proxies.child.ocsp = true", "3 handshakes in all"):  # fmt: skip
        assert part in verbose, part
        assert part not in plain
    assert "2026-01-02 03:04:12.123456 UTC" not in verbose
    assert "2026-01-02 03:04:12.123456 UTC" in all_of_it


def test_few_verdicts_show_their_details_unasked() -> None:
    few = replace(demo_explanation(), verdicts=demo_verdicts()[:2])
    text = render(few)
    assert "Wireshark filters" in text
    assert "-v shows evidence" not in text


def test_one_capture_needs_no_number() -> None:
    one = Explanation((capture(PARENT_PCAP),), demo_verdicts()[:1], (), ())
    text = render(one)
    assert "[1]" not in text
    assert "104, 107, 212 +1" in text
    assert "    frame.number in {104, 107, 212, 219}" in text.splitlines()


def test_many_rows_are_cut_but_never_silently() -> None:
    queried = demo_verdicts()[0]
    urgent = replace(demo_verdicts()[3], host="last.site.test")
    many = Explanation((capture(PARENT_PCAP),), (queried,) * (MOST_CALM + 1000) + (urgent,), (), ())
    few = replace(many, verdicts=many.verdicts[-MOST_CALM * 2 :])
    assert "more of this cause" in render(few)
    text = render(many)
    assert "queried  1,006 certificates" in text
    assert "… and 1,000 certificates more of this cause" in text
    assert text.index("last.site.test") < text.index("queried")
    assert len(text.splitlines()) < 40
    assert "more of this cause" not in render(few, verbose=1)


def test_doubts_are_told_in_one_clause() -> None:
    doubted = replace(demo_verdicts()[0], confidence="likely", doubts=(Doubt("clock", "the clocks differ"),))
    many = Explanation((capture(PARENT_PCAP),), (doubted,) * 5, (), ())
    assert render(many).count("Likely only, because the clocks differ.") == 1


def test_no_revoked_exchange_is_cut_off() -> None:
    good = tuple(exchange(f"5e{number:02x}") for number in range(40))
    response = good[0].response
    assert response is not None
    single = replace(response.singles[0], serial="bad1", status="revoked")
    bad = replace(exchange("bad1"), response=replace(response, singles=(single,)))
    assert "serial bad1: REVOKED" in render(Explanation((), (), (), (*good, bad)))


def test_many_captures_are_summed_up() -> None:
    captures = tuple(capture(f"ring/{number:03}.pcap") for number in range(50))
    text = render(Explanation((*captures, capture("ring/bad.pcap", damage="cut short")), (), (), ()))
    assert "51 captures" in text
    assert "bad.pcap" in text
    assert "017.pcap" not in text


def test_much_evidence_is_cut_but_never_silently() -> None:
    evidence = tuple(Evidence(CHILD_PCAP, frame, 1, "query") for frame in range(1, 31))
    one = Explanation((capture(CHILD_PCAP),), (replace(demo_verdicts()[0], evidence=evidence),), (), ())
    assert "… and 20 more" in render(one)
    assert "more" not in render(one, verbose=2).split("Wireshark filters")[0]


def test_nothing_at_all() -> None:
    text = render(Explanation((capture(CHILD_PCAP, first_time=None),), (), (), (), headline="Nothing."))
    assert text.splitlines()[0] == "Nothing."


def test_no_colour_where_there_is_no_terminal() -> None:
    assert "\x1b" not in render(demo_explanation(), verbose=2)


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[3" in render(demo_explanation(), force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    text = render(demo_explanation(), force_terminal=True, color_system="standard")
    assert not any(f"\x1b[{code}" in text for code in ("3", "4", "9", "1;3"))


def test_ascii_terminals_get_ascii() -> None:
    for verbose in (0, 2):
        text = render(demo_explanation(), verbose=verbose, file=Ascii())
        assert text.isascii()
        assert "+ present" in text


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [60, 160])
def test_hostile_names_do_nothing(text: str, width: int) -> None:
    shown = render(hostile_explanation(text), width, verbose=2)
    assert all(line.isprintable() for line in shown.split("\n"))
    shown.encode("utf-8")
    plain = render(hostile_explanation(text), width, verbose=2, file=Ascii())
    assert plain.isascii()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_add_nothing_to_colours(text: str) -> None:
    coloured = render(hostile_explanation(text), 60, verbose=2, force_terminal=True, color_system="standard")
    for piece in coloured.split("\x1b")[1:]:
        assert piece.startswith("[")
        assert piece[1:].lstrip("0123456789;").startswith("m")


def test_markup_in_names_is_shown_not_obeyed() -> None:
    assert "[bold red]markup[/]" in render(hostile_explanation("[bold red]markup[/]"), 200)


def test_unknown_words_are_shown() -> None:
    odd = Explanation((capture(PARENT_PCAP),), (odd_verdict(demo_verdicts()[0]),), (), ())
    text = render(odd)
    assert "no-such-cause" in text
    assert "later" in text


def test_start_up_stays_light() -> None:
    code = (
        "import sys, ocsp_pcap.report, ocsp_pcap.report.text, ocsp_pcap.report.html, "
        "ocsp_pcap.report.markdown, ocsp_pcap.report.json, ocsp_pcap.report.junit, "
        "ocsp_pcap.report.cause, ocsp_pcap.report.checks\n"
        "print(sorted({'rich', 'jinja2', 'junitparser', 'markdown_it'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.strip() == "[]"


def test_many_findings_and_doubts_alike_are_said_once() -> None:
    finding = replace(demo_explanation().findings[1], severity="advice")
    verdict = demo_verdicts()[0]
    hosts = [replace(verdict.validator, address=f"10.77.2.{number}") for number in range(30, 38)]
    doubted = tuple(
        replace(
            verdict, validator=host, confidence="likely", doubts=(Doubt("clock", f"{host.address} is slow"),)
        )
        for host in hosts
    )
    many = Explanation((capture(PARENT_PCAP),), doubted, (finding,) * 9, ())
    text = " ".join(render(many, 100).split())
    assert text.count(finding.summary) == 2
    assert f"… and 7 findings more of the kind {finding.code}: -v shows all" in text
    assert text.count("Likely only") == 1
    assert "Likely only, because the host that received it is slow." in text
    assert " ".join(render(many, 100, verbose=1).split()).count(finding.summary) == 9

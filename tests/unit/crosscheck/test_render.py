from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from ocsp_pcap.crosscheck import CrosscheckResult, Disagreement, KindCount, render_crosscheck

AGREED = CrosscheckResult(
    "a.pcap", "4.0.17", (KindCount("certificate", 2, 2, 2), KindCount("request", 1, 1, 1)), ()
)
MISSED = Disagreement("certificate", "tcp", 8, 3, None, "sha256 abab…")


def shown(result: CrosscheckResult) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    render_crosscheck(result, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_agreement_is_two_lines() -> None:
    lines = shown(AGREED).splitlines()
    assert lines == [
        "The facts and Wireshark agree  a.pcap  (Wireshark 4.0.17)",
        "  Seen by both: 2 certificates, 1 request.",
    ]


def test_a_disagreement_tells_place_and_both_sides() -> None:
    text = shown(replace(AGREED, disagreements=(MISSED,)))
    assert text.startswith("1 disagreement with Wireshark")
    assert "certificate  frame 8, tcp.stream 3" in text
    assert "facts     nothing" in text
    assert "Wireshark sha256 abab…" in text


def test_an_explained_difference_is_agreement_with_its_reason() -> None:
    text = shown(replace(AGREED, disagreements=(replace(MISSED, explanation="Sent again."),)))
    assert text.startswith("The facts and Wireshark agree")
    assert "Explained differences: 1" in text
    assert "Sent again." in text


def test_many_differences_are_counted() -> None:
    text = shown(replace(AGREED, disagreements=(MISSED,) * 150))
    assert "150 disagreements" in text
    assert "and 50 more: 50 certificates" in text


def test_nothing_seen_and_a_damaged_capture() -> None:
    text = shown(replace(AGREED, counts=(), note="The file appears to have been cut short."))
    assert "cut short" in text
    assert "Neither saw" in text


def test_hostile_names_do_nothing() -> None:
    text = shown(replace(AGREED, disagreements=(replace(MISSED, wireshark="hello for \x1b[2J[red]x"),)))
    assert "\x1b" not in text
    assert r"\x1b[2J[red]x" in text

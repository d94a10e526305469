"""The page as people use it: sort, filter, follow a link, copy, print, by keyboard, without a script."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.report.html import render_html
from tests.samples.cases import explanation_of_all, sample
from tests.unit.report.demo import PARENT_PCAP, capture, demo_explanation, many_verdicts
from tests.unit.report.hostile import hostile_explanation

from .conftest import module

FOCUSED = "(({ id, className, tagName }) => id || className || tagName)(document.activeElement)"
SHOWN = "tbody.verdict:not([hidden])"
ROWS = """[...document.querySelectorAll("tbody.verdict")].map(({ id, innerHTML }) => (
    { id, html: innerHTML.trim().replace(/<details open="">/, "<details>") }))"""
TEN = (
    "responder-troubles",
    "staples",
    "ocsp-on-child",
    "ocsp-at-parent",
    "revoked-but-used",
    "tls13-without-keys",
    "all-interfaces",
    "several-children",
    "forwarding-host",
    "direct",
)
LOOKS = [(width, theme) for width in (1200, 390) for theme in ("light", "dark")]
AXE = (
    "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html.slice(0, 200)]))"
)


def page_of(name: str) -> str:
    return render_html(explanation_of_all(sample(name)), verbose=1)


def many(number: int) -> str:
    """The page of as many certificates."""
    verdicts = many_verdicts(number)
    return render_html(Explanation((capture(PARENT_PCAP),), verdicts, (), (), headline="Many."), verbose=1)


@pytest.mark.parametrize("name", ["demo", *TEN])
def test_axe_finds_no_violation(opened: Any, name: str) -> None:
    axe = module("axe-core/axe.min.js").read_text(encoding="utf-8")
    text = render_html(demo_explanation(), verbose=1) if name == "demo" else page_of(name)
    with opened(text) as page:
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        page.evaluate(axe)
        for width, theme in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme)
            assert page.evaluate(AXE) == [], (width, theme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_filter_hides_what_is_empty_and_counts_what_it_shows(opened: Any) -> None:
    with opened(page_of("responder-troubles")) as page:
        assert page.locator("#shown").inner_text() == "21 certificates"
        page.fill("#search", "busy")
        assert page.locator(SHOWN).count() == 2
        assert page.locator("#shown").inner_text() == "2 of 21 certificates"
        assert page.locator("tbody.group:not([hidden])").count() == 2
        assert page.locator("table.filtered tr:visible td.host").all_inner_texts()[0] == "busy.site.test"
        page.fill("#search", "no such thing")
        assert page.locator(SHOWN).count() == 0
        assert page.locator("#nothing").is_visible()
        assert not page.locator("#certificate-table").is_visible()
        assert not page.locator("#legs").is_visible()
        page.press("#search", "Escape")
        assert page.locator(SHOWN).count() == 21
        page.check("#urgent")
        assert page.locator("#shown").inner_text() == "9 of 21 certificates"


def test_rows_can_be_found_by_serial(opened: Any) -> None:
    explanation = explanation_of_all(sample("ocsp-at-parent"))
    certificate = explanation.verdicts[0].certificate
    assert certificate is not None
    with opened(render_html(explanation)) as page:
        page.fill("#search", certificate.serial)
        assert page.locator(SHOWN).count() == 1


def test_sorting_stays_within_the_groups_and_says_what_it_did(opened: Any) -> None:
    with opened(page_of("ocsp-at-parent")) as page:
        hosts = ".verdicts tbody.verdict .host"
        page.click("button.sort >> text=Certificate for")
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
        rising = page.locator(hosts).all_inner_texts()
        page.click("button.sort >> text=Certificate for")
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
        falling = page.locator(hosts).all_inner_texts()
        assert rising[:5] == sorted(rising[:5])
        assert rising[:5] == falling[:5][::-1]
        assert rising[5:] == falling[5:][::-1]
        page.click("button.sort >> text=Frames")
        assert "[1] 13" in page.locator("tbody.verdict td.frames").all_inner_texts()[5]


def test_a_deep_link_opens_its_certificate(opened: Any) -> None:
    text = page_of("ocsp-at-parent")
    with opened(text) as page:
        anchor = page.locator("a.anchor").nth(6).get_attribute("href")
        page.locator("a.anchor").nth(6).click()
        assert page.locator(f"{anchor} details").get_attribute("open") is not None
    with opened(text, anchor=anchor) as page:
        assert page.locator(f"{anchor} details").get_attribute("open") is not None
        assert page.locator(f"{anchor} .inside").is_visible()


def test_filters_can_be_copied(opened: Any) -> None:
    with opened(page_of("ocsp-at-parent")) as page:
        button = page.locator("#proof ~ .filter button").first
        button.click()
        page.wait_for_function(
            "document.querySelector('#proof ~ .filter button').textContent.startsWith('copied')"
        )
        assert page.evaluate("navigator.clipboard.readText()").startswith("frame.number")


def test_everything_can_be_done_with_the_keyboard(opened: Any) -> None:
    with opened(page_of("responder-troubles")) as page:
        seen = []
        for _ in range(60):
            page.keyboard.press("Tab")
            seen.append(page.evaluate(FOCUSED))
            if seen[-1] == "search":
                page.keyboard.type("busy")
            if seen[-1] == "sort":
                break
        assert "SUMMARY" in seen
        assert "search" in seen
        assert "urgent" in seen
        page.keyboard.press("Enter")
        assert page.locator("th[aria-sort=ascending]").count() == 1
        while page.evaluate("document.activeElement.tagName") != "SUMMARY":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.locator("tbody.verdict details[open]").count() == 1


def test_print_shows_the_report_and_not_its_tools(opened: Any) -> None:
    with opened(page_of("responder-troubles")) as page:
        assert page.pdf()[:5] == b"%PDF-"
        page.emulate_media(media="print")
        for tool in ("#search", "button.copy", "a.anchor"):
            assert not page.locator(tool).first.is_visible()
        assert page.locator("h1").is_visible()


def test_without_a_script_everything_is_readable(opened: Any) -> None:
    with opened(page_of("responder-troubles"), script=False) as page:
        assert page.locator(SHOWN).count() == 21
        assert not page.locator("#search").is_visible()
        page.locator("tbody.verdict summary").first.click()
        assert "Wireshark filter" in page.locator("tbody.verdict .inside").first.inner_text()


def test_five_thousand_certificates_stay_usable(opened: Any) -> None:
    text = many(5000)
    assert len(text) < 1_700_000
    with opened(text) as page:
        assert page.evaluate("document.documentElement.scrollHeight") < 25_000
        assert page.locator("#shown").inner_text() == "5,000 certificates"
        page.fill("#search", "h04321")
        assert page.locator(SHOWN).count() == 1
        row = page.locator(SHOWN)
        row.locator("summary").click()
        assert many_verdicts(4322)[4321].certificate.sha256 in row.inner_text()
        page.fill("#search", "")
        page.locator("button.all:visible").first.click()
        assert page.locator(SHOWN).count() > 600
        page.click("button.sort >> text=Certificate for")
        hosts = page.locator(f"{SHOWN} .host").all_inner_texts()[:600]
        assert hosts == sorted(hosts)


def test_every_row_of_a_long_table_is_put_together_as_it_would_stand_by_itself(opened: Any) -> None:
    verdicts = many_verdicts(240)
    whole = Explanation((capture(PARENT_PCAP),), verdicts, (), ())
    with opened(render_html(whole)) as page:
        for button in page.locator("button.all").all():
            button.click()
        shown = {each["id"]: each["html"] for each in page.evaluate(ROWS)}
    assert len(shown) == 240
    written: dict[str, str] = {}
    for start in range(0, 240, 120):
        part = Explanation((capture(PARENT_PCAP),), verdicts[start : start + 120], (), ())
        with opened(render_html(part)) as page:
            written |= {each["id"]: each["html"] for each in page.evaluate(ROWS)}
    assert shown == written


def test_a_deep_link_leads_to_any_row_of_a_long_table(opened: Any) -> None:
    text = many(1000)
    anchors = re.findall(r'<tr\nid="(c-[^"]*)"', text)
    assert len(anchors) > 700
    for anchor in (anchors[0], anchors[400], anchors[-1]):
        with opened(text, anchor=f"#{anchor}") as page:
            assert page.locator(f"#{anchor} .inside").is_visible()
            assert page.locator(f"#{anchor} .inside").bounding_box()["y"] < 900
    with opened(text, anchor=f"#{anchors[400]}", script=False) as page:
        assert page.locator(f"#{anchors[400]}").is_visible()


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "\u202egnp.exe"]
)
def test_hostile_names_do_nothing(opened: Any, name: str) -> None:
    with opened(render_html(hostile_explanation(name), verbose=1)) as page:
        assert page.locator("img").count() == 0
        assert page.evaluate("document.scripts.length") <= 2

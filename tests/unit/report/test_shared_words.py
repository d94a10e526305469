"""Rows that share their words: every one comes back to the letter."""

from __future__ import annotations

import re
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.report.shared_words import FEWEST, Form, Place, Row, octets, share

from .hostile import HOSTILE


def row(number: int, host: str, serial: str) -> Row:
    html = (
        f'<tr class="row1"><td>{escape(host)}</td><td>{serial}</td></tr>'
        f"<p>asked for {escape(host)} &#39;in&#39; frame {number}, "
        f"valid until 2026-01-0{number % 9 + 1} 03:04:05 UTC (RFC 6960 3.2): "
        f"ocsp.serialNumber == {octets(serial)}</p>"
    )
    return Row(f"c-{number}", html, {"host": host, "serial": serial})


def filled(form: Form, values: tuple[str, ...]) -> str:
    """The HTML of the row that has these values, as the page's script puts it together."""
    return "".join(
        part if isinstance(part, str) else octets(values[part.column]) if part.octets else values[part.column]
        for part in form.parts
    )


def test_words_are_said_once_and_values_in_columns() -> None:
    rows = [row(number, f"shop{number}.test", f"85aa{number:04x}") for number in range(20)]
    (form,), single = share(rows)
    assert single == []
    assert form.headings == ("host", "serial", "a", "b")
    assert [filled(form, values) for _, values in form.rows] == [each.html for each in rows]
    assert "(RFC 6960 3.2)" in "".join(part for part in form.parts if isinstance(part, str))
    assert '<var data-column="0">host</var>' in form.shown()
    assert '<var data-column="1" data-as="octets">serial as octets</var>' in form.shown()
    assert Place(1, octets=True) in form.parts


def test_rows_that_have_no_like_stay_whole() -> None:
    rows = [Row(str(number), f"<td>{'x' * number}</td>", {}) for number in range(FEWEST - 1)]
    assert share(rows) == ([], rows)


def test_rows_that_are_the_same_but_for_their_anchor() -> None:
    rows = [Row(str(number), "<td>same</td>", {"host": "same"}) for number in range(5)]
    (form,), _ = share(rows)
    assert form.parts == ("<td>same</td>",)
    assert [anchor for anchor, _ in form.rows] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(("serial", "written"), [("1", "01"), ("85aa", "00:85:aa"), ("100", "01:00")])
def test_octets_are_those_of_an_asn1_integer(serial: str, written: str) -> None:
    assert octets(serial) == written


@pytest.mark.parametrize("name", [name for name in HOSTILE if "\0" not in name])
def test_hostile_names_come_back_as_they_were(name: str) -> None:
    rows = [row(number, f"{name}{number % 2}", "85aa") for number in range(6)]
    forms, single = share(rows)
    back = {anchor: filled(form, values) for form in forms for anchor, values in form.rows}
    back |= {each.anchor: each.html for each in single}
    assert back == {each.anchor: each.html for each in rows}
    for form in forms:
        for _, values in form.rows:
            assert not any(re.search("[<>]", value) for value in values)


@given(
    st.lists(
        st.tuples(st.text("ab0. <&>\"'é-", max_size=12), st.integers(0, 2**80)),
        max_size=12,
    )
)
def test_any_rows_come_back(given_rows: list[tuple[str, int]]) -> None:
    rows = [
        Row(str(place), row(place, host, f"{number:x}").html, {"host": host, "serial": f"{number:x}"})
        for place, (host, number) in enumerate(given_rows)
    ]
    forms, single = share(rows)
    back = {anchor: filled(form, values) for form in forms for anchor, values in form.rows}
    assert back | {each.anchor: each.html for each in single} == {each.anchor: each.html for each in rows}

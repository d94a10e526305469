from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from rich.console import Console

from ocsp_pcap.commands.group import cli
from ocsp_pcap.explain.forecast_model import (
    REASONS,
    Forecast,
    Opening,
    ResponderForecast,
    Unasked,
    ValidatorForecast,
)
from ocsp_pcap.explain.lifetimes import Lifetime
from ocsp_pcap.explain.model import Validator
from ocsp_pcap.report.forecast import (
    forecast_headline,
    forecast_to_json,
    render_forecast_html,
    render_forecast_markdown,
    render_forecast_text,
)
from ocsp_pcap.report.schema import load
from ocsp_pcap.terminal.escape import safe_text

from .demo import CHILD, PARENT, PARENT_PCAP, capture, changed
from .hostile import HOSTILE

DIRECT = str(Path(__file__).resolve().parents[3] / "samples/direct/capture.pcap")
RESPONDER = ResponderForecast(
    scheme="http",
    host="ocsp.example-trust.test",
    port=80,
    urls=("http://ocsp.example-trust.test/",),
    certificates=7,
    intermediates=1,
    handshakes=40,
    occasions=60,
    stapled=10,
    queries_without_cache=50,
    queries_with_cache=9,
    intermediate_queries_without_cache=20,
    intermediate_queries_with_cache=1,
    queries_seen=3,
    fallback_certificates=2,
    lifetimes=(Lifetime("assumed", 345_600, "nothing is known"), Lifetime("not-kept", 0, "no nextUpdate")),
)


def demo(text: str = "plain.site.test") -> Forecast:
    """A forecast of a chain, with one text of the captures in all places."""
    responder = replace(RESPONDER, host=text, urls=(text,))
    unasked = Unasked("certificate-encrypted", REASONS["certificate-encrypted"], 4, 0, 4, (text,) * 3)
    return Forecast(
        captures=(capture(PARENT_PCAP, dropped=12),),
        validators=(
            ValidatorForecast(PARENT, 44, 64, (responder,), (unasked,), 50, 9, 10, 3, "10.1.1.9:3128"),
            ValidatorForecast(
                replace(CHILD, address=text), 4, 4, (), (replace(unasked, reason="root"),), 0, 0, 0, 0, None
            ),
        ),
        openings=(Opening("10.1.1.9", "http", text, 80, ("203.0.113.80",), 9),),
        assumptions=("The cache is empty when the captures begin.",),
        notes=(text,),
    )


def text_of(forecast: Forecast, width: int = 160, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    render_forecast_text(forecast, console=Console(file=stream, width=width, no_color=True))
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(encoding)


def test_headline() -> None:
    assert forecast_headline(demo()) == (
        "With OCSP on, this traffic would have caused 9 queries (50 without a cache) to 1 responder, "
        "from parent 10.77.2.30. Certificates that are not visible here may add to that."
    )
    child = replace(demo(), validators=demo().validators[1:])
    assert forecast_headline(child) == "With OCSP on, this traffic would have caused no query."
    hidden = replace(demo(), validators=(replace(demo().validators[0], responders=(), queries_with_cache=0),))
    assert forecast_headline(hidden).endswith("no query, as far as the certificates can be seen.")
    both = replace(demo(), validators=(demo().validators[0],) * 2)
    assert "from 2 validators" in forecast_headline(both)


def test_text_says_everything() -> None:
    text = " ".join(text_of(demo()).split())
    for words in (
        "OCSP on at parent 10.77.2.30",
        "staples would have made 10 queries needless",
        "1 of the queries about intermediates",
        "really sent in these captures: 3",
        "7 (1 intermediate) (+2 as a fallback)",
        "queries leave through 10.1.1.9:3128",
        "answers are held for 4 days: nothing is known",
        "answers are not held: no nextUpdate",
        "4 handshakes: the certificate is encrypted here",
        "What a firewall must let through",
        "203.0.113.80",
        "12 packets dropped",
        "The cache is empty",
    ):
        assert words in text, words


@pytest.mark.parametrize("width", [30, 80])
def test_narrow_and_plain_consoles(width: int) -> None:
    text = text_of(demo(), width, "ascii")
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(345_599, "4 days"), (6, "6 s"), (60, "60 s"), (7_776_000, "90 days"), (90_000, "25 hours")],
)
def test_lifetimes_in_words(seconds: int, words: str) -> None:
    assert Lifetime("same-certificate", seconds, "").words == words


def test_json_holds_to_its_schema() -> None:
    document = json.loads(json.dumps(forecast_to_json(demo())))
    jsonschema.Draft202012Validator(load("forecast")).validate(document)
    assert document["schema"] == "ocsp-pcap/forecast-1"
    assert document["validators"][0]["responders"][0]["queries_with_cache"] == 9
    assert "notes" not in document


@pytest.mark.parametrize(
    "change",
    [
        changed("schema", value="ocsp-pcap/1"),
        changed("verdicts", value=[]),
        changed("validators", 0, "more", value=1),
        changed("validators", 0, "handshakes", value=-1),
        changed("validators", 0, "responders", 0, "scheme", value="ldap"),
        changed("validators", 0, "responders", 0, "port", value=65_536),
        changed("validators", 0, "unasked", 0, "reason", value="queried"),
        changed("openings", 0, "queries", value="9"),
    ],
)
def test_what_breaks_the_schema(change: Callable[[Any], None]) -> None:
    document = copy.deepcopy(forecast_to_json(demo()))
    change(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(load("forecast")).validate(document)


def test_markdown_has_the_tables() -> None:
    text = render_forecast_markdown(demo())
    assert "| Responder | Certificates | Handshakes | Stapled | Without cache | With cache | Seen |" in text
    assert "| 10.1.1.9 | plain.site.test (http) | tcp 80 | 203.0.113.80 | 9 |" in text
    assert "Not asked about:" in text


def test_html_is_one_page_without_script() -> None:
    page = render_forecast_html(demo())
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page
    assert "script-src" not in page
    assert "What a firewall must let through" in page
    assert "answers are held for 4 days" in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_harmless(text: str) -> None:
    forecast = demo(text)
    shown = text_of(forecast)
    for line in shown.splitlines():
        assert safe_text(line) == line
    assert "<script>" not in render_forecast_html(forecast)
    for line in render_forecast_markdown(forecast).splitlines():
        assert safe_text(line) == line
        # Inside a code span nothing else has a meaning (CommonMark 6.1).
        assert not re.search(r"(?<!\\)<script>", re.sub(r"(`+).*?\1", "", line))
    jsonschema.Draft202012Validator(load("forecast")).validate(forecast_to_json(forecast))


def test_hostile_validator_is_only_text() -> None:
    item = replace(demo().validators[0], validator=Validator("[bold]x[/]", "parent"))
    assert "[bold]x[/]" in text_of(replace(demo(), validators=(item,)))


@pytest.mark.parametrize("form", ["text", "json", "md", "html"])
def test_command_line(form: str) -> None:
    result = CliRunner().invoke(cli, ["explain", "--forecast", "--format", form, DIRECT])
    assert result.exit_code == 0, result.output
    assert "ocsp.pki.test" in result.output
    if form == "json":
        jsonschema.Draft202012Validator(load("forecast")).validate(json.loads(result.stdout))


def test_command_line_knows_no_such_host() -> None:
    result = CliRunner().invoke(cli, ["explain", "--forecast", "--host", "nowhere.test", DIRECT])
    assert result.exit_code == 0
    assert "no handshake belongs to a host like nowhere.test" in result.output

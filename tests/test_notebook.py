"""The notebooks run as they are, and are stored with what they show; so does the call that they make."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ocsp_pcap
from ocsp_pcap.api import read_facts
from ocsp_pcap.facts import Facts

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SAMPLES = Path(__file__).parents[1] / "samples"
DIRECT = SAMPLES / "direct" / "capture.pcap"
CASE = SAMPLES / "ocsp-on-child"
CHAIN: dict[str, Any] = {
    "child": CASE / "child.pcap",
    "parent": str(CASE / "parent.pcap"),
    "site": CASE / "site.toml",
}


def sources(notebook: Any) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", ["explain", "explore", "ci"])
def test_a_notebook_runs_and_is_stored_with_its_outputs(name: str) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("matplotlib")
    stored = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    fresh = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbclient.NotebookClient(
        fresh, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOKS)}}
    ).execute()
    kinds = [
        [
            [sorted(output.get("data", {})) for output in cell.outputs]
            for cell in each.cells
            if "outputs" in cell
        ]
        for each in (stored, fresh)
    ]
    assert kinds[0] == kinds[1]
    assert any(kinds[0])
    text = (NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8")
    assert "Traceback" not in text
    assert "image/png" in text or "<svg" in text or name == "ci"


def test_all_notebooks_are_run() -> None:
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == ["ci", "explain", "explore"]


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys; before = set(sys.modules); import ocsp_pcap; print(sorted(set(sys.modules) - before))"
    command = [
        sys.executable,
        "-S",
        "-c",
        f"import sys; sys.path.insert(0, {str(NOTEBOOKS.parent)!r}); {code}",
    ]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "['ocsp_pcap']"


@pytest.mark.parametrize("first", ["ocsp_pcap.explain.engine", "ocsp_pcap.notebook"])
def test_explain_is_a_call_and_a_package(first: str) -> None:
    importlib.import_module(first)
    assert ocsp_pcap.explain(DIRECT).verdicts[0].cause == "stapled"
    assert importlib.import_module("ocsp_pcap.explain.model").Verdict
    assert "explain" in dir(ocsp_pcap)
    api = importlib.import_module("ocsp_pcap.api")
    assert set(api.__all__) <= set(dir(api))
    with pytest.raises(AttributeError, match="nonsense"):
        ocsp_pcap.nonsense  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("capture", [DIRECT, str(DIRECT), [DIRECT], (str(DIRECT),)])
def test_one_path_is_one_capture(capture: Any) -> None:
    assert len(ocsp_pcap.explain(capture).facts.captures) == 1
    facts = read_facts(capture)
    assert isinstance(facts, Facts)
    assert len(facts.captures) == 1


def test_the_chain_with_its_site() -> None:
    result = ocsp_pcap.explain(**CHAIN)
    causes = {(v.validator.role, v.cause) for v in result.verdicts}
    assert {("child", "reissued-certificate"), ("parent", "ocsp-disabled")} <= causes
    assert result.findings[0].code == "ocsp-on-wrong-proxy"
    assert result.headline == result.explanation.headline
    assert result.headline in repr(result)


def test_what_a_notebook_shows() -> None:
    result = ocsp_pcap.explain(**CHAIN)
    shown = result._repr_html_()
    for words in ("<svg", "ocsp-on-wrong-proxy", "reissued-certificate", "plain.site.test"):
        assert words in shown
    assert "<html" in result.html()
    assert "ocsp-on-wrong-proxy" in result.markdown()
    assert result.plot_chain().svg.startswith("<svg")
    parent = result.plot_timeline("parent")
    assert "10.77.2.30" in parent.svg
    assert parent.svg == result.plot_timeline("10.77.2.30").svg
    with pytest.raises(ValueError, match="no validator 'nobody'"):
        result.plot_timeline("nobody")


def test_a_hostile_host_stays_text() -> None:
    from dataclasses import replace

    result = ocsp_pcap.explain(DIRECT)
    verdict = replace(result.verdicts[0], host="<script>alert(1)</script>")
    changed = replace(result, explanation=replace(result.explanation, verdicts=(verdict,)))
    assert "<script>" not in changed._repr_html_()
    assert "&lt;script&gt;" in changed._repr_html_()


def test_tables() -> None:
    pd = pytest.importorskip("pandas")
    result = ocsp_pcap.explain(DIRECT)
    handshakes = result.facts.handshakes.to_pandas()
    assert len(handshakes) == len(result.facts.handshakes)
    assert str(handshakes.time.dt.tz) == "UTC"
    fact = result.facts.handshakes[0]
    assert handshakes.time[0].value == fact.time
    assert handshakes.frames_certificate.astype("Int64")[0] == fact.frames.certificate
    verdicts = result.verdicts.to_pandas()
    assert set(verdicts.cause) >= {"queried", "stapled", "cached"}
    assert verdicts.columns.is_unique
    exchanges = result.facts.ocsp_exchanges.to_pandas()
    assert (exchanges.response_time >= exchanges.time).all()
    for table in (
        result.facts.captures,
        result.facts.certificates,
        result.facts.crl_fetches,
        result.findings,
    ):
        assert isinstance(table.to_pandas(), pd.DataFrame)
        assert table._repr_html_().startswith("<table>")


def test_evidence_from_a_notebook(tmp_path: Path) -> None:
    result = ocsp_pcap.explain(**CHAIN)
    summary = result.evidence(tmp_path / "evidence.pcapng")
    assert summary.packets > 0
    again = ocsp_pcap.explain(tmp_path / "evidence.pcapng", site=CASE / "site.toml")
    assert [v.cause for v in again.verdicts] == [v.cause for v in result.verdicts]


def test_what_is_wrong_is_told() -> None:
    with pytest.raises(ValueError, match="no capture is named"):
        ocsp_pcap.explain()
    with pytest.warns(UserWarning, match="no such file"):
        assert ocsp_pcap.explain([DIRECT, "gone.pcap"]).verdicts


def test_the_large_capture_shows_at_each_site_what_its_samples_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(NOTEBOOKS))
    large = importlib.import_module("large")
    capture = tmp_path / "large.pcap"
    packets = large.write_large_capture(capture, sites=3)
    facts = read_facts([capture])
    samples = [read_facts([SAMPLES / name / "parent.pcap"]) for name in large.CHOSEN]
    assert facts.captures[0].packets == packets == 3 * sum(each.captures[0].packets for each in samples)
    assert len(facts.ocsp_exchanges) == 3 * sum(len(each.ocsp_exchanges) for each in samples)
    assert len(facts.handshakes) == 3 * sum(len(each.handshakes) for each in samples)
    assert {handshake.client for handshake in facts.handshakes} == {f"10.{site}.2.30" for site in (1, 2, 3)}
    assert facts.captures[0].undecoded_packets == 0

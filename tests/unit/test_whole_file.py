"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ocsp_pcap.output import console, settled, write
from ocsp_pcap.whole_file import replacing


def broken() -> object:
    yield "the first part"
    raise KeyboardInterrupt


@pytest.mark.parametrize("before", [None, "what stood there"])
def test_an_interruption_leaves_what_stood_there(before: str | None, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    if before is not None:
        out.write_text(before)
    with pytest.raises(KeyboardInterrupt):
        write(broken(), out)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ([] if before is None else ["out.json"])
    assert before is None or out.read_text() == before


def test_a_report_that_fails_leaves_what_stood_there(tmp_path: Path) -> None:
    out = tmp_path / "report.txt"
    out.write_text("before")

    def report() -> None:
        with console(out) as terminal:
            terminal.print("half a report")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        report()
    assert out.read_text() == "before"


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    out, link = tmp_path / "out", tmp_path / "link"
    out.write_text("before")
    out.chmod(0o640)
    link.symlink_to(out)
    write(["after"], link)
    assert link.is_symlink()
    assert out.read_text() == "after"
    assert out.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_as_it_is() -> None:
    with replacing(Path(os.devnull)) as path:
        assert path == Path(os.devnull)


def test_an_interrupted_reading_goes_beside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    assert settled(out, interrupted=False) == out
    assert settled(None, interrupted=True) is None
    assert settled(out, interrupted=True) == tmp_path / "out.json.partial"
    assert "out.json.partial: what was found so far" in capsys.readouterr().err

"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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


KILLED = """
import os, signal, sys
from pathlib import Path
from ocsp_pcap.whole_file import replacing
with replacing(Path(sys.argv[1])) as path:
    path.write_text("half")
    if path.parent == Path(sys.argv[1]).parent:
        sys.exit(77)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("before")
    ended = subprocess.run([sys.executable, "-c", KILLED, out], check=False).returncode
    if ended == 77:
        pytest.skip("this file system has no files without a name")
    assert ended == -signal.SIGKILL
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.json", "before")]


def test_without_nameless_files_it_is_done_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "O_TMPFILE")
    out = tmp_path / "out"
    with replacing(out) as path:
        assert path.parent == tmp_path
        path.write_text("after")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert out.read_text() == "after"


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

"""Facts to tables and back: nothing is lost, and nothing that is not ours is overwritten."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings

from ocsp_pcap.facts import Facts
from ocsp_pcap.facts.plan import KINDS
from ocsp_pcap.tables import TablesError, write
from ocsp_pcap.tables.read import read_tables
from ocsp_pcap.tables.write import refuse_directory, write_tables

from .parts import FIRST, LAST, SAMPLES, SECOND, all_facts, capture, certificate, sample

NAMES = ("ocsp-at-parent", "staples", "responder-troubles", "crl-instead", "tls-over-udp", "handshake-failed")


@pytest.mark.parametrize("name", NAMES)
def test_samples_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    write_tables(sample(name), tmp_path / "facts")
    assert read_tables(tmp_path / "facts") == sample(name)


@given(all_facts())
@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
def test_any_facts_come_back_as_they_were(facts: Facts) -> None:
    with TemporaryDirectory() as folder:
        write_tables(facts, Path(folder, "facts"))
        assert read_tables(Path(folder, "facts")) == facts


def test_the_order_of_certificates_stays(tmp_path: Path) -> None:
    facts = Facts(certificates={name: certificate(sha256=name) for name in ("b", "a", "c")})
    write_tables(facts, tmp_path / "facts")
    assert list(read_tables(tmp_path / "facts").certificates) == ["b", "a", "c"]


def test_the_first_and_the_last_moment(tmp_path: Path) -> None:
    last_second = LAST // SECOND * SECOND
    facts = Facts(
        captures=(capture("a", first_time=FIRST, last_time=LAST),),
        certificates={"ab": certificate(not_before=FIRST, not_after=last_second)},
    )
    write_tables(facts, tmp_path / "facts")
    assert read_tables(tmp_path / "facts") == facts


def test_several_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "ROWS", 3)
    facts = sample("staples")
    write_tables(facts, tmp_path / "facts")
    table = parquet.ParquetFile(tmp_path / "facts" / "handshake" / "part-00000.parquet")
    assert table.num_row_groups == -(-len(facts.handshakes) // 3) > 1
    assert read_tables(tmp_path / "facts") == facts


def test_every_kind_has_a_table_though_it_has_no_rows(tmp_path: Path) -> None:
    write_tables(Facts(), tmp_path / "facts")
    for kind in KINDS:
        table = parquet.read_table(tmp_path / "facts" / kind)
        assert table.num_rows == 0
        assert table.schema.metadata[b"ocsp-pcap"] == b"ocsp-pcap-facts/1"
        assert table.num_columns > 8
    assert read_tables(tmp_path / "facts") == Facts()


def test_facts_are_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_tables(sample("staples"), tmp_path / "facts")
    extra = tmp_path / "facts" / "handshake" / "part-00001.parquet"
    extra.write_bytes((tmp_path / "facts" / "handshake" / "part-00000.parquet").read_bytes())
    write_tables(sample("direct"), tmp_path / "facts")
    assert read_tables(tmp_path / "facts") == sample("direct")
    assert [path.name for path in tmp_path.iterdir()] == ["facts"]


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "facts").mkdir()
    write_tables(sample("direct"), tmp_path / "facts")
    assert read_tables(tmp_path / "facts") == sample("direct")


@pytest.mark.parametrize("name", ["notes.txt", "handshake/notes.txt", "handshakes/part-00000.parquet"])
def test_a_directory_that_holds_something_else_is_refused(name: str, tmp_path: Path) -> None:
    write_tables(Facts(), tmp_path / "facts")
    stranger = tmp_path / "facts" / name
    stranger.parent.mkdir(exist_ok=True)
    stranger.write_text("mine")
    for refuse in (refuse_directory, lambda directory: write_tables(sample("direct"), directory)):
        with pytest.raises(TablesError, match="which is no table of facts; it is not replaced"):
            refuse(tmp_path / "facts")
    assert stranger.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["facts"]


def test_other_places_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(TablesError, match="this is a file"):
        refuse_directory(tmp_path / "file")
    with pytest.raises(TablesError, match="there is no directory"):
        refuse_directory(tmp_path / "missing" / "facts")
    with pytest.raises(TablesError, match=r"holds .*, which is no table"):
        refuse_directory(SAMPLES)
    with pytest.raises(TablesError, match="unknown://facts: cannot be used"):
        refuse_directory("unknown://facts")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (Facts(captures=(capture("a", packets=2**63),)), r"capture\.packets: "),
        (Facts(captures=(capture("a", last_time=2**80),)), r"capture\.last_time: "),
        (
            Facts(certificates={"ab": certificate(not_after=1)}),
            r"certificate\.not_after: a time that is no whole",
        ),
    ],
)
def test_what_does_not_fit_leaves_what_was_there(facts: Facts, words: str, tmp_path: Path) -> None:
    write_tables(sample("direct"), tmp_path / "facts")
    with pytest.raises(TablesError, match=words):
        write_tables(facts, tmp_path / "facts")
    assert read_tables(tmp_path / "facts") == sample("direct")
    assert [path.name for path in tmp_path.iterdir()] == ["facts"]


def test_urls(tmp_path: Path) -> None:
    place = "memory://bucket/day/facts"
    write_tables(sample("staples"), place)
    write_tables(sample("direct"), place)
    assert read_tables(place) == sample("direct")
    write_tables(sample("direct"), (tmp_path / "facts").as_uri())
    assert read_tables(tmp_path / "facts") == sample("direct")

    import fsspec

    fsspec.filesystem("memory").pipe("/bucket/day/facts/notes.txt", b"mine")
    with pytest.raises(TablesError, match=r"holds notes\.txt"):
        write_tables(sample("staples"), place)
    assert read_tables(place) == sample("direct")


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TablesError, match=r"needs pyarrow: pip install 'ocsp-pcap\[parquet\]'"):
        write_tables(replace(Facts()), tmp_path / "facts")
    with pytest.raises(TablesError, match="needs pyarrow"):
        read_tables(tmp_path / "facts")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(TablesError, match="needs fsspec: pip install"):
        write_tables(Facts(), "memory://bucket")

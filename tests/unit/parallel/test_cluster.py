"""A Dask cluster of two processes on this machine: the same facts, whoever of them dies."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import dask
import pytest
from distributed import Client, LocalCluster

from ocsp_pcap import __version__
from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.capture import CaptureError, CaptureSource
from ocsp_pcap.capture.pipe import Wait, at_once
from ocsp_pcap.capture.rotation import Member
from ocsp_pcap.facts import Facts
from ocsp_pcap.facts.json import facts_to_jsonl
from ocsp_pcap.observe.assemble import FactAssembler
from ocsp_pcap.parallel import cluster as module
from ocsp_pcap.parallel import runs
from ocsp_pcap.parallel.cluster import TaskAnswer, cluster
from ocsp_pcap.parallel.runs import Run, Share
from ocsp_pcap.parallel.workers import ClusterError
from ocsp_pcap.read_captures import RunOptions, read_captures
from ocsp_pcap.spoken.shared import Shared
from tests.unit.observe.rotated import split

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
DIRECT = SAMPLES / "direct" / "capture.pcap"
OTHER = SAMPLES / "handshake-failed" / "capture.pcap"
PATIENCE = 30.0
COMMAND = (sys.executable, "-m", "ocsp_pcap", "facts")


def local_cluster(workers: int, *, processes: bool = True) -> Any:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=processes,
        host="127.0.0.1",
        protocol="tcp://",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        silence_logs=logging.CRITICAL,
    )


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with local_cluster(2) as made:
        yield made.scheduler_address


@pytest.fixture
def deadly() -> Iterator[str]:
    """The address of a cluster of its own, so large that no worker that dies need come back."""
    # Two deaths, and once more as many, are enough for a file that kills who reads it.
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), local_cluster(5) as made:
        yield made.scheduler_address


@pytest.fixture
def rotated(tmp_path: Path) -> list[Path]:
    return split(DIRECT, tmp_path / "set", (12, 40, 41, 90, 150))


@pytest.fixture(autouse=True)
def every_file_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LEAST_BYTES", 1)
    monkeypatch.setattr(module, "EACH", 1_000_000)


def alone(source: CaptureSource) -> Share:
    return (Run((Member(source),), first=True, group=1, rotation="auto"),)


def lines(facts: Facts) -> str:
    return "\n".join(facts_to_jsonl(facts))


def observed(sources: Sequence[CaptureSource], address: str) -> tuple[Facts, list[str]]:
    """Read sources by a cluster; tell also what could not be read."""
    failures: list[CaptureError] = []
    shared = Shared()
    options = RunOptions(failures.append, workers=partial(cluster, address))
    facts = FactAssembler(shared).facts(read_captures(sources, shared, options))
    return facts, [str(failure) for failure in failures]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Elsewhere(CaptureSource):
    """Knows whether it is in the process that made it."""

    made_in: int = field(default_factory=os.getpid)

    @property
    def elsewhere(self) -> bool:
        return os.getpid() != self.made_in


@dataclass(frozen=True, slots=True)
class Blocking(Elsewhere):
    """Opens in a worker only once it may; the worker that waits says who it is."""

    def open(self, wait: Wait = at_once) -> BinaryIO:
        assert self.path is not None
        if self.elsewhere:
            folder = self.path.parent.parent
            (folder / f"opened-{os.getpid()}").touch()
            wait_for((folder / "go").exists)
        return CaptureSource.open(self, wait)


@dataclass(frozen=True, slots=True)
class Deadly(Elsewhere):
    """Kills the worker that opens it."""

    def open(self, wait: Wait = at_once) -> BinaryIO:
        if self.elsewhere:
            os.kill(os.getpid(), signal.SIGKILL)
        return CaptureSource.open(self, wait)


@dataclass(frozen=True, slots=True)
class Hidden(Elsewhere):
    """Is nothing that a worker can open."""

    def open(self, wait: Wait = at_once) -> BinaryIO:
        if self.elsewhere:
            raise CaptureError(f"{self.name}: no such file or directory.")
        return CaptureSource.open(self, wait)


@dataclass(frozen=True, slots=True)
class Broken(Elsewhere):
    """Has a worker fail."""

    def open(self, wait: Wait = at_once) -> BinaryIO:
        if self.elsewhere:
            raise MemoryError("no memory")
        return CaptureSource.open(self, wait)


def test_a_rotated_set_has_the_same_facts_however_it_is_read(scheduler: str, rotated: list[Path]) -> None:
    names = list(map(str, rotated))
    alone = lines(read_facts(names))
    assert len(alone.splitlines()) > 20
    assert lines(read_facts(names, ReadOptions(jobs=2))) == alone
    assert lines(read_facts(names, ReadOptions(cluster=scheduler))) == alone


def test_one_capture_is_read_there_too(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = read_facts([DIRECT])
    monkeypatch.setattr("ocsp_pcap.read_captures._in_order", None)
    assert read_facts([DIRECT], ReadOptions(cluster=scheduler)) == alone


def test_paths_are_those_of_where_the_program_runs(
    scheduler: str, rotated: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rotated[0].parent)
    names = [path.name for path in rotated]
    found = read_facts(names, ReadOptions(cluster=scheduler))
    assert found == read_facts(names)
    assert [file.path for file in found.captures[0].files] == names


def test_urls_are_opened_by_the_workers(scheduler: str, rotated: list[Path]) -> None:
    pattern = f"{rotated[0].parent.as_uri()}/egress_*.pcap"
    assert read_facts([pattern], ReadOptions(cluster=scheduler)) == read_facts([pattern])
    remote = [f"simplecache::{path.as_uri()}" for path in rotated]
    assert read_facts(remote, ReadOptions(cluster=scheduler)) == read_facts(remote)


def test_a_lost_worker_costs_its_file_a_retry(deadly: str, rotated: list[Path]) -> None:
    sources = [Blocking(str(path), path) for path in rotated]
    folder = rotated[0].parent.parent
    killed: list[int] = []

    def kill() -> None:
        wait_for(lambda: any(folder.glob("opened-*")))
        killed.append(int(next(folder.glob("opened-*")).name.partition("-")[2]))
        os.kill(killed[0], signal.SIGKILL)
        (folder / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    facts, failures = observed(sources, deadly)
    killer.join(PATIENCE)
    assert failures == []
    assert killed[0] != os.getpid()
    assert lines(facts) == lines(read_facts(list(map(str, rotated))))


def test_only_a_file_that_kills_who_reads_it_is_left_out(deadly: str) -> None:
    facts, (failure,) = observed([Deadly("deadly.pcap", DIRECT), CaptureSource(str(OTHER), OTHER)], deadly)
    assert failure.startswith("deadly.pcap: worker after worker died while reading it, the last at tcp://127")
    assert [capture.path for capture in facts.captures] == [str(OTHER)]


def test_a_file_that_workers_cannot_open_is_told(scheduler: str, tmp_path: Path) -> None:
    (tmp_path / "empty.pcap").touch()
    sources = [
        Hidden("hidden.pcap", DIRECT),
        Broken("broken.pcap", OTHER),
        CaptureSource("empty.pcap", tmp_path / "empty.pcap"),
    ]
    facts, (hidden, broken, empty) = observed(sources, scheduler)
    assert hidden.startswith("hidden.pcap: no such file or directory, says the worker tcp://127.0.0.1:")
    assert hidden.endswith("though here it can be: its path must be on storage that all workers reach.")
    assert broken == "broken.pcap: a worker failed to read it: MemoryError: no memory."
    assert empty == "empty.pcap: the file is empty."
    assert facts.captures == ()


def test_secrets_in_captures_have_them_read_here(scheduler: str) -> None:
    mixed = [str(DIRECT), *map(str, SAMPLES.glob("*/*.pcapng"))]
    assert len(mixed) > 1
    assert read_facts(mixed, ReadOptions(cluster=scheduler)) == read_facts(mixed)


def test_keys_have_captures_read_here(tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    told: list[str] = []
    options = ReadOptions(cluster="nowhere", key_logs=[tmp_path / "keys"], advise=told.append)
    assert len(read_facts([DIRECT], options).captures) == 1
    assert "keys are given: captures are read here, one after the other, and not by the cluster" in told


def test_jobs_and_a_cluster_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="not by both"):
        read_facts([DIRECT], ReadOptions(cluster="nowhere", jobs=2))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "", "nowhere", "xyz://a:1", "tls://127.0.0.1:1"])
def test_an_address_of_no_scheduler(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ClusterError, match="no Dask scheduler is reached there: ") as caught:
        read_facts([DIRECT], ReadOptions(cluster=address))
    assert str(caught.value).startswith(f"{address}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_a_cluster_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORKER_SECONDS", 0.2)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.1)
    words = "there has been no worker for 0 seconds"
    with local_cluster(0) as made, pytest.raises(ClusterError, match=words):
        read_facts([DIRECT], ReadOptions(cluster=made.scheduler_address))


def test_workers_with_another_version(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "__version__", "9.9")
    with pytest.raises(
        ClusterError, match=rf"need ocsp-pcap 9\.9, as it is here: \S+ has {__version__}, \S+ has"
    ):
        read_facts([DIRECT], ReadOptions(cluster=scheduler))
    # Of a worker that came later, the answer tells.
    monkeypatch.setattr(module.Cluster, "compare_versions", lambda _: None)
    with pytest.raises(ClusterError, match=rf"need ocsp-pcap 9\.9, as it is here: \S+ has {__version__}$"):
        read_facts([DIRECT], ReadOptions(cluster=scheduler))


def test_an_answer_that_is_not_understood(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def strange(*_: Any, **__: Any) -> TaskAnswer:
        return TaskAnswer(__version__, "tcp://worker:1", b"strange")

    with Client(scheduler, set_as_default=False) as client:
        future = client.submit(strange, pure=False)
        with pytest.raises(ClusterError, match=r"what tcp://worker:1 tells is not understood here: "):
            module.Cluster(client, scheduler).said(future, Shared())


def test_what_is_not_there_yet_can_be_given_up(scheduler: str, rotated: list[Path]) -> None:
    source = CaptureSource("done.pcap", DIRECT)
    blocking = Blocking(str(rotated[0]), rotated[0])
    with cluster(scheduler) as workers:
        assert workers.shares == 2 * module.EACH
        done = workers.submit(alone(source))
        done.said(Shared())
        waiting = workers.submit(alone(blocking))
        assert (done.interrupt(), waiting.interrupt()) == (True, False)
    (rotated[0].parent.parent / "go").touch()


def test_a_cluster_that_goes_away_in_the_middle() -> None:
    with local_cluster(1, processes=False) as made, cluster(made.scheduler_address) as workers:
        workers.submit(alone(CaptureSource("a.pcap", DIRECT))).said(Shared())
        threading.Timer(0.2, made.close).start()

        def read_on() -> None:
            while True:
                workers.submit(alone(CaptureSource("a.pcap", DIRECT))).said(Shared())

        with pytest.raises(ClusterError, match="the cluster went away while captures were being read"):
            read_on()


def test_the_command_line(scheduler: str, rotated: list[Path], tmp_path: Path) -> None:
    pattern = str(rotated[0].parent / "egress_*.pcap")
    alone = subprocess.run([*COMMAND, pattern], capture_output=True, check=True)
    far = subprocess.run([*COMMAND, "--cluster", scheduler, pattern], capture_output=True, check=True)
    assert far.stdout == alone.stdout
    assert far.stderr == b""
    for options in (("--cluster", "nowhere"), ("--cluster", scheduler, "--jobs", "2")):
        refused = subprocess.run([*COMMAND, *options, pattern], capture_output=True, check=False)
        assert (refused.returncode, refused.stdout) == (2, b"")
        assert b"Traceback" not in refused.stderr
    without = {**os.environ, "PYTHONPATH": str(tmp_path)}
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['distributed'] = None\n")
    missing = subprocess.run(
        [*COMMAND, "--cluster", scheduler, pattern], capture_output=True, env=without, check=False
    )
    assert missing.returncode == 2
    assert b"--cluster needs Dask: pip install 'ocsp-pcap[cluster]'" in missing.stderr

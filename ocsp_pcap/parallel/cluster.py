"""Workers of a Dask cluster that is there already; its scheduler has others retry what a lost worker had."""

from __future__ import annotations

import asyncio
import logging
import pickle
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Final, NamedTuple
from uuid import uuid4

from ocsp_pcap import __version__
from ocsp_pcap.bounds import adjusted, set_to
from ocsp_pcap.capture import CaptureError, CaptureSource
from ocsp_pcap.capture.source import reason
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.parcel import pack, unpack
from ocsp_pcap.parallel.read_run import NotRead, Said, Step, read_share
from ocsp_pcap.parallel.runs import Share
from ocsp_pcap.parallel.workers import ClusterError
from ocsp_pcap.spoken.shared import Shared

PACKAGE: Final = "ocsp-pcap"
CONNECT_SECONDS: Final = 10.0
"""How long the scheduler may take to answer."""
WORKER_SECONDS: Final = 60.0
"""How long the cluster may be without a worker: some start one when there is work, or when one died."""
LOOK_SECONDS: Final = 5.0
"""After so many seconds of waiting, a look whether there are workers."""
RETRIES: Final = 2
"""How often a share is read again where a worker fails at it without dying."""
EACH: Final = 3
"""Shares for each worker: several keep workers busy to the end, and each costs where it meets the next."""

_NAMED: Final = 3
"""Workers that a sentence names."""
_LOGGERS: Final = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")


class _RunError(Exception):
    """A worker failed at a share; the message says how, and is a sentence without its full stop."""


class TaskAnswer(NamedTuple):
    """The answer of a worker."""

    version: str
    """Of this package there; what follows is only understood where it is the same."""
    worker: str
    """Its address."""
    result: bytes
    """What it says of a share, compressed: it goes through the scheduler."""


def read_there(share: Share, bounds: Mapping[str, int]) -> TaskAnswer:
    """Read one share; this happens in a worker."""
    import lz4.frame
    from distributed import get_worker

    set_to(bounds)
    parcel = BytesIO()
    pack(read_share(share, Watch()), parcel)
    return TaskAnswer(__version__, get_worker().address, lz4.frame.compress(parcel.getvalue()))


@dataclass(frozen=True)
class _Call:
    """A call of :func:`read_there`, made where it is unpickled.

    The scheduler unpickles what it is to have called. It need not have this package, and sees bytes.
    """

    share: Share
    bounds: dict[str, int]

    def __reduce__(self) -> tuple[object, ...]:
        return read_there, (self.share, self.bounds)


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """Connect to the scheduler at an address, such as ``tcp://scheduler:8786``.

    Raises:
        ClusterError: Dask is not installed, nothing useful answers there, or its workers have another
            version of this package, or none; in the block, the cluster goes away.
    """
    try:
        import distributed

        dask: Any = distributed
    except ImportError as error:
        raise ClusterError(f"--cluster needs Dask: pip install 'ocsp-pcap[cluster]' ({error})") from error
    with _quiet():
        try:
            # A client that cannot be made from an address is not easily got rid of.
            asyncio.run(_greet(address))
            client: Any = dask.Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name=PACKAGE)
        except Exception as error:
            # An address that is none, TLS, another protocol, and nobody there raise all kinds of things.
            raise ClusterError(f"{address}: no Dask scheduler is reached there: {reason(error)}") from error
        try:
            workers = Cluster(client, address)
            workers.compare_versions()
            yield workers
        finally:
            client.close(timeout=CONNECT_SECONDS)


async def _greet(address: str) -> None:
    """Raise what speaks against the use of an address."""
    import distributed

    # Its functions are untyped, and not all of them say that they are for others.
    dask: Any = distributed
    arguments = dask.Security().get_connection_args("client")
    comm = await dask.comm.connect(address, timeout=CONNECT_SECONDS, **arguments)
    comm.abort()


class Cluster:
    """The workers of a cluster."""

    reads_along = False

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address
        self._seen = time.monotonic()
        self.shares = EACH * max(1, self._look())

    def submit(self, share: Share) -> TaskReading:
        """Have a share read by some worker."""
        return TaskReading(self, share)

    def begin(self, share: Share) -> Any:
        """Have a share read by some worker; return the future."""
        anywhere = tuple(
            replace(run, members=tuple(each._replace(source=_anywhere(each.source)) for each in run.members))
            for run in share
        )
        call = pickle.dumps(_Call(anywhere, adjusted()), pickle.HIGHEST_PROTOCOL)
        with self.failures():
            # The same call need not give the same: what is at a path may change.
            key = f"{PACKAGE}-{uuid4()}"
            return self._client.submit(pickle.loads, call, key=key, retries=RETRIES, pure=False)

    def compare_versions(self) -> None:
        """Raise ClusterError where workers have another version of this package, or none."""
        from importlib.metadata import version

        with self.failures():
            versions = self._client.run(version, PACKAGE, on_error="return")
        self._compare(versions)

    def said(self, future: Any, shared: Shared) -> Said | None:
        """Wait for what a worker says of a share; None: its files are to be read in order.

        Raises:
            _RunError: it failed.
            ClusterError: nothing will come any more.
            KilledWorker: several workers died that had it to read.
        """
        from distributed import KilledWorker

        while True:
            try:
                with self.failures():
                    answer: TaskAnswer = future.result(timeout=LOOK_SECONDS)
            except TimeoutError:
                self._look()
            except (ClusterError, KilledWorker):
                raise
            except Exception as error:
                raise _RunError(
                    f"a worker failed to read it: {type(error).__name__}: {reason(error)}"
                ) from error
            else:
                return self._understood(answer, shared)

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Raise ClusterError where the scheduler is no longer there."""
        from distributed import CancelledError

        try:
            yield
        except CancelledError as error:
            raise self._gone() from error
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "ocsp_pcap":
                raise
            raise ClusterError(
                f"{self._address}: its workers need {PACKAGE} {__version__}, as it is here: {error}"
            ) from error
        except Exception as error:
            if self._client.status == "running":
                raise
            raise self._gone() from error

    def _gone(self) -> ClusterError:
        return ClusterError(f"{self._address}: the cluster went away while captures were being read")

    def _look(self) -> int:
        """Count the workers' threads; raise ClusterError where there was none for a long time."""
        with self.failures():
            threads: Mapping[str, int] = self._client.nthreads()
        now = time.monotonic()
        if threads:
            self._seen = now
        elif now - self._seen > WORKER_SECONDS:
            raise ClusterError(f"{self._address}: there has been no worker for {WORKER_SECONDS:.0f} seconds")
        return sum(threads.values())

    def _compare(self, versions: Mapping[str, object]) -> None:
        from importlib.metadata import PackageNotFoundError

        others = {
            worker: version if isinstance(version, str) else "none"
            for worker, version in versions.items()
            if version != __version__
            # A worker that does not answer is none of ours to judge.
            and isinstance(version, str | PackageNotFoundError)
        }
        if others:
            named = [f"{worker} has {version}" for worker, version in list(others.items())[:_NAMED]]
            more = [f"and {len(others) - _NAMED} more differ"] if len(others) > _NAMED else []
            raise ClusterError(
                f"{self._address}: its workers need {PACKAGE} {__version__}, as it is here: "
                f"{', '.join([*named, *more])}"
            )

    def _understood(self, answer: TaskAnswer, shared: Shared) -> Said | None:
        import lz4.frame

        self._compare({answer.worker: answer.version})
        try:
            # A worker is trusted as Dask trusts it.
            said: Said | None = unpack(BytesIO(lz4.frame.decompress(answer.result)), shared)
        except Exception as error:
            raise ClusterError(
                f"{self._address}: what {answer.worker} tells is not understood here: {reason(error)}; "
                "it needs the same versions of Python and numpy"
            ) from error
        return said and [[_said_by(answer.worker, step) for step in steps] for steps in said]


class TaskReading:
    """A share that some worker reads."""

    def __init__(self, workers: Cluster, share: Share) -> None:
        self._workers = workers
        self._share = share
        self._future = workers.begin(share)

    def said(self, shared: Shared) -> Said | None:
        """Wait for what the worker says; None: its files are to be read in order."""
        try:
            return self._said(shared)
        except _RunError as error:
            failed = error
        files = [list(run.singly()) for run in self._share]
        if sum(map(len, files)) == 1:
            (member,) = self._share[0].members
            return [[NotRead(member, CaptureError(f"{member.source.name}: {failed}."))]]
        # Where a worker failed at several files, each is tried by itself.
        tasks = [[self._workers.submit((single,)) for single in singles] for singles in files]
        found: Said = []
        for of_run in tasks:
            found.append([])
            for task in of_run:
                said = task.said(shared)
                if said is None:
                    return None
                found[-1] += said[0]
        return found

    def _said(self, shared: Shared) -> Said | None:
        from distributed import KilledWorker

        try:
            return self._workers.said(self._future, shared)
        except KilledWorker:
            # Dask blames all that a worker had before it when it died: another share may have killed it.
            self._future = self._workers.begin(self._share)
        try:
            return self._workers.said(self._future, shared)
        except KilledWorker as error:
            raise _RunError(
                f"worker after worker died while reading it, the last at {error.last_worker.address}; "
                "its log may tell why"
            ) from error

    def interrupt(self) -> bool:
        """Give it up, unless it is there already; return whether it is."""
        if self._future.done():
            return True
        with self._workers.failures():
            self._future.cancel()
        return False


def _anywhere(source: CaptureSource) -> CaptureSource:
    """Return a source that means the same file wherever it is opened."""
    return source if source.path is None else replace(source, path=source.path.absolute())


def _said_by(worker: str, step: Step) -> Step:
    """Say who could not read a file, where it can be read here."""
    if not isinstance(step, NotRead) or not _can_open(step.member.source):
        return step
    source = step.member.source
    needs = (
        "which has to reach the same storage, with the same packages and credentials"
        if source.path is None
        else "though here it can be: its path must be on storage that all workers reach"
    )
    said = str(step.error).rstrip(".")
    return NotRead(step.member, CaptureError(f"{said}, says the worker {worker}, {needs}."))


def _can_open(source: CaptureSource) -> bool:
    try:
        source.open().close()
    except CaptureError:
        return False
    return True


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep off standard error what Dask logs of failures for which this module has a sentence."""
    from distributed.versions import VersionMismatchWarning

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger, logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [logging.NullHandler()], False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)
            yield
    finally:
        for logger, handlers, propagate in before:
            logger.handlers, logger.propagate = handlers, propagate

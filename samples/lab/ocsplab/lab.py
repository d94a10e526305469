"""One laboratory: a temporary directory, a network and the processes in it, all gone at the end."""

from __future__ import annotations

import secrets
import shutil
import signal
import tempfile
from pathlib import Path
from types import TracebackType

from .network import Network
from .programs import Processes


class Lab:
    """A context manager around everything that must not outlive a recording."""

    def __init__(self, *, keep_logs: Path | None = None) -> None:
        self._keep_logs = keep_logs

    def __enter__(self) -> Lab:
        self.directory = Path(tempfile.mkdtemp(prefix="ocsplab-"))
        self.directory.chmod(0o755)
        self.suffix = secrets.token_hex(3)
        logs = self.directory / "logs"
        logs.mkdir()
        self.processes = Processes(logs)
        self.net = Network(self.suffix, self.processes)
        try:
            self.net.build()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
        try:
            self.processes.stop_all()
            self.net.close()
            if self._keep_logs is not None:
                shutil.copytree(self.directory, self._keep_logs, symlinks=True, dirs_exist_ok=True)
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

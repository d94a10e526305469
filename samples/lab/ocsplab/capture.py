"""Recording packets with tcpdump."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from subprocess import Popen

from .network import Namespace
from .programs import wait_until


class Recorder:
    """One running tcpdump; `stop` returns when everything it saw is in the file."""

    def __init__(
        self,
        namespace: Namespace,
        path: Path,
        *,
        interface: str = "out0",
        expression: str = "ip",
        snaplen: int = 65535,
    ) -> None:
        self._namespace = namespace
        self._label = f"tcpdump-{path.stem}"
        log = namespace.processes.log_of(self._label)
        self._process: Popen[bytes] | None = namespace.start(
            self._label,
            [
                *("tcpdump", "-Z", "root", "-n", "-U", "--immediate-mode", "-i", interface),
                *("-s", str(snaplen), "-w", str(path), expression),
            ],
        )
        wait_until(
            lambda: log.exists() and "listening on" in log.read_text(errors="replace"), "tcpdump to listen"
        )

    def stop(self) -> None:
        """Wait for the last packets, end tcpdump and close the file."""
        if self._process is None:
            return
        time.sleep(0.6)
        self._namespace.processes.stop(self._process, signal.SIGINT)
        self._process = None

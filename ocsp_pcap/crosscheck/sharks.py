"""pyshark, made to run in any thread, to leave no process behind and to tell how tshark ended.

Imported only where it is used: pyshark takes a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import warnings
from asyncio.subprocess import Process
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pyshark import FileCapture
    from pyshark.packet.packet import Packet
    from pyshark.tshark.tshark import TSharkVersionException, get_tshark_version

from ocsp_pcap.crosscheck.dissection import Dissection, DissectionOptions, Fields
from ocsp_pcap.crosscheck.model import CrosscheckUnavailable

_GRACE: Final = 10.0
"""Seconds that tshark has to end after its last packet."""
_KEPT_LINES: Final = 20
_DAMAGE: Final = re.compile(r"cut short|damaged or corrupt|corrupted")


class _Capture(FileCapture):  # type: ignore[misc]
    """A FileCapture that waits for tshark to end and keeps what it said."""

    def __init__(self, path: Path, version: object, **options: object) -> None:
        self._version = version
        self.said: list[str] = []
        self.process: Process | None = None
        super().__init__(str(path), **options)

    def _get_tshark_version(self) -> object:
        # Asking the program again would take as long as dissecting a small capture.
        return self._version

    def _created_new_process(
        self, parameters: object, process: Process, process_name: str = "TShark"
    ) -> None:
        self.process = process
        super()._created_new_process(parameters, process, process_name)

    async def _handle_process_stderr_forever(self, stderr: asyncio.StreamReader) -> None:
        while line := await stderr.readline():
            if len(self.said) < _KEPT_LINES:
                self.said.append(line.decode("utf-8", "replace").strip())

    async def _cleanup_subprocess(self, process: Process) -> None:
        if process.returncode is None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), _GRACE if self._eof_reached else 0.01)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), _GRACE)


class Shark:
    """One run of tshark over one file."""

    def __init__(
        self, tshark: str, capture: Path, preferences: Mapping[str, str], question: DissectionOptions
    ) -> None:
        self._tshark = tshark
        self._path = capture
        self._question = question
        self._preferences = dict(preferences)
        self._capture: _Capture | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the run from another thread."""
        self._stopped = True
        process = self._capture.process if self._capture is not None else None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    def dissect(self) -> Dissection:
        """Return what Wireshark saw. Raise CrosscheckUnavailable where it could not read the file."""
        try:
            # pyshark would else look for a config.ini in the working directory and run what that names.
            version = get_tshark_version(self._tshark)
        except (OSError, subprocess.SubprocessError, TSharkVersionException, ValueError) as error:
            raise CrosscheckUnavailable(f"{self._tshark} does not run: {error}") from error
        dissection = Dissection(str(version))
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            self._iterate(loop, dissection, version)
        finally:
            loop.run_until_complete(self._end(loop))
            asyncio.set_event_loop(None)
            loop.close()
        return dissection

    async def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what pyshark leaves to the garbage collector, which comes when the loop is closed."""
        process = self._capture.process if self._capture is not None else None
        if process is not None:
            process._transport.close()  # type: ignore[attr-defined]
        await loop.shutdown_asyncgens()
        await asyncio.sleep(0)

    def _iterate(self, loop: asyncio.AbstractEventLoop, dissection: Dissection, version: object) -> None:
        capture = _Capture(
            self._path,
            version,
            keep_packets=False,
            display_filter=self._question.display_filter,
            decode_as=dict(self._question.decode_as),
            custom_parameters=["-2"] if self._question.two_passes else None,
            use_json=True,
            override_prefs=self._preferences,
            tshark_path=self._tshark,
            eventloop=loop,
        )
        self._capture = capture
        packets = capture._packets_from_tshark_sync()
        try:
            for packet in packets:
                if self._stopped:
                    break
                fields = _fields([packet.frame_info])[0]
                protocols = fields.get("frame.protocols")
                dissection.receive(
                    int(packet.number), protocols if isinstance(protocols, str) else "", _layers(packet)
                )
        finally:
            packets.close()
            capture.close()
        self._judge(capture, dissection)

    def _judge(self, capture: _Capture, dissection: Dissection) -> None:
        said = [line.removeprefix("tshark: ") for line in capture.said if line.startswith("tshark: ")]
        damage = [line for line in said if _DAMAGE.search(line)]
        if damage:
            dissection.note = damage[0].replace(str(self._path), self._path.name)
        elif capture.process is not None and capture.process.returncode != 0 and not self._stopped:
            reason = said[-1] if said else f"it ended with status {capture.process.returncode}"
            raise CrosscheckUnavailable(f"tshark cannot dissect {self._path.name}: {reason}")


def _layers(packet: Packet) -> dict[str, list[Fields]]:
    """Return the fields of each layer, of all its occurrences, by the layer's name."""
    return {layer.layer_name: _fields([layer, *layer.duplicate_layers]) for layer in packet.layers}


def _fields(layers: Iterable[object]) -> list[Fields]:
    # The accessors of JsonLayer rename what they touch and cannot tell repeated messages apart.
    return [layer._all_fields for layer in layers]  # type: ignore[attr-defined]

"""Running Wireshark's dissection of a capture through pyshark."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from ocsp_pcap.capture import CaptureError, CaptureSource
from ocsp_pcap.capture.formats import HEAD, compression
from ocsp_pcap.crosscheck.dissection import Dissection, DissectionOptions
from ocsp_pcap.crosscheck.model import CrosscheckUnavailable

INSTALL: Final = (
    "crosscheck needs tshark, Wireshark's command-line program, and it is not on this machine. "
    "Debian and Ubuntu: apt-get install tshark; Fedora: dnf install wireshark-cli; "
    "macOS: brew install wireshark."
)
_MAC: Final = "/Applications/Wireshark.app/Contents/MacOS/tshark"
_COPY: Final = 1 << 20

PREFERENCES: Final = {
    "ip.defragment": "TRUE",
    "ipv6.defragment": "TRUE",
    "tcp.desegment_tcp_streams": "TRUE",
    "tcp.reassemble_out_of_order": "TRUE",
    "tls.desegment_ssl_records": "TRUE",
    "tls.desegment_ssl_application_data": "TRUE",
    "http.desegment_headers": "TRUE",
    "http.desegment_body": "TRUE",
    "http.dechunk_body": "TRUE",
    "http.decompress_body": "TRUE",
}
"""Set, because a user's own preferences may say otherwise."""


def find_tshark() -> str:
    """Return the path of tshark. Raise CrosscheckUnavailable, with how to install it, where it is missing."""
    found = shutil.which("tshark")
    if found is None and Path(_MAC).exists():
        found = _MAC
    if found is None:
        raise CrosscheckUnavailable(INSTALL)
    return found


class Witness:
    """Wireshark, ready to be asked about one capture."""

    def __init__(self, tshark: str, capture: Path, preferences: Mapping[str, str]) -> None:
        self._tshark = tshark
        self._capture = capture
        self.preferences = dict(preferences)

    def ask(self, question: DissectionOptions) -> Dissection:
        """Return what Wireshark sees.

        It runs in a thread with an event loop of its own, for a notebook's thread has one that is running.

        Raises:
            CrosscheckUnavailable: it cannot read this capture.
        """
        from ocsp_pcap.crosscheck.sharks import Shark

        shark = Shark(self._tshark, self._capture, self.preferences, question)
        done: list[Dissection | BaseException] = []

        def work() -> None:
            try:
                done.append(shark.dissect())
            except BaseException as error:  # it is raised again where somebody can handle it
                done.append(error)

        thread = threading.Thread(target=work, name="crosscheck", daemon=True)
        thread.start()
        try:
            thread.join()
        except BaseException:
            shark.stop()
            thread.join(5)
            raise
        result = done[0]
        if isinstance(result, BaseException):
            raise result
        return result


@contextmanager
def witness(capture: Path, key_logs: Sequence[Path] = ()) -> Iterator[Witness]:
    """Give Wireshark as a witness for a capture file, compressed or not.

    Raises:
        CrosscheckUnavailable: there is no tshark, or this capture is nothing that it can read.
    """
    if str(capture) == "-":
        raise CrosscheckUnavailable(
            "standard input cannot be crosschecked, for it can be read only once: store it in a file first."
        )
    tshark = find_tshark()
    with ExitStack() as stack:
        readable = stack.enter_context(_readable(capture))
        preferences = dict(PREFERENCES)
        preferences["tls.keylog_file"] = str(stack.enter_context(_one_key_log(key_logs)) or "")
        yield Witness(tshark, readable, preferences)


@contextmanager
def _readable(capture: Path) -> Iterator[Path]:
    """Give a file that every tshark can read: it knows gzip, the other compressions only sometimes."""
    source = CaptureSource(str(capture), capture)
    if not capture.is_file():
        raise CrosscheckUnavailable(f"{capture}: only a file can be crosschecked.")
    try:
        with capture.open("rb") as stream:
            name = compression(stream.read(HEAD))
    except OSError as error:
        raise CrosscheckUnavailable(f"{capture}: {error.strerror or error}.") from error
    if name in (None, "gzip"):
        yield capture.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="ocsp-pcap-") as folder:
        path = Path(folder) / "capture"
        try:
            with source.open() as stream, path.open("wb") as copy:
                # Not copyfileobj: this stream reads into buffers, piece by piece.
                while data := stream.read(_COPY):
                    copy.write(data)
        except (CaptureError, OSError) as error:
            raise CrosscheckUnavailable(f"{capture}: cannot be decompressed for tshark: {error}") from error
        yield path


@contextmanager
def _one_key_log(key_logs: Sequence[Path]) -> Iterator[Path | None]:
    """Give the one file of keys that tshark takes."""
    if len(key_logs) < 2:
        yield key_logs[0].resolve() if key_logs else None
        return
    descriptor, name = tempfile.mkstemp(prefix="ocsp-pcap-", suffix=".keys")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as joined:
            for log in key_logs:
                joined.write(log.read_bytes() + b"\n")
        yield path
    except OSError as error:
        raise CrosscheckUnavailable(f"the key logs cannot be joined for tshark: {error}") from error
    finally:
        path.unlink(missing_ok=True)

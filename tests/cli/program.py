"""Running the program as a user does, and captures to run it on."""

from __future__ import annotations

import fcntl
import gc
import io
import os
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from ocsp_pcap.cli import main
from tests.conftest import SAMPLES

DIRECT = SAMPLES / "direct" / "capture.pcap"
CHILD = SAMPLES / "ocsp-at-parent" / "child.pcap"
PARENT = SAMPLES / "ocsp-at-parent" / "parent.pcap"
SITE = SAMPLES / "ocsp-at-parent" / "site.toml"
EXPECT = SAMPLES / "ocsp-at-parent" / "expect.toml"
TIMEOUT = 60.0
COMMAND = (sys.executable, "-m", "ocsp_pcap")
MICROSECONDS = 0xA1B2C3D4


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without what makes output depend on where the tests run."""
    styles = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "TTY_COMPATIBLE", "CLICOLOR_FORCE"}
    left_out = {*styles, "PYTHONUNBUFFERED"}
    kept = {key: value for key, value in os.environ.items() if key not in left_out}
    return {**kept, "PYTHONUTF8": "1", **(extra or {})}


def run(
    *arguments: str | Path,
    stdin: bytes = b"",
    cwd: Path | None = None,
    extra: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> Result:
    """Call the program as ``ocsp-pcap`` calls it, in this process, with streams and environment of its own.

    Whatever it is given, it prints no traceback. What it prints is returned as text of ``encoding``.
    """
    source, out, err = (io.BytesIO(data) for data in (stdin, b"", b""))
    streams = {
        "stdin": io.TextIOWrapper(source, encoding="utf-8"),
        "stdout": io.TextIOWrapper(out, encoding=encoding),
        "stderr": io.TextIOWrapper(err, encoding=encoding, errors="backslashreplace"),
    }
    # Rich asks the environment first; 80 columns are what it takes where nothing is a terminal.
    variables = {"COLUMNS": "80", **environment(extra)}
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, variables, clear=True))
        stack.enter_context(patch.object(sys, "argv", ["ocsp-pcap", *map(str, arguments)]))
        for name, stream in streams.items():
            stack.enter_context(patch.object(sys, name, stream))
        if cwd is not None:
            stack.enter_context(chdir(cwd))
        stack.enter_context(_collector_as_before())
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    assert isinstance(status, int)
    streams["stdout"].flush()
    streams["stderr"].flush()
    # HTML and Markdown are UTF-8 wherever they go.
    errors = "strict" if encoding == "utf-8" else "replace"
    printed, said = (stream.getvalue().decode(encoding, errors) for stream in (out, err))
    return _sound(Result(status, printed, said))


def run_process(
    *arguments: str | Path,
    stdin: bytes = b"",
    cwd: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> Result:
    """Run the program in a process of its own, where that is the point."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env=environment(extra),
        timeout=TIMEOUT,
        check=False,
    )
    return _sound(Result(done.returncode, done.stdout.decode(), done.stderr.decode()))


def _sound(result: Result) -> Result:
    assert "Traceback" not in result.err, result.err
    assert "internal error" not in result.err, result.err
    return result


@contextmanager
def _collector_as_before() -> Iterator[None]:
    """Undo what the program tells the garbage collector for the short life of a process."""
    threshold = gc.get_threshold()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)


def refused(result: Result, *words: str) -> None:
    """Assert that nothing was done, and that one clear sentence on standard error says why."""
    assert result.status == 2, result
    assert result.out == ""
    assert result.err.startswith("ocsp-pcap: ")
    assert len(result.err.splitlines()) == 1, result.err
    for word in words:
        assert word in result.err


def pcap(packets: Sequence[bytes], link_type: int = 1) -> bytes:
    """A pcap file with these packets, a millisecond apart."""
    header = struct.pack("<IHHiIII", MICROSECONDS, 2, 4, 0, 0, 65535, link_type)
    records = (
        struct.pack("<IIII", 1_700_000_000, 1000 * number, len(packet), len(packet)) + packet
        for number, packet in enumerate(packets)
    )
    return header + b"".join(records)


def packets_of(capture: Path) -> list[tuple[int, bytes]]:
    """The packets of a little-endian pcap file with their times in microseconds."""
    data = capture.read_bytes()
    packets, offset = [], 24
    while offset < len(data):
        seconds, micros, length = struct.unpack_from("<III", data, offset)
        packets.append((seconds * 1_000_000 + micros, data[offset + 16 : offset + 16 + length]))
        offset += 16 + length
    return packets


def datagram(payload: bytes = b"time please") -> bytes:
    """An Ethernet frame with a UDP datagram that has nothing to do with TLS."""
    udp = struct.pack("!HHHH", 123, 123, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return b"\x02" * 6 + b"\x04" * 6 + b"\x08\x00" + ip + udp


def pcapng(packets: Sequence[tuple[int, bytes]], broken_before: int | None = None) -> bytes:
    """A pcapng file; before packet ``broken_before`` (0-based) stands a block that contradicts itself."""

    def block(kind: int, body: bytes) -> bytes:
        length = 12 + len(body)
        return struct.pack("<II", kind, length) + body + struct.pack("<I", length)

    file = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    file += block(1, struct.pack("<HHI", 1, 0, 0))
    for number, (moment, packet) in enumerate(packets):
        if number == broken_before:
            file += struct.pack("<II", 6, 32) + b"\xff" * 20 + struct.pack("<I", 31)
        padded = packet + bytes(-len(packet) % 4)
        head = struct.pack("<IIIII", 0, moment >> 32, moment & 0xFFFFFFFF, len(packet), len(packet))
        file += block(6, head + padded)
    return file


def wait_until_read(pipe: int) -> None:
    """Wait until everything that was written to a pipe has been taken."""
    for _ in range(1200):
        if not int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder):
            return
        time.sleep(0.05)
    pytest.fail("the program does not read its standard input")

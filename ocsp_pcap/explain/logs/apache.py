"""Apache's error log: staples that mod_ssl fetched, and client certificates that it checked.

Local time without a zone. Most lines are written at level ``debug`` only; failures always. Tried against
Apache 2.4.
"""

from __future__ import annotations

import re

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.explain.logs.model import LogEntry, Said
from ocsp_pcap.explain.model import Status
from ocsp_pcap.explain.stamps import read_stamp

LINE = re.compile(
    r"^\[(?P<time>[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d [\d:.]+ \d{4})\] \[(?P<module>[\w-]*):(?P<level>\w+)\] "
)
CODE = re.compile(r"\b(AH\d{5}): ")
SAID: dict[str, Said] = {
    "AH01933": "checked",  # cache hit
    "AH01937": "failed",  # stapling response expired or not usable
    "AH01938": "checked",  # querying responder
    "AH01941": "failed",  # responder error
    "AH01942": "answered",
    "AH01972": "failed",  # could not resolve
    "AH01974": "failed",  # could not connect
    "AH01980": "failed",  # bad HTTP response
    "AH02218": "failed",  # no URI for the responder
    "AH02969": "answered",
    "AH03239": "answered",
}
"""Messages of mod_ssl about OCSP that tell an outcome."""
OF_THE_CONNECTION = frozenset({"AH01980"})
"""Those about the answer of the responder to which the thread connected last."""
RESPONDER = re.compile(r"OCSP responder '?(?P<responder>[^'\s]+)")
STATUS = re.compile(r"certificate status:? (?P<status>good|revoked|unknown)")
SERIAL = re.compile(r"(?:serial number|serial:) (?P<serial>[0-9A-Fa-f]{2,64})\b")
SUBJECT = re.compile(r"\[subject: (?:[^\]]*?,)?CN=(?P<host>[\w.*-]+)")


THREAD = re.compile(r"\[pid (?P<thread>[\d:tid ]{1,60})\]")
CONNECTING = re.compile(r"AH01973: connecting to OCSP responder '(?P<responder>[^'\s]+)'")


class ApacheReader:
    """Takes the lines of one log: which responder a thread speaks to stands in a line of its own."""

    def __init__(self) -> None:
        self._asking: dict[str, str] = {}
        """Process and thread: the responder to which it connected last."""

    def line(self, line: str) -> tuple[bool, LogEntry | None]:
        """Tell whether a line is of an error log of Apache, and what it says of OCSP."""
        match = LINE.match(line)
        if match is None:
            return False, None
        thread = THREAD.search(line, match.end() - 1)
        name = thread["thread"] if thread is not None else ""
        if (connecting := CONNECTING.search(line)) is not None:
            if len(self._asking) >= BOUNDS.log_entries:
                self._asking.clear()
                reached("log_entries")
            self._asking[name] = connecting["responder"].lower()
            return True, None
        code = CODE.search(line, match.end())
        if code is None or code[1] not in SAID:
            return True, None
        stamp = read_stamp(match["time"])
        responder, serial, subject = RESPONDER.search(line), SERIAL.search(line), SUBJECT.search(line)
        answered = STATUS.search(line)
        status: Status | None = answered["status"] if answered is not None else None  # type: ignore[assignment]
        asked = self._asking.get(name) if code[1] in OF_THE_CONNECTION else None
        return True, LogEntry(
            "",
            0,
            "apache",
            SAID[code[1]],
            stamp.time if stamp is not None else None,
            False,
            line,
            host=subject["host"].lower() if subject is not None else None,
            serial=(serial["serial"].lower().lstrip("0") or "0") if serial is not None else None,
            responder=responder["responder"].lower() if responder is not None else asked,
            status=status,
        )

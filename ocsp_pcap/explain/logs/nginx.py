"""nginx's error.log: staples that could not be fetched, and client certificates that could not be checked.

nginx writes local time without a zone, and nothing where all went well. Tried against nginx 1.22.
"""

from __future__ import annotations

import re

from ocsp_pcap.explain.logs.model import LogEntry
from ocsp_pcap.explain.model import Status
from ocsp_pcap.explain.stamps import read_stamp

LINE = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(?:debug|info|notice|warn|error|crit|alert|emerg)\] ")
ASKING = re.compile(r"while requesting certificate status, responder: (?P<responder>[^,\s]+)")
IGNORED = re.compile(r'"ssl_stapling" ignored, (?:host not found in OCSP responder "(?P<responder>[^"/]+))?')
STATUS = re.compile(r'certificate status "(?P<status>good|revoked|unknown)" in the OCSP response')


def nginx_line(line: str) -> tuple[bool, LogEntry | None]:
    """Tell whether a line is of an error.log, and what it says of OCSP."""
    if LINE.match(line) is None:
        return False, None
    asking = ASKING.search(line) or IGNORED.search(line)
    if asking is None:
        return True, None
    stamp = read_stamp(line)
    answered = STATUS.search(line)
    status: Status | None = answered["status"] if answered is not None else None  # type: ignore[assignment]
    return True, LogEntry(
        "",
        0,
        "nginx",
        "answered" if answered is not None else "failed",
        stamp.time if stamp is not None else None,
        False,
        line,
        responder=(asking["responder"] or "").lower() or None,
        status=status,
    )

"""Squid's access.log: which connections it tunnelled and which it intercepted.

The native form and those that begin like it (with ``%ssl::bump_mode`` anywhere after), and the common and
combined forms with Squid's result at the end. Tried against Squid 5.7.
"""

from __future__ import annotations

import re

from ocsp_pcap.explain.logs.model import LogEntry, Said
from ocsp_pcap.explain.stamps import read_stamp

NATIVE = re.compile(
    r"^(?P<time>\d{9,10}\.\d{3})\s+(?P<took>-?\d+) (?P<client>\S+) (?P<result>[A-Z_]+)/(?P<status>\d{3}) \S+ "
    r"(?P<method>\S+) (?P<url>\S+)(?P<rest>.*)$",
    re.ASCII,
)
COMMON = re.compile(
    r"^(?P<client>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] \"(?P<method>\S+) (?P<url>\S+) [^\"]*\" (?P<status>\d{3})"
    r" .*?(?P<result>[A-Z]+_[A-Z_]+):HIER_\w+$",
    re.ASCII,
)
BUMP_MODE = re.compile(r" (splice|none|bump|peek|stare|client-first|server-first|terminate)(?: |$)")
MILLISECOND = 10**6


def squid_line(line: str) -> tuple[bool, LogEntry | None]:
    """Tell whether a line is of an access.log, and what it says of a TLS connection."""
    match = NATIVE.match(line) or COMMON.match(line)
    if match is None:
        return False, None
    url, method = match["url"], match["method"]
    if method != "CONNECT" and not url.startswith("https://"):
        return True, None
    said = _said(match, line)
    if said is None:
        return True, None
    stamp = read_stamp(match["time"])
    time = stamp.time if stamp is not None else None
    if time is not None and "took" in match.re.groupindex:
        # The line is written at the end of a connection.
        time -= max(int(match["took"]), 0) * MILLISECOND
    host = url.removeprefix("https://").split("/")[0].rsplit("@", 1)[-1]
    host = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    zone = stamp is not None and stamp.zone
    return True, LogEntry(
        "", 0, "squid", said, time, zone, line, host=host.rstrip(".").lower() or None, client=match["client"]
    )


def _said(match: re.Match[str], line: str) -> Said | None:
    if match["result"] == "TCP_TUNNEL":
        return "tunnelled"
    if match["method"] != "CONNECT":
        return "intercepted"
    mode = BUMP_MODE.search(line, match.end("url"))
    if mode is None or mode[1] == "terminate":
        return None
    return "tunnelled" if mode[1] in ("splice", "none") else "intercepted"

"""HAProxy's ``<OCSP-UPDATE>`` lines: staples that it fetched for its own certificates.

Two lines an update: one with the certificate's file and the outcome, which has a time only where syslog adds
one, and that of the HTTP request, with the responder and, in its path, the CertID. Tried against HAProxy 3.0.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from ocsp_pcap.explain.logs.model import LogEntry
from ocsp_pcap.explain.stamps import leading_stamp, read_stamp

MARK = "<OCSP-UPDATE>"
OUTCOME = re.compile(r'<OCSP-UPDATE> (?P<file>\S+) (?P<code>\d+) "(?P<text>[^"]*)" \d+ \d+')
REQUEST = re.compile(
    r"\[(?P<time>[^\[\]]+)\] <OCSP-UPDATE> \S+ [-\d/]+ (?P<status>-?\d+) "
    r".*\"(?:GET|POST) (?P<url>\S+)[^\"]*\"\s*$"
)
SUCCESS = "1"


def haproxy_line(line: str) -> tuple[bool, LogEntry | None]:
    """Tell whether a line is of an OCSP update, and what it says."""
    if MARK not in line:
        return False, None
    if match := REQUEST.search(line):
        stamp = read_stamp(match["time"])
        good = match["status"].startswith("2")
        return True, LogEntry(
            "",
            0,
            "haproxy",
            "answered" if good else "failed",
            stamp.time if stamp is not None else None,
            # HAProxy writes local time and no zone.
            stamp is not None and stamp.zone,
            line,
            serial=serial_in(match["url"]),
            responder=match["url"],
        )
    match = OUTCOME.search(line)
    if match is None:
        return True, None
    stamp = leading_stamp(re.sub(r"^<\d{1,3}>", "", line))
    return True, LogEntry(
        "",
        0,
        "haproxy",
        "answered" if match["code"] == SUCCESS else "failed",
        stamp.time if stamp is not None else None,
        stamp is not None and stamp.zone,
        line,
    )


def serial_in(url: str) -> str | None:
    """Return the serial number that the path of an OCSP request by GET asks about (RFC 6960 A.1)."""
    import base64
    import binascii

    from cryptography.x509 import ocsp

    try:
        path = unquote(urlsplit(url).path).lstrip("/")
        for start in (0, path.rfind("//") + 2, path.find("MF"), path.find("MG"), path.find("ME")):
            if start < 0:
                continue
            try:
                request = ocsp.load_der_ocsp_request(
                    base64.b64decode(path[start:] + "=" * (-len(path[start:]) % 4))
                )
            except (ValueError, binascii.Error):
                continue
            return f"{request.serial_number:x}"
    except ValueError:
        pass
    return None

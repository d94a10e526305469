"""ProxySG's ELFF logs with the fields of the SSL log: how it judged the server's certificate.

``#Fields:`` names the columns; ``date`` and ``time`` are UTC (W3C Extended Log File Format). Read as
documented, and not tried against the appliance.
"""

from __future__ import annotations

import re
import shlex

from ocsp_pcap.explain.logs.model import LogEntry, Said
from ocsp_pcap.explain.stamps import read_stamp

FIELDS = re.compile(r"^#Fields:\s*(.+)$", re.IGNORECASE)
CHECKED = ("x-rs-certificate-validate-status", "x-rs-certificate-observed-errors", "x-rs-ocsp-error")
NOTHING = frozenset({"-", "", "none"})


class ElffReader:
    """Takes the lines of one log; its header says what the columns are."""

    def __init__(self) -> None:
        self.fields: list[str] = []

    def line(self, line: str) -> tuple[bool, LogEntry | None]:
        """Tell whether a line is of such a log, and what it says of a certificate."""
        if line.startswith("#"):
            if match := FIELDS.match(line):
                self.fields = match[1].split()
            return bool(
                re.match(r"#(Software|Version|Fields|Date|Remark|Start-Date):", line, re.IGNORECASE)
            ), None
        if not self.fields:
            return False, None
        values = _values(line)
        if len(values) != len(self.fields):
            return False, None
        row = dict(zip(self.fields, values, strict=True))
        fields = {name: row[name] for name in CHECKED if row.get(name, "-").lower() not in NOTHING}
        if not fields:
            return True, None
        stamp = read_stamp(f"{row.get('date', '')} {row.get('time', '')}Z") or read_stamp(
            row.get("x-timestamp-unix", "")
        )
        host = row.get("x-rs-certificate-hostname", "-")
        if host in NOTHING:
            host = row.get("cs-host", "-")
        failed = "x-rs-ocsp-error" in fields
        said: Said = "failed" if failed else "checked"
        return True, LogEntry(
            "",
            0,
            "elff",
            said,
            stamp.time if stamp is not None else None,
            stamp is not None and stamp.zone,
            ", ".join(f"{name} {value}" for name, value in fields.items()),
            host=None if host in NOTHING else host.rstrip(".").lower(),
            client=row.get("c-ip"),
        )


def _values(line: str) -> list[str]:
    if '"' not in line:
        return line.split()
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = lexer.escape = ""
    lexer.quotes = '"'
    try:
        return list(lexer)
    except ValueError:
        return []

"""The bounds of explaining: how much of what was seen is compared, and read of what stands beside it."""

from __future__ import annotations

from dataclasses import dataclass

from ocsp_pcap.bounds.declared import ERROR, NOTED, bound


@dataclass(init=False, eq=False, repr=False)
class ExplainingBounds:
    """How much is compared for one answer, and read of what the user gives beside captures, and why no more.

    Where a search for what speaks against an answer ends at one of them, the answer is not confirmed.
    """

    compared: int = bound(
        256,
        "handshakes, queries, lookups or attempts of one span of time that an answer is compared with",
        "every handshake costs as much; few hosts do more within seconds",
    )
    legs: int = bound(
        64,
        "legs of one ClientHello, or of a request that proxies hand on, in all captures",
        "each is compared with each; proxies in a row are two or three",
    )
    agreeing_visits: int = bound(
        1 << 20,
        "visits of hosts that are compared with those through each proxy, to tell a proxy's addresses",
        "each takes a microsecond, for every proxy through which others went there",
    )
    clock_pairs: int = bound(
        1 << 17,
        "pairs of visits of one host in two captures that are compared to tell the offset of their clocks",
        "each takes a microsecond, for every two captures; of more, a sample is compared",
    )
    log_entries: int = bound(
        500_000, "lines about TLS or OCSP of one log", "each takes half a kilobyte until all is explained"
    )
    log_line: int = bound(1 << 16, "bytes of a line of a log", "what is longer is read as several lines")
    unknown_lines: int = bound(
        10_000,
        "lines of no known form at the beginning of a log",
        "a file that holds no others is no log",
        ERROR,
    )
    zone_lines: int = bound(
        2000,
        "lines of one log or trace that are compared with packets to tell its time zone",
        "each is compared with a hundred offsets; more would not make it surer",
    )
    document_bytes: int = bound(
        256 << 20,
        "bytes of a policy trace or of a configuration",
        "it is held as a whole; a sysinfo has some MB",
        ERROR,
    )
    site_file_bytes: int = bound(
        1 << 20, "bytes of a site file", "it is written by hand; TOML of some MB takes long", ERROR
    )
    configuration_files: int = bound(
        64,
        "files that a configuration includes",
        "a file may include another twice, and that one the next",
        NOTED,
    )
    configuration_depth: int = bound(
        64, "blocks within blocks of a configuration", "each line is read with all that it is in", NOTED
    )

"""Logs of proxies and servers, as second witnesses beside the packets.

Each form has a module that turns one line into one entry: what was checked or asked, when, and with what
result. A log is read line by line and only what bears on certificates is kept, so its size does not matter.
Lines are quoted where host, serial or responder and time fit a sighting; they prove nothing by themselves.
Squid, HAProxy, nginx and Apache are read as the real programs write them; ProxySG's ELFF as documented.
"""

from ocsp_pcap.explain.logs.model import LogEntry, LogError, LogKind, Said

__all__ = ["LogEntry", "LogError", "LogKind", "Said"]

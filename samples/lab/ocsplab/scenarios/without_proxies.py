"""Scenarios of a client that goes straight to the origins; the proxies' namespaces only route."""

from __future__ import annotations

from pathlib import Path

from ocsplab.behind import Behind, Origin
from ocsplab.capture import Recorder
from ocsplab.lab import Lab
from ocsplab.pki import Authority, make_self_signed
from ocsplab.visits import ocsp_get, ocsp_post, pause, s_client

from .base import Scenario


def direct(lab: Lab, out: Path) -> None:
    """A client without proxies meets staples, POST and GET queries, resumption, caching and no OCSP URL."""
    authority = Authority(lab.directory / "pki")
    origins = [
        Origin("stapled.site.test", staple="good"),
        Origin("plain.site.test"),
        Origin("get.site.test"),
        Origin("revoked.site.test", status="revoked"),
        Origin("no-ocsp.site.test", ocsp_url=None),
        Origin("resumed.site.test"),
        Origin("cached.site.test"),
    ]
    behind = Behind(lab.net, lab.directory / "behind", lab.processes, authority, origins)
    behind.start()
    client, leaves, root = lab.net.client, behind.leaves, authority.root
    session = str(lab.directory / "session.pem")
    s_client(client, "resumed.site.test", root, "-sess_out", session)
    s_client(client, "cached.site.test", root)
    recorder = Recorder(client, out / "capture.pcap")
    ocsp_post(client, authority, leaves["cached.site.test"])
    pause()
    s_client(client, "stapled.site.test", root, "-status")
    pause()
    s_client(client, "plain.site.test", root, "-status")
    ocsp_post(client, authority, leaves["plain.site.test"])
    pause()
    s_client(client, "get.site.test", root)
    s_client(client, "revoked.site.test", root)
    ocsp_get(client, authority, [leaves["get.site.test"], leaves["revoked.site.test"]], lab.directory)
    pause()
    s_client(client, "no-ocsp.site.test", root)
    pause()
    s_client(client, "resumed.site.test", root, "-sess_in", session)
    pause()
    s_client(client, "cached.site.test", root)
    s_client(client, "plain.site.test", root, "-status")
    recorder.stop()


def handshake_failed(lab: Lab, out: Path) -> None:
    """Handshakes that end before revocation could matter, and one that does not."""
    authority = Authority(lab.directory / "pki")
    origins = [
        Origin("plain.site.test"),
        Origin("distrusted.site.test"),
        Origin("modern.site.test", tls="TLSv1.3"),
    ]
    behind = Behind(lab.net, lab.directory / "behind", lab.processes, authority, origins)
    behind.start()
    client = lab.net.client
    other_root = lab.directory / "other-root.pem"
    make_self_signed(other_root, lab.directory / "other-root.key", "/O=Lab Trust Services/CN=Another Root")
    recorder = Recorder(client, out / "capture.pcap")
    s_client(client, "distrusted.site.test", other_root, expect_failure=True)
    pause()
    s_client(client, "modern.site.test", authority.root, expect_failure=True)
    pause()
    s_client(client, "plain.site.test", authority.root)
    ocsp_post(client, authority, behind.leaves["plain.site.test"])
    recorder.stop()


SCENARIOS = (Scenario("direct", direct), Scenario("handshake-failed", handshake_failed))

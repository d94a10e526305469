"""Software that validates (stunnel, nginx, Apache, Java, Perl, Firefox) or only relays (Dante, tinyproxy).

Each function writes the configuration, starts the program in a namespace and returns when it serves; visitors
return what they printed, one line a page.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from . import network
from .lab import Lab
from .network import Namespace
from .pki import Authority, Leaf, make_bundle
from .programs import LabError, run, wait_until
from .squid import PORT

QUIC_PEER = Path(__file__).resolve().parent.parent / "tlslab" / "quic_peer.py"
CLIENTS = Path(__file__).resolve().parent.parent / "clients"
ELSEWHERE = {"TZ": "Asia/Kolkata"}
"""The zone of servers whose logs are in local time: half an hour off every other one in the laboratory."""
STUNNEL_FIRST_PORT = 18443
SOCKS_PORT = 1080
APACHE_MODULES = Path("/usr/lib/apache2/modules")


def wait_for_port(namespace: Namespace, port: int, label: str) -> None:
    """Return when something in the namespace listens on a TCP port.

    :raises LabError: with the end of the program's log, when nothing does
    """
    try:
        wait_until(lambda: f":{port} ".encode() in namespace.run(["ss", "-Hltn"]).stdout, label)
    except LabError as error:
        log = namespace.processes.log_of(label).read_text(errors="replace")
        raise LabError(f"{error}\n{log[-2000:]}") from error


def start_stunnel(lab: Lab, namespace: Namespace, root: Path, hosts: Sequence[str]) -> dict[str, int]:
    """Start stunnel with one client service a host, OCSP by the certificate's own URL.

    :return: the local port of each host
    """
    ports = {host: STUNNEL_FIRST_PORT + number for number, host in enumerate(hosts)}
    services = "".join(
        f"[{host}]\nclient = yes\naccept = 127.0.0.1:{port}\nconnect = {host}:443\nsni = {host}\n"
        f"checkHost = {host}\nverifyChain = yes\nCAfile = {root}\nOCSPaia = yes\nsslVersionMax = TLSv1.2\n"
        "sessionResume = no\nTIMEOUTconnect = 6\n"
        for host, port in ports.items()
    )
    configuration = lab.directory / "stunnel.conf"
    configuration.write_text(f"foreground = yes\ndebug = info\nsyslog = no\npid =\n{services}")
    namespace.start("stunnel", ["stunnel4", str(configuration)])
    for port in ports.values():
        wait_for_port(namespace, port, "stunnel")
    return ports


def visit_by_stunnel(namespace: Namespace, host: str, port: int) -> bool:
    """Open a page through stunnel; tell whether it came."""
    result = namespace.run(
        ["curl", "--silent", "--max-time", "20", "--header", f"Host: {host}", f"http://127.0.0.1:{port}/"],
        check=False,
    )
    return result.stdout.decode(errors="replace") == f"{host}\n"


def start_nginx_that_checks_clients(
    lab: Lab, namespace: Namespace, address: str, leaf: Leaf, authority: Authority
) -> Path:
    """Start an nginx that demands client certificates, checks them by OCSP, and staples for its own.

    :return: its error log, in local time
    """
    directory = lab.directory / "nginx-mtls"
    directory.mkdir()
    trust = make_bundle(directory / "trust.pem", authority.root, authority.issuing)
    configuration = directory / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {directory}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration.write_text(
        "daemon off; master_process off; worker_processes 1;\n"
        f"pid {directory}/nginx.pid; error_log {directory}/error.log info;\n"
        "events { worker_connections 64; }\n"
        f"http {{ access_log {directory}/access.log; {temporary}\n"
        f"resolver {network.DNS} ipv6=off; keepalive_timeout 0;\n"
        f"server {{ listen {address}:443 ssl; server_name {leaf.host};\n"
        f"ssl_certificate {leaf.chain}; ssl_certificate_key {leaf.key}; ssl_protocols TLSv1.2;\n"
        f"ssl_client_certificate {trust}; ssl_verify_client on; ssl_verify_depth 2; ssl_ocsp leaf;\n"
        f"ssl_session_cache off; ssl_session_tickets off;\n"
        f"ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate {trust};\n"
        f'location / {{ default_type text/plain; return 200 "{leaf.host}\\n"; }} }} }}\n'
    )
    error_log = str(directory / "error.log")
    command = ["nginx", "-p", str(directory), "-e", error_log, "-c", str(configuration)]
    namespace.start("nginx-mtls", command, environment=ELSEWHERE)
    wait_for_port(namespace, 443, "nginx-mtls")
    return directory / "error.log"


def start_apache_that_checks_clients(
    lab: Lab, namespace: Namespace, address: str, leaf: Leaf, authority: Authority
) -> Path:
    """Start an Apache that demands client certificates, checks them by OCSP, and staples for its own.

    :return: its error log, in local time
    """
    directory = lab.directory / "apache-mtls"
    (directory / "pages").mkdir(parents=True)
    (directory / "pages" / "index.html").write_text(f"{leaf.host}\n")
    trust = make_bundle(directory / "trust.pem", authority.root, authority.issuing)
    modules = ("mpm_event", "authz_core", "dir", "socache_shmcb", "ssl")
    configuration = directory / "apache.conf"
    configuration.write_text(
        "".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so\n" for name in modules)
        + f"ServerRoot {directory}\nServerName {leaf.host}\nPidFile {directory}/pid\nListen {address}:443\n"
        f"DefaultRuntimeDir {directory}\nErrorLog {directory}/error.log\n"
        "LogLevel info ssl:debug\nKeepAlive Off\n"
        f"DocumentRoot {directory}/pages\nDirectoryIndex index.html\n"
        f"SSLStaplingCache shmcb:{directory}/staples(65536)\n"
        "<VirtualHost *:443>\nSSLEngine on\nSSLProtocol TLSv1.2\n"
        f"SSLCertificateFile {leaf.chain}\nSSLCertificateKeyFile {leaf.key}\nSSLCACertificateFile {trust}\n"
        "SSLSessionTickets off\nSSLUseStapling on\nSSLVerifyClient require\nSSLVerifyDepth 2\n"
        "SSLOCSPEnable leaf\nSSLOCSPUseRequestNonce off\n</VirtualHost>\n"
    )
    namespace.start("apache-mtls", ["apache2", "-X", "-f", str(configuration)], environment=ELSEWHERE)
    wait_for_port(namespace, 443, "apache-mtls")
    return directory / "error.log"


def visit_with_certificate(namespace: Namespace, host: str, root: Path, leaf: Leaf) -> bool:
    """Open a page with a client certificate; tell whether it came."""
    result = namespace.run(
        [
            *(
                "curl",
                "--silent",
                "--show-error",
                "--max-time",
                "20",
                "--cacert",
                str(root),
                "--noproxy",
                "*",
            ),
            *("--cert", str(leaf.chain), "--key", str(leaf.key), f"https://{host}/"),
        ],
        check=False,
    )
    return result.stdout.decode(errors="replace") == f"{host}\n"


def make_java_trust(lab: Lab, root: Path) -> Path:
    """Write a PKCS #12 trust store that holds one CA certificate."""
    store = lab.directory / "trust.p12"
    lab.net.client.run(
        [
            *("keytool", "-importcert", "-noprompt", "-alias", "root", "-file", str(root)),
            *("-keystore", str(store), "-storetype", "PKCS12", "-storepass", "changeit"),
        ]
    )
    return store


def visit_by_java(lab: Lab, namespace: Namespace, hosts: Sequence[str], *properties: str) -> list[str]:
    """Open pages in one JVM that checks revocation; return "page HOST" or "none URL WHY" for each.

    The certificate path debug log is `logs/java-certpath.log` of the lab's directory.
    """
    security = lab.directory / "java.security"
    security.write_text("ocsp.enable=true\n")
    store = lab.directory / "trust.p12"
    result = namespace.run(
        [
            *("java", f"-Djava.security.properties={security}", "-Dcom.sun.net.ssl.checkRevocation=true"),
            *("-Dcom.sun.security.enableCRLDP=true", "-Djdk.tls.client.protocols=TLSv1.2"),
            *(f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"),
            *("-Djava.security.debug=certpath", "-Dcom.sun.security.ocsp.timeout=4"),
            *("-Djava.net.preferIPv4Stack=true", *properties),
            *(str(CLIENTS / "Fetch.java"), *(f"https://{host}/" for host in hosts)),
        ],
        check=False,
        timeout=180,
    )
    (lab.directory / "logs" / "java-certpath.log").write_bytes(result.stderr)
    lines = result.stdout.decode(errors="replace").splitlines()
    if len(lines) != len(hosts):
        raise LabError(f"java: {result.stderr.decode(errors='replace')[-1500:]}")
    return lines


def visit_by_perl(namespace: Namespace, root: Path, hosts: Sequence[str]) -> list[str]:
    """Open pages with IO::Socket::SSL, which checks the whole chain; return its lines."""
    result = namespace.run(
        ["perl", str(CLIENTS / "fetch.pl"), str(root), *hosts],
        check=False,
        timeout=90,
        # It asks the responders of a chain in the order of a hash, and stops at the first bad answer.
        environment={"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"},
    )
    if result.returncode != 0:
        raise LabError(f"perl: {result.stderr.decode(errors='replace')[-1500:]}")
    return result.stdout.decode(errors="replace").splitlines()


FIREFOX_PREFERENCES: dict[str, str | int | bool] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.blockedURIs.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.http.keep-alive.timeout": 2,
    "network.http.speculative-parallel-limit": 0,
    "security.OCSP.enabled": 1,
    "security.OCSP.require": False,
    "security.pki.crlite_mode": 0,
    "security.remote_settings.crlite_filters.enabled": False,
    "security.ssl.disable_session_identifiers": True,
    "security.tls.version.max": 3,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.unified": False,
}


def visit_by_firefox(lab: Lab, namespace: Namespace, root: Path, steps: Sequence[str]) -> list[str]:
    """Open pages in one headless Firefox, TLS 1.2; `steps` are host names or `wait:SECONDS`.

    :return: "page URL" or "none URL WHY" for each host; its certificate verifier's log is
        `logs/firefox-verifier.log` of the lab's directory.
    """
    profile = lab.directory / "firefox"
    profile.mkdir()
    preferences = "".join(
        f'user_pref("{name}", {_javascript(value)});\n' for name, value in FIREFOX_PREFERENCES.items()
    )
    (profile / "user.js").write_text(preferences)
    namespace.run(["certutil", "-N", "-d", f"sql:{profile}", "--empty-password"])
    namespace.run(["certutil", "-A", "-d", f"sql:{profile}", "-n", "lab", "-t", "C,,", "-i", str(root)])
    urls = [step if step.startswith("wait:") else f"https://{step}/" for step in steps]
    result = namespace.run(
        ["python3", str(CLIENTS / "firefox_visits.py"), str(profile), *urls],
        check=False,
        timeout=240,
        environment={"HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
    )
    for log in profile.glob("verifier*"):
        shutil.copyfile(log, lab.directory / "logs" / f"firefox-{log.name}")
    if result.returncode != 0:
        raise LabError(f"firefox: {result.stderr.decode(errors='replace')[-1500:]}")
    return [
        line for line in result.stdout.decode(errors="replace").splitlines() if line[:5] in ("page ", "none ")
    ]


def _javascript(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def start_dante(lab: Lab, namespace: Namespace, inner: str) -> None:
    """Start a SOCKS relay that listens on `inner` and goes out by the namespace's outer interface."""
    configuration = lab.directory / "danted.conf"
    rule = "{ from: 0.0.0.0/0 to: 0.0.0.0/0 log: connect error }"
    configuration.write_text(
        f"logoutput: stderr\ninternal: {inner} port = {SOCKS_PORT}\nexternal: out0\n"
        "clientmethod: none\nsocksmethod: none\nuser.privileged: root\nuser.unprivileged: nobody\n"
        f"client pass {rule}\nsocks pass {rule}\n"
    )
    namespace.start("danted", ["danted", "-f", str(configuration), "-p", str(lab.directory / "danted.pid")])
    wait_for_port(namespace, SOCKS_PORT, "danted")


def start_tinyproxy(lab: Lab, namespace: Namespace, inner: str, upstream: str) -> None:
    """Start a tinyproxy that sends everything to the proxy at `upstream`."""
    configuration = lab.directory / "tinyproxy.conf"
    configuration.write_text(
        f"Port {PORT}\nListen {inner}\nTimeout 60\nMaxClients 20\nLogLevel Info\nUser nobody\n"
        f"Upstream http {upstream}:{PORT}\nConnectPort 443\nAllow 10.77.0.0/16\n"
    )
    namespace.start("tinyproxy", ["tinyproxy", "-d", "-c", str(configuration)])
    wait_for_port(namespace, PORT, "tinyproxy")


def serve_quic(lab: Lab, leaf: Leaf, address: str) -> None:
    """Serve one name over QUIC, beside whatever answers there over TCP.

    :raises LabError: this Python has no aioquic
    """
    try:
        run([sys.executable, "-c", "import aioquic"])
    except LabError as error:
        raise LabError("QUIC needs aioquic: run this with a Python that has it") from error
    command = [sys.executable, str(QUIC_PEER), "server", address, str(leaf.chain), str(leaf.key)]
    lab.net.behind.start("quic", command)
    sockets = ["ss", "-Hlun", "sport", "=", ":443"]
    wait_until(lambda: b":443" in lab.net.behind.run(sockets).stdout, "the QUIC server")


def visit_by_quic(lab: Lab, namespace: Namespace, host: str, address: str, root: Path) -> None:
    """Open one stream over QUIC version 1; nobody gets the keys.

    :raises LabError: when no answer comes
    """
    log = lab.directory / "quic.keys"
    arguments = ["client", address, host, "1", "AES_128_GCM_SHA256", str(root), str(log)]
    result = namespace.run([sys.executable, str(QUIC_PEER), *arguments])
    if result.stdout.strip() != b"hello":
        raise LabError(f"QUIC: {result.stdout!r}")

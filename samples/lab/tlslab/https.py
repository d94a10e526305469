"""OCSP over HTTPS: a visit, then the query for its certificate inside TLS, suite by suite."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from ocsplab.programs import run, wait_until

from .stage import Identity, Stage, curl, openssl_client, openssl_server, request

RESPONDER_PORT = 8080


@dataclass(frozen=True, slots=True)
class Query:
    """How one responder is spoken to."""

    name: str
    version: str
    suite: str
    rsa: bool = False
    no_etm: bool = False


QUERIES = (
    Query("tls12-gcm", "1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    Query("tls12-cbc", "1.2", "ECDHE-ECDSA-AES256-SHA"),
    Query("tls12-cbc-no-etm", "1.2", "ECDHE-ECDSA-AES128-SHA256", no_etm=True),
    Query("tls12-chacha20", "1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    Query("tls12-ccm", "1.2", "ECDHE-ECDSA-AES128-CCM"),
    Query("tls13-gcm", "1.3", "TLS_AES_256_GCM_SHA384"),
    Query("tls13-chacha20", "1.3", "TLS_CHACHA20_POLY1305_SHA256"),
    Query("tls13-ccm", "1.3", "TLS_AES_128_CCM_SHA256"),
)
RSA_QUERIES = (
    Query("rsa-gcm", "1.2", "AES128-GCM-SHA256", rsa=True),
    Query("rsa-cbc", "1.2", "AES256-SHA", rsa=True),
    Query("rsa-cbc-no-etm", "1.2", "AES128-SHA256", rsa=True, no_etm=True),
)


def play(stage: Stage) -> None:
    """Each host's certificate names a responder of its own, which takes queries over TLS alone."""
    rsa = stage.rsa_key()
    shutil.copyfile(rsa, stage.out / "responder-rsa.pem")
    with stage.recorded("forward-secret"):
        for query in QUERIES:
            _play(stage, query, rsa)
    with stage.recorded("rsa-key-exchange"):
        for query in RSA_QUERIES:
            _play(stage, query, rsa)


def _play(stage: Stage, query: Query, rsa: Path) -> None:
    name = f"ocsp-{query.name}.pki.test"
    site = stage.identity(f"{query.name}.site.test", ocsp_url=f"https://{name}/")
    stage.serve(site, openssl_server(site, stage, "-tls1_2"))
    visit = [word for word in openssl_client(site, stage) if word != "-status"]
    stage.visit(visit, stdin=request(site))
    responder = stage.identity(name, rsa_key=rsa if query.rsa else None)
    # `openssl ocsp` reads the index of certificates once, when it starts.
    process = _start_responder(stage)
    try:
        _ask(stage, query, site, responder)
    finally:
        stage.lab.processes.stop(process)


def _ask(stage: Stage, query: Query, site: Identity, responder: Identity) -> None:
    configuration = stage.directory / f"{query.name}.nginx"
    ciphers = "ALL" if query.version == "1.3" else query.suite
    suites = f"ssl_conf_command Ciphersuites {query.suite};" if query.version == "1.3" else ""
    configuration.write_text(
        f"daemon off; master_process off; pid {stage.directory}/nginx.pid;\n"
        f"error_log {stage.directory}/nginx.log; events {{ worker_connections 64; }}\n"
        f"http {{ access_log off; server_tokens off;\n"
        + "".join(
            f"{kind}_temp_path {stage.directory}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"server {{ listen {responder.address}:443 ssl; server_name {responder.host};\n"
        f"ssl_certificate {responder.certificate}; ssl_certificate_key {responder.key};\n"
        f"ssl_protocols TLSv{query.version}; ssl_ciphers {ciphers}:@SECLEVEL=0; {suites}\n"
        f"{'ssl_conf_command Options -EncryptThenMac;' if query.no_etm else ''}\n"
        f"location / {{ proxy_pass http://127.0.0.1:{RESPONDER_PORT}; }} }} }}\n"
    )
    stage.serve(responder, ["nginx", "-p", str(stage.directory), "-c", str(configuration)])
    body = stage.directory / f"{query.name}.req"
    cert = ("-issuer", str(stage.authority.issuing), "-cert", str(site.certificate))
    run(["openssl", "ocsp", *cert, "-no_nonce", "-reqout", str(body)])
    limits = (
        ("--tlsv1.3", "--tls13-ciphers", query.suite, "--ciphers", "ALL:@SECLEVEL=0")
        if query.version == "1.3"
        else ("--tls-max", "1.2", "--ciphers", f"{query.suite}:@SECLEVEL=0")
    )
    chain = stage.directory / "trust.pem"
    chain.write_bytes(stage.authority.root.read_bytes() + stage.authority.issuing.read_bytes())
    post = ("--data-binary", f"@{body}", "--header", "Content-Type: application/ocsp-request")
    stage.visit(curl(responder, stage, "--cacert", str(chain), *limits, *post, path="/"))


def _start_responder(stage: Stage) -> Popen[bytes]:
    authority, behind = stage.authority, stage.lab.net.behind
    process = behind.start(
        "responder",
        [
            *("openssl", "ocsp", "-index", str(authority.index), "-CA", str(authority.issuing)),
            *("-rsigner", str(authority.signer), "-rkey", str(authority.signer_key), "-ndays", "4"),
            *("-port", str(RESPONDER_PORT), "-ignore_err"),
        ],
    )
    wait_until(
        lambda: f":{RESPONDER_PORT} ".encode() in behind.run(["ss", "-Hltn"]).stdout, "the OCSP responder"
    )
    return process

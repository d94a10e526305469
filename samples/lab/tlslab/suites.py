"""A connection for each cipher suite in use, by OpenSSL (and curl) and by GnuTLS."""

from __future__ import annotations

import shutil

from .stage import Identity, Stage, curl, openssl_client, openssl_server, request

TLS12 = (
    ("ECDHE-ECDSA-AES128-GCM-SHA256", ()),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", ()),
    ("DHE-RSA-AES256-GCM-SHA384", ()),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", ()),
    ("ECDHE-RSA-CHACHA20-POLY1305", ()),
    ("ECDHE-ECDSA-AES128-CCM", ()),
    ("ECDHE-ECDSA-AES256-CCM8", ()),
    ("ECDHE-ECDSA-AES128-SHA256", ()),
    ("ECDHE-ECDSA-AES256-SHA384", ("-no_etm",)),
    ("ECDHE-RSA-AES256-SHA", ()),
    ("ECDHE-RSA-AES128-SHA", ("-no_etm",)),
    ("AES128-GCM-SHA256", ()),
    ("AES256-CCM", ()),
    ("AES128-SHA", ()),
    ("AES256-SHA256", ("-no_etm",)),
)
"""OpenSSL's name of a suite, and options of server and client."""
TLS13 = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
)
GNUTLS12 = (
    ("aes-128-gcm", "+AES-128-GCM:+AEAD:+ECDHE-ECDSA"),
    ("aes-256-cbc-sha1", "+AES-256-CBC:+SHA1:+ECDHE-ECDSA"),
    ("aes-128-cbc-sha256-no-etm", "+AES-128-CBC:+SHA256:+ECDHE-ECDSA:%NO_ETM"),
    ("chacha20-poly1305", "+CHACHA20-POLY1305:+AEAD:+ECDHE-ECDSA"),
    ("aes-128-ccm-8", "+AES-128-CCM-8:+AEAD:+ECDHE-ECDSA"),
    ("rsa-aes-256-gcm", "+AES-256-GCM:+AEAD:+RSA"),
    ("rsa-aes-128-cbc-no-session-hash", "+AES-128-CBC:+SHA1:+RSA:%NO_SESSION_HASH"),
)
"""Name, and what is added to a GnuTLS priority string without ciphers, MACs and key exchanges."""
GNUTLS13 = ("AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305", "AES-128-CCM", "AES-128-CCM-8")


def tls12(stage: Stage) -> None:
    """TLS 1.2: forward secret suites, and those of RSA key exchange, whose server's key is kept."""
    rsa = stage.rsa_key()
    shutil.copyfile(rsa, stage.out / "server-rsa.pem")
    with stage.recorded("openssl"):
        for number, (suite, options) in enumerate(TLS12):
            one = stage.identity(
                f"{suite.lower()}{''.join(options).replace('_', '-')}.openssl.test",
                rsa_key=None if "ECDSA" in suite else rsa,
            )
            security = ("-cipher", f"{suite}:@SECLEVEL=0", "-tls1_2", *options)
            stage.serve(one, openssl_server(one, stage, *security))
            if number % 3 == 1 and not options:
                limits = ("--ciphers", f"{suite}:@SECLEVEL=0", "--tls-max", "1.2", "--cert-status")
                stage.visit(curl(one, stage, *limits))
            else:
                stage.visit(openssl_client(one, stage, *security), stdin=request(one))
    with stage.recorded("gnutls"):
        for name, priority in GNUTLS12:
            one = stage.identity(f"{name}.gnutls.test", rsa_key=rsa if name.startswith("rsa-") else None)
            ciphers = "-CIPHER-ALL:-MAC-ALL:-KX-ALL"
            gnutls(stage, one, f"NORMAL:-VERS-ALL:+VERS-TLS1.2:{ciphers}:{priority}")


def tls13(stage: Stage) -> None:
    """TLS 1.3: OpenSSL with s_client and curl; GnuTLS with staples for leaf and intermediate."""
    with stage.recorded("openssl"):
        for suite in TLS13:
            for client in ("s-client", "curl"):
                one = stage.identity(f"{suite.lower().replace('_', '-')}.{client}.test")
                security = ("-ciphersuites", suite, "-tls1_3", "-cipher", "ALL:@SECLEVEL=0")
                stage.serve(one, openssl_server(one, stage, *security))
                if client == "curl":
                    limits = ("--tls13-ciphers", suite, "--ciphers", "ALL:@SECLEVEL=0")
                    stage.visit(curl(one, stage, "--tlsv1.3", *limits, "--cert-status"))
                else:
                    stage.visit(openssl_client(one, stage, *security), stdin=request(one))
    with stage.recorded("gnutls"):
        for cipher in GNUTLS13:
            one = stage.identity(f"{cipher.lower()}.gnutls.test")
            priority = f"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+{cipher}"
            gnutls(stage, one, priority, intermediate=True)


def gnutls(
    stage: Stage,
    identity: Identity,
    priority: str,
    *,
    intermediate: bool = False,
    server: tuple[str, ...] = (),
    client: tuple[str, ...] = (),
) -> None:
    """Let gnutls-cli visit gnutls-serv."""
    stage.serve(identity, gnutls_server(stage, identity, priority, *server, intermediate=intermediate))
    stage.visit(gnutls_client(stage, identity, priority, *client), stdin=request(identity))


def gnutls_server(
    stage: Stage, identity: Identity, priority: str, *options: str, intermediate: bool = False
) -> list[str]:
    """Return the command line of `gnutls-serv`."""
    chain = stage.directory / f"{identity.host}.chain.pem"
    chain.write_bytes(identity.certificate.read_bytes() + stage.authority.issuing.read_bytes())
    staples = [identity.staple, *((stage.issuing_staple(),) if intermediate else ())]
    return [
        *("gnutls-serv", "--port", "443", "--x509certfile", str(chain), "--x509keyfile", str(identity.key)),
        *(word for staple in staples for word in ("--ocsp-response", str(staple))),
        *("--priority", priority, "--http", "--quiet", *options),
    ]


def gnutls_client(stage: Stage, identity: Identity, priority: str, *options: str) -> list[str]:
    """Return the command line of `gnutls-cli`, which always asks for staples."""
    return [
        *("gnutls-cli", "--port", "443", "--sni-hostname", identity.host, "--verify-hostname"),
        *(identity.host, "--x509cafile", str(stage.authority.root), "--priority", priority, *options),
        identity.address,
    ]

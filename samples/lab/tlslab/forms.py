"""Handshakes that are not the usual ones, and hellos that hide the host name."""

from __future__ import annotations

from base64 import b64encode

from ocsplab.programs import run

from .stage import Stage, openssl_client, openssl_server, request, shell
from .suites import gnutls, gnutls_client, gnutls_server

TLS13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3"
METHODS = ("zlib", "brotli", "zstd")


def play(stage: Stage) -> None:
    """HelloRetryRequest, 0-RTT, resumption, client certificates, renegotiation, compressed certificates."""
    with stage.recorded("openssl"):
        _hello_retry_request(stage)
        _early_data(stage)
        _client_certificates(stage)
        _renegotiation(stage)
    with stage.recorded("gnutls"):
        for method in METHODS:
            one = stage.identity(f"compressed-by-{method}.forms.test")
            option = ("--compress-cert", method)
            gnutls(stage, one, TLS13, intermediate=True, server=option, client=option)
        one = stage.identity("resumed.forms.test")
        stage.serve(one, gnutls_server(stage, one, TLS13))
        stage.visit(gnutls_client(stage, one, TLS13, "--resume"), stdin=request(one))
        one, client = (
            stage.identity("asked-later.gnutls.forms.test"),
            stage.identity("client.gnutls.forms.test"),
        )
        server = ("--x509cafile", str(stage.authority.root), "--echo", "--disable-client-cert")
        command = [word for word in gnutls_server(stage, one, TLS13, *server) if word != "--http"]
        stage.serve(one, command)
        chain = stage.directory / "client.chain.pem"
        chain.write_bytes(client.certificate.read_bytes() + stage.authority.issuing.read_bytes())
        options = ("--post-handshake-auth", "--x509certfile", str(chain), "--x509keyfile", str(client.key))
        visit = gnutls_client(stage, one, TLS13, *options)
        stage.visit(shell("1", "one\\n", "1", "**REAUTH**\\n", "1", "two\\n", "1", command=visit))


def _hello_retry_request(stage: Stage) -> None:
    one = stage.identity("hello-retry-request.forms.test")
    stage.serve(one, openssl_server(one, stage, "-tls1_3", "-groups", "P-384"))
    stage.visit(openssl_client(one, stage, "-groups", "X25519:P-384"), stdin=request(one))


def _early_data(stage: Stage) -> None:
    one = stage.identity("early-data.forms.test")
    session, early = stage.directory / "session", stage.directory / "early"
    early.write_bytes(request(one))
    server = openssl_server(one, stage, "-tls1_3", "-early_data", page=False)
    stage.serve(one, shell("20", command=server))
    first = openssl_client(one, stage, "-tls1_3", "-sess_out", str(session), "-no_ign_eof")
    stage.visit(shell("1", "one\\n", "1", command=first))
    again = ("-sess_in", str(session), "-early_data", str(early), "-no_ign_eof")
    visit = openssl_client(one, stage, "-tls1_3", *again)
    stage.visit(shell("1", "two\\n", "1", command=visit))


def _client_certificates(stage: Stage) -> None:
    client = stage.identity("client.forms.test")
    own = ("-cert", str(client.certificate), "-key", str(client.key))
    chain = ("-cert_chain", str(stage.authority.issuing))
    trust = ("-CAfile", str(stage.authority.root))
    for version in ("1_2", "1_3"):
        one = stage.identity(f"client-certificate-tls{version.replace('_', '')}.forms.test")
        stage.serve(one, openssl_server(one, stage, f"-tls{version}", "-Verify", "3", *trust))
        stage.visit(openssl_client(one, stage, *own, *chain), stdin=request(one))
    one = stage.identity("asked-later.openssl.forms.test")
    plain = openssl_server(one, stage, "-tls1_3", *trust, page=False)
    server = [word for word in plain if word != "-quiet"]
    stage.serve(one, shell("3", "c\\n", "20", command=server))
    visit = openssl_client(one, stage, "-tls1_3", "-enable_pha", "-no_ign_eof", *own, *chain)
    stage.visit(shell("3", "one\\n", "1", "two\\n", "1", command=visit))


def _renegotiation(stage: Stage) -> None:
    one = stage.identity("renegotiation.forms.test")
    server = openssl_server(one, stage, "-tls1_2", "-client_renegotiation", page=False)
    stage.serve(one, shell("20", command=server))
    visit = [word for word in openssl_client(one, stage, "-tls1_2") if word != "-quiet"]
    stage.visit(shell("1", "one\\n", "1", "R\\n", "1", "two\\n", "1", command=visit))


def hidden_hellos(stage: Stage) -> None:
    """Encrypted Client Hello of NSS: a real one, refused, and the meaningless one sent for camouflage.

    The server is OpenSSL's, which knows nothing of it, so it answers the outer hello; it writes the key log.
    """
    public, camouflaged = stage.identity("public.hidden.test"), stage.identity("camouflaged.hidden.test")
    configuration = _ech_configuration(stage, public.host)
    with stage.recorded("nss"):
        for one, host, option in (
            (public, "secret.hidden.test", ("-N", configuration)),
            (camouflaged, camouflaged.host, ("-i", "100")),
        ):
            stage.serve(one, openssl_server(one, stage, "-tls1_3", "-keylogfile", str(stage.keys)))
            client = ["tstclnt", "-h", one.address, "-p", "443", "-a", host, "-D", "-o", "-T", *option]
            request_file = stage.directory / "request"
            request_file.write_bytes(request(one))
            stage.visit([*client, "-V", "tls1.3:tls1.3", "-A", str(request_file)], check=False)


def _ech_configuration(stage: Stage, public_name: str) -> str:
    """Return an ECHConfigList (RFC 9849 4) in base64, with an X25519 key that openssl made."""
    private, public = stage.directory / "ech.key", stage.directory / "ech.der"
    run(["openssl", "genpkey", "-algorithm", "X25519", "-out", str(private)])
    run(["openssl", "pkey", "-in", str(private), "-pubout", "-outform", "DER", "-out", str(public)])
    key = public.read_bytes()[-32:]
    name = public_name.encode()
    key_config = b"\x2a\x00\x20" + len(key).to_bytes(2, "big") + key + b"\x00\x04\x00\x01\x00\x01"
    contents = key_config + b"\x40" + len(name).to_bytes(1, "big") + name + b"\x00\x00"
    config = b"\xfe\x0d" + len(contents).to_bytes(2, "big") + contents
    return b64encode(len(config).to_bytes(2, "big") + config).decode()

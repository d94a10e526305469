"""The lab's own certificate hierarchy, made with openssl: root, issuing CA, OCSP signer, leaves."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .programs import run

Status = Literal["good", "revoked", "unknown"]

OCSP_URL = "http://ocsp.pki.test/"
ROOT_OCSP_URL = "http://ocsp-root.pki.test/"
CRL_URL = "http://crl.pki.test/issuing.crl"


@dataclass(frozen=True, slots=True)
class Leaf:
    """An origin's certificate and where it lies on disk."""

    host: str
    serial: str
    certificate: Path
    key: Path
    chain: Path


class Authority:
    """Root and issuing CA in one directory.

    The issuing CA keeps the index file from which `openssl ocsp` answers: a certificate that is not entered
    there is unknown to the responder.
    """

    def __init__(self, directory: Path, *, intermediate_ocsp: bool = False) -> None:
        self._directory = directory
        directory.mkdir(parents=True)
        self.root = directory / "root.pem"
        self.root_key = directory / "root.key"
        self.root_index = directory / "root-index.txt"
        self.issuing = directory / "issuing.pem"
        self.issuing_key = directory / "issuing.key"
        self.index = directory / "index.txt"
        self.signer = directory / "signer.pem"
        self.signer_key = directory / "signer.key"
        self.crl = directory / "issuing.crl"
        self._make_root()
        self._make_issuing(intermediate_ocsp)
        self._make_signer()

    def issue(
        self,
        host: str,
        *,
        status: Status = "good",
        ocsp_url: str | None = OCSP_URL,
        crl_url: str | None = None,
        must_staple: bool = False,
        days: int = 397,
        purpose: Literal["serverAuth", "clientAuth"] = "serverAuth",
    ) -> Leaf:
        """Issue a certificate for one host or client name and enter its status in the index."""
        serial = _serial()
        extensions = [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            f"extendedKeyUsage={purpose}",
            f"subjectAltName=DNS:{host}",
            "subjectKeyIdentifier=hash",
            "authorityKeyIdentifier=keyid",
        ]
        if ocsp_url is not None:
            extensions.append(f"authorityInfoAccess=OCSP;URI:{ocsp_url}")
        if crl_url is not None:
            extensions.append(f"crlDistributionPoints=URI:{crl_url}")
        if must_staple:
            extensions.append("tlsfeature=status_request")
        certificate, key = self._sign(host, f"/CN={host}", extensions, serial, days)
        if status != "unknown":
            self._enter(self.index, serial, f"/CN={host}", revoked=status == "revoked")
        chain = self._directory / f"{host}.chain.pem"
        chain.write_bytes(certificate.read_bytes() + self.issuing.read_bytes())
        return Leaf(host, serial, certificate, key, chain)

    def make_response(
        self,
        leaf: Leaf,
        path: Path,
        *,
        minutes: int | None = None,
        signer: tuple[Path, Path] | None = None,
    ) -> None:
        """Write a DER OCSP response for a leaf, good for four days or for so many minutes from now.

        `signer` is the certificate and key that sign it, where not the CA's own OCSP signer.
        """
        certificate, key = signer or (self.signer, self.signer_key)
        request = path.with_suffix(".request")
        run(
            [
                *("openssl", "ocsp", "-issuer", str(self.issuing), "-cert", str(leaf.certificate)),
                *("-no_nonce", "-reqout", str(request)),
            ]
        )
        validity = ["-ndays", "4"] if minutes is None else ["-nmin", str(minutes)]
        run(
            [
                *("openssl", "ocsp", "-index", str(self.index), "-CA", str(self.issuing)),
                *("-rsigner", str(certificate), "-rkey", str(key)),
                *("-reqin", str(request), "-respout", str(path), *validity),
            ]
        )
        request.unlink()

    def make_crl(self) -> None:
        """Write the issuing CA's revocation list, DER, good for seven days, from its index."""
        configuration = self._directory / "crl.cnf"
        configuration.write_text(
            f"[ca]\ndefault_ca=issuing\n[issuing]\ndatabase={self.index}\n"
            f"default_md=sha256\ndefault_crl_days=7\ncrlnumber={self._directory / 'crlnumber'}\n"
            "crl_extensions=crl_extensions\n[crl_extensions]\nauthorityKeyIdentifier=keyid\n"
        )
        (self._directory / "crlnumber").write_text("1000\n")
        text = self.crl.with_suffix(".crl.pem")
        run(
            [
                *("openssl", "ca", "-gencrl", "-config", str(configuration), "-cert", str(self.issuing)),
                *("-keyfile", str(self.issuing_key), "-out", str(text)),
            ]
        )
        run(["openssl", "crl", "-in", str(text), "-outform", "DER", "-out", str(self.crl)])

    def _make_root(self) -> None:
        make_self_signed(self.root, self.root_key, "/O=Lab Trust Services/CN=Lab Root CA")
        self.root_index.write_text("")

    def _make_issuing(self, ocsp: bool) -> None:
        extensions = [
            "basicConstraints=critical,CA:TRUE,pathlen:0",
            "keyUsage=critical,keyCertSign,cRLSign",
            "subjectKeyIdentifier=hash",
            "authorityKeyIdentifier=keyid",
        ]
        if ocsp:
            extensions.append(f"authorityInfoAccess=OCSP;URI:{ROOT_OCSP_URL}")
        serial = _serial()
        subject = "/O=Lab Trust Services/CN=Lab Issuing CA"
        self._sign("issuing", subject, extensions, serial, 1825, issuer=(self.root, self.root_key), rsa=True)
        self._enter(self.root_index, serial, subject, revoked=False)
        self.index.write_text("")
        (self._directory / "index.txt.attr").write_text("unique_subject = no\n")

    def _make_signer(self) -> None:
        extensions = [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            "extendedKeyUsage=OCSPSigning",
            "noCheck=yes",
            "subjectKeyIdentifier=hash",
            "authorityKeyIdentifier=keyid",
        ]
        self._sign("signer", "/O=Lab Trust Services/CN=Lab OCSP Signer", extensions, _serial(), 397)

    def _enter(self, index: Path, serial: str, subject: str, *, revoked: bool) -> None:
        if revoked:
            line = f"R\t490101000000Z\t260102030405Z,keyCompromise\t{serial}\tunknown\t{subject}\n"
        else:
            line = f"V\t490101000000Z\t\t{serial}\tunknown\t{subject}\n"
        with index.open("a") as file:
            file.write(line)

    def _sign(
        self,
        name: str,
        subject: str,
        extensions: list[str],
        serial: str,
        days: int,
        *,
        issuer: tuple[Path, Path] | None = None,
        rsa: bool = False,
    ) -> tuple[Path, Path]:
        ca, ca_key = issuer or (self.issuing, self.issuing_key)
        certificate, key = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        request, extension_file = self._directory / f"{name}.csr", self._directory / f"{name}.ext"
        extension_file.write_text("\n".join(extensions) + "\n")
        run(
            [
                *("openssl", "req", "-new", "-nodes", "-subj", subject, *_new_key(rsa)),
                *("-keyout", str(key), "-out", str(request)),
            ]
        )
        run(
            [
                *("openssl", "x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca_key)),
                *("-sha256", "-days", str(days), "-set_serial", f"0x{serial}"),
                *("-extfile", str(extension_file), "-out", str(certificate)),
            ]
        )
        return certificate, key


def make_self_signed(certificate: Path, key: Path, subject: str) -> None:
    """Make a self-signed RSA CA certificate, such as the interception CA of a proxy."""
    run(
        [
            *("openssl", "req", "-x509", "-nodes", "-subj", subject, *_new_key(True), "-sha256"),
            *("-days", "3650", "-set_serial", f"0x{_serial()}"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", str(key), "-out", str(certificate)),
        ]
    )


def make_bundle(path: Path, *certificates: Path) -> Path:
    """Write several PEM files into one."""
    with path.open("wb") as bundle:
        for certificate in certificates:
            with certificate.open("rb") as file:
                shutil.copyfileobj(file, bundle)
    return path


def _new_key(rsa: bool) -> list[str]:
    return ["-newkey", "rsa:2048"] if rsa else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]


def _serial() -> str:
    return f"{secrets.randbits(120) | 1 << 118:030X}"

"""A second reader of certificates, with ``asn1crypto``, for those that ``cryptography`` refuses."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import partial
from typing import Any

from ocsp_pcap.pki.model import Extensions, ParsedCertificate
from ocsp_pcap.pki.names import name_text, nanoseconds

_STATUS_REQUEST = (5, 17)


def read_leniently(certificate: ParsedCertificate, refusal: str) -> ParsedCertificate:
    """Fill in what asn1crypto can read of a certificate; never raises.

    ``refusal`` is why the first parser gave up: it becomes ``parse_error`` where this one cannot read
    the certificate either. Where it can read all of it ``parse_error`` stays None, where it can read
    some of it the parts that are missing are named.
    """
    from asn1crypto import x509

    problems: list[str] = []

    def attempt(part: str, read: Callable[[], Any], default: Any) -> Any:
        try:
            return read()
        except MemoryError:
            raise
        except Exception as error:  # asn1crypto raises ValueError, TypeError, KeyError, OverflowError...
            problems.append(f"{part}: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
            return default

    parsed = attempt("certificate", lambda: x509.Certificate.load(certificate.der), None)
    tbs = attempt("tbsCertificate", lambda: parsed["tbs_certificate"], None) if parsed is not None else None
    if tbs is None:
        return certificate._replace(parse_error=refusal)
    # asn1crypto parses lazily: the first access to a field may fail for all of them.
    subject_der = certificate.subject_der or attempt("subject", lambda: tbs["subject"].dump(), b"")
    issuer_der = certificate.issuer_der or attempt("issuer", lambda: tbs["issuer"].dump(), b"")
    if not subject_der and not issuer_der:
        return certificate._replace(parse_error=refusal)
    certificate = certificate._replace(
        subject_der=subject_der,
        issuer_der=issuer_der,
        subject=attempt("subject", lambda: name_text(subject_der), ""),
        issuer=attempt("issuer", lambda: name_text(issuer_der), ""),
        not_before=attempt("notBefore", lambda: nanoseconds(tbs["validity"]["not_before"].native), None),
        not_after=attempt("notAfter", lambda: nanoseconds(tbs["validity"]["not_after"].native), None),
        extensions=_extensions(tbs, attempt),
    )
    return certificate._replace(parse_error="; ".join(problems) or None)


def _extensions(tbs: Any, attempt: Callable[[str, Callable[[], Any], Any], Any]) -> Extensions:
    found: dict[str, Any] = {}
    extensions = attempt("extensions", lambda: [*tbs["extensions"]], [])
    for extension in extensions:
        identifier = attempt("extension", partial(_identifier, extension), "")
        if identifier in _READERS:
            read = attempt(f"extension {identifier}", partial(_read, extension, identifier), {})
            # A second extension of one type is forbidden (RFC 5280 4.2): the first one counts.
            found = {**read, **found}
    return Extensions(**found)


def _identifier(extension: Any) -> str:
    return str(extension["extn_id"].dotted)


def _read(extension: Any, identifier: str) -> dict[str, Any]:
    return _READERS[identifier](extension["extn_value"].parsed)


def _uri(name: Any) -> str | None:
    return name.native if name.name == "uniform_resource_identifier" else None


def _read_sans(value: Any) -> dict[str, Any]:
    names = [name.native for name in value if name.name == "dns_name"]
    octets = [name.chosen.contents for name in value if name.name == "ip_address"]
    addresses = [str(ipaddress.ip_address(address)) for address in octets if len(address) in (4, 16)]
    return {"sans": (*names, *addresses)}


def _read_aia(value: Any) -> dict[str, Any]:
    urls: dict[str, list[str]] = {"ocsp": [], "ca_issuers": []}
    for access in value:
        uri = _uri(access["access_location"])
        if uri is not None:
            urls.setdefault(access["access_method"].native, []).append(uri)
    return {"ocsp_urls": tuple(urls["ocsp"]), "ca_issuers_urls": tuple(urls["ca_issuers"])}


def _read_crl_points(value: Any) -> dict[str, Any]:
    urls: list[str] = []
    for point in value:
        if point["distribution_point"].name == "full_name":
            urls.extend(uri for name in point["distribution_point"].chosen if (uri := _uri(name)))
    return {"crl_urls": tuple(urls)}


def _read_tls_feature(value: Any) -> dict[str, Any]:
    return {"must_staple": any(int(feature) in _STATUS_REQUEST for feature in value)}


def _read_authority_key(value: Any) -> dict[str, Any]:
    identifier = value["key_identifier"].native
    return {"authority_key_id": identifier.hex() if identifier else None}


_READERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "2.5.29.17": _read_sans,
    "1.3.6.1.5.5.7.1.1": _read_aia,
    "2.5.29.31": _read_crl_points,
    "1.3.6.1.5.5.7.1.24": _read_tls_feature,
    "2.5.29.19": lambda value: {"is_ca": bool(value["ca"].native)},
    "2.5.29.14": lambda value: {"subject_key_id": value.native.hex()},
    "2.5.29.35": _read_authority_key,
    "1.3.6.1.5.5.7.48.1.5": lambda value: {"no_check": True},
    "2.5.29.37": lambda value: {"ocsp_signing": "ocsp_signing" in value.native},
}

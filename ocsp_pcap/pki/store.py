"""All distinct certificates of a run, and which of them issued which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.pki.cert_id import key_hash, name_hash
from ocsp_pcap.pki.der import DerError
from ocsp_pcap.pki.model import ParsedCertificate
from ocsp_pcap.pki.outline import CertificateOutline, outline_certificate


def issued_by(child: ParsedCertificate, issuer: ParsedCertificate) -> bool | None:
    """Tell whether ``issuer`` bears the name of the child's issuer and its key signed the child.

    None where the signature cannot be checked: an unknown algorithm, or parts that cannot be read.
    """
    return _same_name(child, issuer) and _signed(_outline(child), issuer)


def _outline(child: ParsedCertificate) -> CertificateOutline | None:
    try:
        return outline_certificate(child.der)
    except DerError:
        return None


def _signed(outline: CertificateOutline | None, issuer: ParsedCertificate) -> bool | None:
    """Tell whether the issuer's key signed the certificate with this outline; None: cannot be checked."""
    if outline is None or not issuer.key_info_der:
        return None
    from ocsp_pcap.pki.signature import verify_signature

    return verify_signature(
        issuer.key_info_der, outline.signature_algorithm_der, outline.signature, outline.tbs_der
    )


def _same_name(child: ParsedCertificate, issuer: ParsedCertificate) -> bool:
    if child.issuer_der == issuer.subject_der:
        return bool(child.issuer_der)
    # RFC 5280 7.1: names are equal across string types and letter case.
    return bool(child.issuer) and child.issuer.casefold() == issuer.subject.casefold()


class CertificateStore:
    """Parses each distinct certificate once and finds issuers by name, key identifier and signature."""

    def __init__(self, max_bytes: int | None = None) -> None:
        """``max_bytes``: remember only so many, as nobody looks for issuers; None: the bound."""
        self._max_bytes = max_bytes
        self._bytes = 0
        self._by_der: dict[bytes, ParsedCertificate] = {}
        self._by_subject: dict[bytes, list[ParsedCertificate]] = {}
        self._by_key_id: dict[str, list[ParsedCertificate]] = {}
        self._by_name_and_key_id: dict[tuple[bytes, str | None], list[ParsedCertificate]] = {}
        self._verified: dict[tuple[str, str], bool | None] = {}
        self._hashed: dict[str, tuple[int, dict[str, bytes]]] = {}
        self._keys: dict[tuple[str, bytes], tuple[int, dict[str | None, dict[bytes, ParsedCertificate]]]] = {}

    def __len__(self) -> int:
        return len(self._by_der)

    def __iter__(self) -> Iterator[ParsedCertificate]:
        return iter(self._by_der.values())

    def add(self, der: bytes) -> ParsedCertificate:
        """Return the certificate of these bytes, parsed when they are seen for the first time."""
        known = self._by_der.get(der)
        if known is not None:
            return known
        # cryptography takes a while to load, and many captures show no certificate.
        from ocsp_pcap.pki.certificate import parse_certificate

        certificate = parse_certificate(der)
        if self._bytes + len(der) > (self._max_bytes or BOUNDS.certificate_bytes):
            if self._max_bytes is None:
                reached("certificate_bytes")
            return certificate
        self._bytes += len(der)
        self._by_der[der] = certificate
        if certificate.subject_der:
            self._by_subject.setdefault(certificate.subject_der, []).append(certificate)
            key = certificate.subject_der, certificate.subject_key_id
            self._by_name_and_key_id.setdefault(key, []).append(certificate)
        if certificate.subject_key_id:
            self._by_key_id.setdefault(certificate.subject_key_id, []).append(certificate)
        return certificate

    def issuers_of(self, certificate: ParsedCertificate) -> Sequence[ParsedCertificate]:
        """Return what may have issued a certificate, the likeliest first; of too many one beyond the bound.

        Certificates of the issuer's name whose subjectKeyIdentifier is the authorityKeyIdentifier
        come first, then those that name no such identifier, then those with another one; last, those
        of that identifier whose name is encoded differently.
        """
        wanted = certificate.authority_key_id
        name = certificate.issuer_der
        named: Iterable[ParsedCertificate] = self._by_subject.get(name, ())
        if wanted is not None:
            # Not sorted: there may be thousands of one name, and as many that ask for their issuer.
            others = (each for each in named if _distance(each.subject_key_id, wanted) == 2)
            exact = self._by_name_and_key_id.get((name, wanted), ())
            named = chain(exact, self._by_name_and_key_id.get((name, None), ()), others)
        most = BOUNDS.issuers + 1
        candidates = list(islice(named, most))
        if wanted is not None and len(candidates) < most:
            candidates += [
                candidate
                for candidate in self._by_key_id.get(wanted, [])[:most]
                if candidate.subject_der != certificate.issuer_der and _same_name(certificate, candidate)
            ]
        return candidates[:most]

    def issuer(self, certificate: ParsedCertificate) -> ParsedCertificate | None:
        """Return a certificate of this store whose key signed the given one, None where there is none.

        A self-signed certificate is its own issuer. The answer may change from None as certificates
        are added. Where the authorityKeyIdentifier names keys of this store, those that bear another
        identifier are not tried (RFC 5280 4.2.1.1).
        """
        if certificate.own_signature and certificate.issuer_der:
            return certificate if certificate.der in self._by_der else None
        wanted = certificate.authority_key_id
        outline: CertificateOutline | None = None
        key_known = False
        for number, candidate in enumerate(self.issuers_of(certificate)):
            distance = 1 if wanted is None else _distance(candidate.subject_key_id, wanted)
            key_known = key_known or distance == 0
            if key_known and distance == 2:
                continue
            if number == BOUNDS.issuers:
                reached("issuers")
                break
            pair = (certificate.sha256, candidate.sha256)
            if candidate is certificate and certificate.subject_der == certificate.issuer_der:
                self._verified[pair] = certificate.own_signature
            elif pair not in self._verified:
                outline = outline or _outline(certificate)
                self._verified[pair] = _same_name(certificate, candidate) and _signed(outline, candidate)
            if self._verified[pair]:
                return candidate
        return None

    def issued_by(self, child: ParsedCertificate, issuer: ParsedCertificate) -> bool | None:
        """As :func:`issued_by`, each pair verified once."""
        pair = (child.sha256, issuer.sha256)
        if pair not in self._verified:
            self._verified[pair] = issued_by(child, issuer)
        return self._verified[pair]

    def authorities(
        self, hash_algorithm: str, issuer_name_hash: str, issuer_key_hash: str
    ) -> Sequence[ParsedCertificate]:
        """Return the certificates that a CertID means by its issuer; of several with one key, the first."""
        subject = self._named(hash_algorithm, issuer_name_hash)
        if subject is None:
            return ()
        named = self._by_subject[subject]
        seen, keys = self._keys.get((hash_algorithm, subject), (0, {}))
        if seen < len(named):
            for certificate in named[seen:]:
                same_hash = keys.setdefault(key_hash(certificate, hash_algorithm), {})
                same_hash.setdefault(certificate.key_info_der, certificate)
            self._keys[hash_algorithm, subject] = (len(named), keys)
        return tuple(keys.get(issuer_key_hash, {}).values())

    def _named(self, hash_algorithm: str, issuer_name_hash: str) -> bytes | None:
        """Return the name with this hash, DER-encoded, if a certificate has it."""
        seen, names = self._hashed.get(hash_algorithm, (0, {}))
        if seen < len(self._by_subject):
            # A dict keeps its order: only the names added since the last call are hashed.
            for number, subject in enumerate(self._by_subject):
                if number >= seen:
                    digest = name_hash(subject, hash_algorithm)
                    if digest is not None:
                        names[digest] = subject
            self._hashed[hash_algorithm] = (len(self._by_subject), names)
        return names.get(issuer_name_hash)


def _distance(subject_key_id: str | None, wanted: str) -> int:
    if subject_key_id == wanted:
        return 0
    return 1 if subject_key_id is None else 2

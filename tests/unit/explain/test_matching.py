"""Which certificate a CertID means."""

from __future__ import annotations

import pytest

from ocsp_pcap.explain.matching import Match, match_cert_id

from .facts_factory import cert_id, certificate, single

shop = certificate()


@pytest.mark.parametrize(
    ("subject", "match"),
    [
        (shop, Match.FULL),
        (certificate(issuer_known=False), Match.KEY_IDENTIFIER),
        (certificate(issuer_known=False, key_identifier=False), Match.NAME_AND_SERIAL),
    ],
)
def test_how_far_it_is_proven(subject: object, match: Match) -> None:
    assert match_cert_id(subject, cert_id(subject)) is match  # type: ignore[arg-type]
    assert match_cert_id(subject, single(subject)) is match  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        {"serial": "1"},
        {"issuer_name_hash": "00"},
        {"issuer_key_hash": "00"},
        {"hash_algorithm": "sha256"},
    ],
    ids=str,
)
def test_whatever_differs_means_another_certificate(other: dict[str, str]) -> None:
    assert match_cert_id(shop, cert_id(shop, **other)) is Match.NONE


def test_another_key_of_an_unseen_issuer_cannot_be_told() -> None:
    loose = certificate(issuer_known=False)
    assert match_cert_id(loose, cert_id(loose, issuer_key_hash="00")) is Match.NAME_AND_SERIAL


def test_a_certificate_without_serial_matches_nothing() -> None:
    unread = certificate(parse_error="no DER", issuer_name_hashes=())
    assert match_cert_id(unread, cert_id(unread)) is Match.NONE


def test_every_grade_says_what_agreed() -> None:
    assert len({match.proof for match in Match}) == len(Match)
    assert Match.FULL > Match.KEY_IDENTIFIER > Match.NAME_AND_SERIAL > Match.NONE

"""Expectation files, and whether an explanation meets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.expect import ExpectationError, Outcome, check, load_expectations

from .facts_factory import (
    CHILD,
    PARENT,
    PARENT_INSIDE,
    authority,
    certificate,
    exchange,
    facts,
    handshake,
    reissued,
    site,
)

shop, other, middle = certificate(), certificate("other.test"), authority("CN=Middle", self_signed=False)
SEEN = facts(
    shop,
    other,
    middle,
    reissued(),
    handshake("shop.test", reissued(), client=CHILD, server=PARENT_INSIDE, proxied=True),
    handshake("shop.test", shop, middle, time=0.1),
    handshake("other.test", other, time=1),
    exchange(shop, time=0.5),
)
EXPLAINED = explain(SEEN, Context(site=site(child={}, parent={})))


def held(directory: Path, text: str) -> Outcome:
    path = directory / "expect.toml"
    path.write_text("[[expect]]\n" + text, encoding="utf-8")
    (found,) = check(EXPLAINED, load_expectations(path))
    return found


@pytest.mark.parametrize(
    "text",
    [
        'host = "shop.test"\nrole = "parent"\npresence = "present"\ncause = "queried"\nstatus = "good"',
        'host = "SHOP.*"\nrole = "child"\ncause = "reissued-certificate"\nconfidence = "confirmed"',
        f'validator = "{PARENT}"\nhost = "other.test"\npresence = "absent"',
        f'sha256 = "{shop.sha256.upper()}"\ncause = "queried"',
        f'sha256 = "{middle.sha256}"\ncause = "no-ocsp-url"',
        'finding = "ocsp-at-egress"',
        'absent_finding = "ocsp-nowhere"',
    ],
)
def test_what_holds(tmp_path: Path, text: str) -> None:
    found = held(tmp_path, text)
    assert found.held
    assert found.reason
    assert found.evidence or "absent_finding" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('host = "shop.test"\nrole = "parent"\ncause = "cached"', "cause is queried, not cached"),
        ('host = "other.test"\nstatus = "good"', "status is not known, not good"),
        ('host = "*"\nrole = "parent"\ncause = "queried"', "1 of 2 verdicts differ"),
        ('finding = "ocsp-nowhere"', "the finding was not raised; raised were: "),
        ('absent_finding = "ocsp-at-egress"', "the finding was raised: OCSP is done where it belongs"),
        (
            'host = "else.test"\ncause = "queried"',
            "no verdict has a host like else.test; there are",
        ),
        ('role = "client"\ncause = "queried"', "selects nothing; the validators are child"),
        (f'sha256 = "{"0" * 64}"\ncause = "queried"', "selects nothing; the validators are"),
    ],
)
def test_what_does_not_hold(tmp_path: Path, text: str, words: str) -> None:
    found = held(tmp_path, text)
    assert not found.held
    assert words in found.reason


def test_a_host_means_its_own_certificate() -> None:
    """The intermediate came along with shop.test; its verdict is selected by its hash only."""
    assert any(v.chain_role == "intermediate" and v.host == "shop.test" for v in EXPLAINED.verdicts)


def test_an_empty_explanation_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "expect.toml"
    path.write_text('[[expect]]\ncause = "queried"')
    (found,) = check(explain(facts()), load_expectations(path))
    assert not found.held
    assert found.reason == "selects nothing: the captures show no certificate and no handshake"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("expect = ", "is no valid TOML"),
        ("", "holds no [[expect]] table, so there is nothing to check"),
        ("expect = []", "holds no [[expect]] table"),
        ("expect = 1", "holds no [[expect]] table"),
        ('[[expects]]\nhost = "a"', "unknown key 'expects'; the file consists of [[expect]] tables"),
        ("expect = [1]", "expectation 1 is no table"),
        (
            '[[expect]]\ncause = "queried"\n[[expect]]\nhots = "a"',
            "expectation 2: unknown key 'hots'",
        ),
        ("[[expect]]\nhost = 1", "host must be a string"),
        ('[[expect]]\ncause = "quried"', "cause = 'quried' is unknown; known are "),
        ('[[expect]]\ncause = "ocsp-nowhere"', "cause = 'ocsp-nowhere' is unknown"),
        ('[[expect]]\nfinding = "queried"', "finding = 'queried' is unknown; known are ocsp-on-wrong-proxy"),
        ('[[expect]]\nrole = "grandparent"\ncause = "cached"', "role = 'grandparent' is unknown"),
        ('[[expect]]\npresence = "there"', "presence = 'there' is unknown"),
        ('[[expect]]\nconfidence = "sure"', "confidence = 'sure' is unknown"),
        ('[[expect]]\nstatus = "bad"', "status = 'bad' is unknown"),
        ('[[expect]]\nsha256 = "abc"\ncause = "cached"', "sha256 must be 64 hex digits"),
        ('[[expect]]\nfinding = "ocsp-nowhere"\nhost = "a"', "finding stands alone, without other keys"),
        ('[[expect]]\nhost = "a"', "expects nothing; give one of presence, cause, status, confidence"),
    ],
)
def test_what_cannot_be_understood(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "expect.toml"
    path.write_text(text)
    with pytest.raises(ExpectationError) as caught:
        load_expectations(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ExpectationError, match="cannot be read: No such file"):
        load_expectations(tmp_path / "absent.toml")
    with pytest.raises(ExpectationError, match="cannot be read: Is a directory"):
        load_expectations(tmp_path)
    (tmp_path / "expect.toml").write_bytes(b"\xff")
    with pytest.raises(ExpectationError, match="is no valid TOML"):
        load_expectations(tmp_path / "expect.toml")

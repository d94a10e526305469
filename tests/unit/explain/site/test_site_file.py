"""Site files: what is read, and the sentence for everything that cannot be used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from ocsp_pcap.explain.site import Site, SiteError
from ocsp_pcap.explain.site.read import load_sites

SECOND = 10**9


def load(directory: Path, text: str) -> Site:
    path = directory / "site.toml"
    path.write_text(text, encoding="utf-8")
    return load_sites([str(path)])


def refusal(directory: Path, text: str) -> str:
    with pytest.raises(SiteError) as caught:
        load(directory, text)
    message = str(caught.value)
    assert message.startswith(str(directory / "site.toml"))
    return message.removeprefix(str(directory / "site.toml")).lstrip(": ")


@pytest.fixture(scope="module")
def authority() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Proxy CA")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=9))
    return builder.sign(key, hashes.SHA256())


def test_the_whole_file(tmp_path: Path, authority: x509.Certificate) -> None:
    (tmp_path / "ca.pem").write_bytes(authority.public_bytes(Encoding.PEM) * 2)
    (tmp_path / "ca.der").write_bytes(authority.public_bytes(Encoding.DER))
    text = """
        [proxies.child]
        addresses = ["10.77.1.20", "2001:DB8:0::1"]
        ocsp = true
        intercepts = true
        [proxies.parent]
        addresses = "10.77.1.30"
        ocsp = false
        ca = ["ca.pem", "ca.der"]
        cache_ttl = "1m"
        forwarding_host = "[2001:db8::9]:3128"
        crl_fallback = true
    """
    site = load(tmp_path, text)
    child, parent = site.proxies
    assert child.addresses == {"10.77.1.20", "2001:db8::1"}
    assert (child.ocsp, child.intercepts, child.cache_ttl, child.ca) == (True, True, None, ())
    assert (parent.ocsp, parent.intercepts, parent.crl_fallback) == (False, None, True)
    assert parent.cache_ttl == 60 * SECOND
    assert parent.forwarding_host == "2001:db8::9:3128"
    digest = sha256(authority.public_bytes(Encoding.DER)).hexdigest()
    assert [ca.sha256 for ca in parent.ca] == [digest] * 3
    assert site.proxy("parent") is parent
    assert site.proxy_at("2001:db8::1") is child
    assert site.proxy_at("192.0.2.1") is None
    assert site.proxy("client") is None


def test_everything_is_optional(tmp_path: Path) -> None:
    assert load(tmp_path, "").proxies == ()
    (child,) = load(tmp_path, "[proxies.child]").proxies
    assert child.ocsp is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ('"90"', 90),
        ("90", 90),
        ("0", 0),
        ('"1.5h"', 5400),
        ('"500ms"', 0.5),
        ('"2d"', 172800),
        ('" 1 w "', 604800),
    ],
)
def test_durations(tmp_path: Path, value: str, seconds: float) -> None:
    assert load(tmp_path, f"[proxies.child]\ncache_ttl = {value}").proxies[0].cache_ttl == seconds * SECOND


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = ", "is no valid TOML"),
        ("[proxy.child]", "unknown table [proxy]; the site file has [proxies.child] and [proxies.parent]"),
        ("proxies = 3", "proxies must be tables"),
        ("[proxies.grandparent]", "unknown proxy 'grandparent'; known are child and parent"),
        ("[proxies]\nchild = 1", "[proxies.child] must be a table"),
        ("[proxies.child]\nocps = true", "[proxies.child]: unknown key 'ocps'; known are addresses, "),
        ("[proxies.child]\naddresses = [1]", "addresses must be a list of strings"),
        ("[proxies.child]\naddresses = 1", "addresses must be a list of strings"),
        ('[proxies.child]\naddresses = ["10.0.0"]', "'10.0.0' is no IP address"),
        ('[proxies.child]\nocsp = "yes"', "ocsp must be true or false, not 'yes'"),
        ("[proxies.child]\nintercepts = 1", "intercepts must be true or false, not 1"),
        ('[proxies.child]\ncache_ttl = "soon"', "cache_ttl must be a duration such as"),
        ("[proxies.child]\ncache_ttl = -1", "cache_ttl must be a duration such as"),
        ("[proxies.child]\ncache_ttl = true", "cache_ttl must be a duration such as"),
        ('[proxies.child]\nforwarding_host = "10.1.1.9"', 'forwarding_host must be "address:port"'),
        ('[proxies.child]\nforwarding_host = "10.1.1.9:99999"', 'forwarding_host must be "address:port"'),
        ("[proxies.child]\nforwarding_host = 3128", 'forwarding_host must be "address:port"'),
        ('[proxies.child]\nca = ["absent.pem"]', "cannot be read: No such file or directory"),
        ('[proxies.child]\nca = ["site.toml"]', "holds no certificate"),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    assert words in refusal(tmp_path, text)


def test_a_ca_file_that_only_looks_like_pem(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert "holds no certificate" in refusal(tmp_path, '[proxies.parent]\nca = ["ca.pem"]')


def test_an_address_given_twice(tmp_path: Path) -> None:
    text = '[proxies.child]\naddresses = ["10.1.1.1"]\n[proxies.parent]\naddresses = ["10.1.1.1"]'
    assert refusal(tmp_path, text) == "10.1.1.1 is given to both child and parent"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="cannot be read: No such file"):
        load_sites([str(tmp_path / "absent.toml")])
    with pytest.raises(SiteError, match="cannot be read: Is a directory"):
        load_sites([str(tmp_path)])
    (tmp_path / "site.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SiteError, match="is no valid TOML"):
        load_sites([str(tmp_path / "site.toml")])


def test_every_value_tells_its_line(tmp_path: Path) -> None:
    text = '# proxies\n[proxies.child]\nocsp = true\n\n[proxies.parent]\nissuers = ["CN=A"]\nocsp = false\n'
    child, parent = load(tmp_path, text).proxies
    source = parent.source("ocsp")
    assert source is not None
    assert (source.path, source.line, source.kind, source.firm) == (
        str(tmp_path / "site.toml"),
        7,
        "toml",
        True,
    )
    assert source.text == "[proxies.parent] ocsp = false"
    assert (child.source("ocsp") or source).line == 3
    assert child.source("intercepts") is None
    (inline,) = load(tmp_path, "proxies = { parent = { ocsp = true } }").proxies
    assert (inline.source("ocsp") or source).line is None


def test_what_is_said_of_a_product(tmp_path: Path) -> None:
    text = """
        [proxies.parent]
        product = "ProxySG"
        issuers = ["CN=Corp CA", "O=Other"]
        responder_url = "http://ocsp.corp.test/"
        validates_tunnels = true
    """
    (parent,) = load(tmp_path, text).proxies
    assert (parent.product, parent.responder_url) == ("proxysg", "http://ocsp.corp.test/")
    assert (parent.issuers, parent.validates_tunnels) == (("CN=Corp CA", "O=Other"), True)
    assert "product must be a name" in refusal(tmp_path, "[proxies.parent]\nproduct = 1")
    assert "issuers must be names" in refusal(tmp_path, '[proxies.parent]\nissuers = [""]')
    assert "responder_url must be" in refusal(tmp_path, '[proxies.parent]\nresponder_url = "ftp://a"')


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a = " + "[" * 100_000, "nested too deep"),
        ("a = " + "9" * 5000, "a number that is too long"),
        ("[proxies.parent]\ncache_ttl = " + "9" * 4000, "cache_ttl must be a duration"),
        (f'[proxies.parent]\ncache_ttl = "{"9" * 400}"', "cache_ttl must be a duration"),
        ("[proxies.parent]\nocsp = " + "[" * 200 + "]" * 200, "ocsp must be true or false"),
        ("[proxies.parent]\nocsp" + ".a" * 3000 + " = 1", "ocsp must be true or false"),
        ("#" * (2 << 20), "at most 1,048,576 bytes of a site file"),
    ],
)
def test_what_would_exhaust_a_reader_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    message = refusal(tmp_path, text)
    assert sentence in message
    assert len(message) < 300

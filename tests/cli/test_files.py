"""Site files, expectations, traces, keys and roles that are not what they should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from .program import CHILD, DIRECT, EXPECT, PARENT, SITE, refused, run


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            '[proxies.child]\nadress = ["10.0.0.1"]\n',
            ("[proxies.child]", "unknown key 'adress'", "addresses"),
        ),
        ('[proxies.child]\naddresses = ["10.0.0.300"]\n', ("'10.0.0.300' is no IP address",)),
        ('[proxies.parent]\nca = ["missing.pem"]\n', ("missing.pem", "cannot be read")),
        ('[proxies.parent]\nca = ["site.toml"]\n', ("site.toml", "holds no certificate")),
        ("[proxies.uncle]\nocsp = true\n", ("unknown proxy 'uncle'", "child and parent")),
        ('[proxies.child]\nocsp = "yes"\n', ("ocsp must be true or false",)),
        ('[proxies.child]\ncache_ttl = "soon"\n', ("cache_ttl must be a duration", "'soon'")),
        ('[proxies.child]\nforwarding_host = "nowhere"\n', ("forwarding_host", "'nowhere'")),
        ("[proxies]\nchild = 1\n", ("[proxies.child]", "table")),
        ("[proxys.child]\n", ("unknown table [proxys]",)),
        ("addresses = [\n", ("is no valid TOML",)),
    ],
)
def test_site_files(content: str, words: tuple[str, ...], tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(content)
    refused(run("explain", DIRECT, "--site", site), "site.toml", *words)


def test_a_site_file_that_is_not_there(tmp_path: Path) -> None:
    refused(run("explain", DIRECT, "--site", tmp_path / "site.toml"), "site.toml: cannot be read")
    refused(run("explain", DIRECT, "--site", tmp_path), "cannot be read")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[[expect]]\nhost = "*"\ncuase = "queried"\n', ("expectation 1", "unknown key 'cuase'")),
        ('[[expect]]\ncause = "asked"\n', ("'asked' is unknown", "queried")),
        ('[[expect]]\nhost = "*"\n', ("expects nothing",)),
        ('[[expect]]\nfinding = "ocsp-nowhere"\nhost = "*"\n', ("stands alone",)),
        ('[[expect]]\nsha256 = "12"\ncause = "queried"\n', ("64 hex digits",)),
        ("[[expect]]\ncause = 1\n", ("must be a string",)),
        ("expect = 1\n", ("holds no [[expect]] table",)),
        ("", ("holds no [[expect]] table",)),
        ("[[expected]]\n", ("unknown key 'expected'",)),
        ("cause: queried\n", ("is no valid TOML",)),
    ],
)
def test_expectation_files(content: str, words: tuple[str, ...], tmp_path: Path) -> None:
    expect = tmp_path / "expect.toml"
    expect.write_text(content)
    refused(run("check", DIRECT, "--expect", expect), "expect.toml", *words)


def test_binary_where_text_is_expected() -> None:
    refused(run("check", DIRECT, "--expect", DIRECT), "is no valid TOML")
    refused(run("explain", DIRECT, "--site", DIRECT), "is neither a site file (TOML) nor")
    refused(run("explain", DIRECT, "--rsa-key", DIRECT), "private key")
    refused(run("explain", DIRECT, "--policy-trace", DIRECT), "is no policy trace")


def test_expectations_are_needed() -> None:
    result = run("check", DIRECT)
    assert (result.status, result.out) == (2, "")
    assert "--expect" in result.err


@pytest.mark.parametrize("option", ["--policy-trace", "--keylog", "--rsa-key"])
def test_files_that_are_not_there(option: str, tmp_path: Path) -> None:
    refused(run("explain", DIRECT, option, tmp_path / "missing"), "missing: cannot be read")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"these are no keys\nnone at all\n", "holds no keys; 2 lines are not of the NSS key log format"),
        (DIRECT.read_bytes(), "holds no keys"),
        (b"", "holds no keys"),
        (b"CLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 48 + b"\n", "of another time or another host"),
    ],
    ids=["text", "binary", "empty", "foreign"],
)
def test_a_key_log_that_opens_nothing(content: bytes, words: str, tmp_path: Path) -> None:
    """The capture is explained without it; the warning says why it was of no use."""
    keys = tmp_path / "some.keys"
    keys.write_bytes(content)
    result = run("explain", DIRECT, "--keylog", keys)
    assert result.status == 0
    assert "queried" in result.out
    assert result.err.startswith(f"ocsp-pcap: warning: {keys}: ")
    assert words in result.err


@pytest.mark.parametrize("site", [(), ("--site", SITE)], ids=["bare", "site"])
def test_child_and_parent_swapped(site: tuple[str | Path, ...]) -> None:
    """It is told from the traffic, said, and mended: the verdicts are those of the right order."""
    right = run("explain", "--child", CHILD, "--parent", PARENT, *site)
    swapped = run("explain", "--child", PARENT, "--parent", CHILD, *site)
    assert right.status == swapped.status == 0
    assert right.err == ""
    assert len(swapped.err.splitlines()) == 1
    assert swapped.err.startswith("ocsp-pcap: warning: ")
    assert "--child and --parent look swapped" in swapped.err
    expected = run("check", "--child", PARENT, "--parent", CHILD, *site, "--expect", EXPECT)
    assert expected.status == (
        0 if site else run("check", "--child", CHILD, "--parent", PARENT, "--expect", EXPECT).status
    )


def test_one_capture_as_child_and_parent(tmp_path: Path) -> None:
    link = tmp_path / "link.pcap"
    link.symlink_to(CHILD)
    refused(run("explain", "--child", CHILD, "--parent", CHILD), "both as --child and as --parent")
    refused(run("explain", "--child", CHILD, "--parent", link), "both as --child and as --parent")

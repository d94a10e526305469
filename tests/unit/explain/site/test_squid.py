"""squid.conf: interception, what checks certificates, and what it includes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap import bounds
from ocsp_pcap.explain.site.reading import Reading
from ocsp_pcap.explain.site.squid import looks_like_squid, read_squid

PORT = "http_port 10.0.0.1:3128 ssl-bump tls-cert=ca.pem generate-host-certificates=on\n"
STEPS = "acl step1 at_step SslBump1\nacl step2 at_step SslBump2\nacl bank ssl::server_name .bank.test\n"


def read(text: str, folder: Path = Path("/nowhere")) -> Reading:
    return read_squid(folder / "squid.conf", text)


@pytest.mark.parametrize(
    ("rules", "intercepts"),
    [
        ("ssl_bump peek step1\nssl_bump bump all", True),
        ("ssl_bump stare all", True),
        ("ssl_bump server-first all", True),
        ("ssl_bump bump all", True),
        ("ssl_bump terminate bank\nssl_bump bump all", True),
        ("ssl_bump splice all", False),
        ("ssl_bump peek all", False),
        ("ssl_bump peek all\nssl_bump bump all", False),
        ("ssl_bump none all", False),
        ("", False),
        ("ssl_bump peek step1\nssl_bump splice bank\nssl_bump bump all", None),
        ("ssl_bump peek step1\nssl_bump bump bank", None),
        ("ssl_bump bump !bank\nssl_bump splice all", None),
        ("ssl_bump peek step1\nssl_bump stare step2\nssl_bump bump all", True),
        ("ssl_bump peek step1\nssl_bump peek step2\nssl_bump bump all", False),
        ("ssl_bump bump !step1", False),
    ],
)
def test_what_becomes_of_a_connection(rules: str, intercepts: bool | None) -> None:
    assert read(PORT + STEPS + rules).values.get("intercepts") is intercepts


def test_a_port_without_ssl_bump_only_tunnels() -> None:
    reading = read("http_port 3128\nhttp_access allow all\n")
    assert reading.values["intercepts"] is False
    assert dict(reading.sources)["intercepts"].line == 1
    assert "addresses" not in reading.values


def test_two_kinds_of_ports_leave_it_open() -> None:
    assert "intercepts" not in read(f"{PORT}http_port 3129\nssl_bump bump all").values


def test_squid_itself_asks_nobody() -> None:
    reading = read(PORT + "ssl_bump bump all")
    assert reading.values["ocsp"] is False
    assert dict(reading.sources)["ocsp"].firm


def test_a_helper_that_checks_certificates_is_a_sign_of_ocsp() -> None:
    reading = read(f"{PORT}sslcrtvalidator_program ttl=1 /usr/bin/validator")
    assert reading.values["ocsp"] is True
    source = dict(reading.sources)["ocsp"]
    assert (source.line, source.kind, source.firm) == (2, "squid", False)


def test_addresses_and_the_way_on() -> None:
    reading = read(
        "http_port [2001:db8::1]:3128\nhttps_port 0.0.0.0:443\n"
        "http_port 127.0.0.1:9\nhttp_port inside.test:8\n"
        "tcp_outgoing_address 192.0.2.7\n"
        "cache_peer 10.0.0.9 parent 3128 0 no-query default\nnever_direct allow all\n"
    )
    assert reading.values["addresses"] == {"2001:db8::1", "192.0.2.7"}
    assert reading.goes_through == "10.0.0.9:3128"
    assert [line.text for line in reading.unread] == ["http_port inside.test:8"]


def test_lines_that_go_on_comments_and_quotes() -> None:
    reading = read('http_port \\\n  10.0.0.1:3128 # inner\n# ssl_bump bump all\nacl a src "10.0.0.0/8"\n')
    assert reading.values["addresses"] == {"10.0.0.1"}
    assert dict(reading.sources)["addresses"].line == 1


def test_conditions() -> None:
    reading = read("if 1 = 2\nhttp_port 10.0.0.1:1\nelse\nhttp_port 10.0.0.2:1\nendif\n")
    assert reading.values["addresses"] == {"10.0.0.2"}
    open_condition = read("if ${process_number} = 1\nhttp_port 10.0.0.1:1\nendif\nhttp_port 10.0.0.2:1\n")
    assert open_condition.values["addresses"] == {"10.0.0.2"}
    assert "ocsp" not in open_condition.values
    assert "is not known here" in open_condition.problems[0]


def test_includes_of_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.conf").write_text("http_port 10.0.0.1:3128\n")
    reading = read("include /etc/squid/conf.d/*.conf\n", tmp_path)
    assert reading.values["addresses"] == {"10.0.0.1"}
    assert dict(reading.sources)["addresses"].path == str(tmp_path / "conf.d" / "a.conf")
    assert reading.complete


def test_nothing_outside_the_folder_is_opened(tmp_path: Path) -> None:
    outside = tmp_path / "outside.conf"
    outside.write_text("http_port 10.0.0.1:3128\n")
    folder = tmp_path / "squid"
    folder.mkdir()
    (folder / "link.conf").symlink_to(outside)
    for name in (str(outside), "../outside.conf", "link.conf", "absent.conf", "/etc/passwd"):
        reading = read(f"include {name}\nhttp_port 10.0.0.2:3128\n", folder)
        assert reading.values["addresses"] == {"10.0.0.2"}
        assert "is not in the folder of the configuration" in reading.problems[0]
        assert "intercepts" not in reading.values


def test_a_file_that_includes_itself(tmp_path: Path) -> None:
    (tmp_path / "squid.conf").write_text("include squid.conf\nhttp_port 10.0.0.1:1\n")
    reading = read((tmp_path / "squid.conf").read_text(), tmp_path)
    assert "again and again" in reading.problems[0]
    assert reading.values["addresses"] == {"10.0.0.1"}


def test_more_files_than_are_read_are_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.conf").write_text("http_port 10.0.0.1:1\n")
    assert read("include *.conf\n", tmp_path).complete
    bounds.adjust({"configuration_files": 2})
    try:
        (problem,) = read("include *.conf\n", tmp_path).problems
    finally:
        bounds.set_to({})
    assert "a bound of this program was reached: at most 2 files that a configuration includes" in problem


def test_recognition() -> None:
    assert looks_like_squid("http_port 3128\nhttp_access allow all\n")
    assert not looks_like_squid("http_port 3128\n")
    assert not looks_like_squid("[proxies.child]\nocsp = true\n")


@given(st.text())
def test_no_text_raises(text: str) -> None:
    read(text)
    read(f"ssl_bump {text}\nacl a {text}\nhttp_port {text}\ncache_peer {text}\nif {text}\n")


def test_a_pattern_without_its_folder_means_no_file(tmp_path: Path) -> None:
    (tmp_path / "other.conf").write_text("sslcrtvalidator_program /usr/bin/checker\n")
    reading = read(
        "http_port 10.0.0.1:3128\nhttp_access allow all\ninclude /etc/squid/conf.d/*.conf\n", tmp_path
    )
    assert "ocsp" not in reading.values
    assert len(reading.problems) == 1
    assert "/etc/squid/conf.d/*.conf, is not in the folder of the configuration" in reading.problems[0]
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "tls.conf").write_text("sslcrtvalidator_program /usr/bin/checker\n")
    assert read("http_port 1\ninclude /etc/squid/conf.d/*.conf\n", tmp_path).values["ocsp"] is True


def test_which_hosts_a_rule_is_about_is_shown() -> None:
    reading = read(PORT + STEPS + "ssl_bump peek step1\nssl_bump splice bank\nssl_bump bump all\n")
    assert "acl bank ssl::server_name .bank.test" in [line.text for line in reading.seen]


def test_directives_that_are_not_read_are_listed_once() -> None:
    reading = read(f"{PORT}http_access allow all\nhttp_access deny all\nrefresh_pattern . 0 20% 4320\n")
    assert [(line.number, line.text) for line in reading.unread] == [
        (2, "http_access allow all"),
        (4, "refresh_pattern . 0 20% 4320"),
    ]

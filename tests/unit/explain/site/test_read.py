"""Several files into one site."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ocsp_pcap.explain.site import Proxy, SiteError
from ocsp_pcap.explain.site.read import form_of, load_sites, merged, read_files
from ocsp_pcap.explain.site.write import site_toml
from tests.conftest import SAMPLES

PARENT_CA = SAMPLES / "ocsp-at-parent" / "parent-ca.pem"
CHILD = (
    "http_port 10.1.0.20:3128\nhttp_access allow all\n"
    "cache_peer {parent} parent 3128 0 default\nnever_direct allow all\n"
)
PARENT = "http_port 10.2.0.30:3128\nhttp_access allow all\n"


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_who_goes_through_whom_tells_the_roles(tmp_path: Path) -> None:
    child = write(tmp_path, "a.conf", CHILD.format(parent="10.2.0.30"))
    parent = write(tmp_path, "b.conf", PARENT)
    site = load_sites([parent, child])
    assert {proxy.role: proxy.addresses for proxy in site.proxies} == {
        "child": {"10.1.0.20"},
        "parent": {"10.2.0.30"},
    }
    assert any("another configuration sends everything to it" in note for note in site.notes)


def test_addresses_of_the_site_file_tell_the_role(tmp_path: Path) -> None:
    toml = write(tmp_path, "site.toml", '[proxies.child]\naddresses = ["10.2.0.30"]\n')
    site = load_sites([toml, write(tmp_path, "b.conf", PARENT)])
    (child,) = site.proxies
    assert (child.role, child.product, child.ocsp) == ("child", "squid", False)
    source = child.source("ocsp")
    assert source is not None
    assert source.kind == "squid"


def test_the_user_says_whose_it_is(tmp_path: Path) -> None:
    (proxy,) = load_sites([f"child={write(tmp_path, 'b.conf', PARENT)}"]).proxies
    assert proxy.role == "child"


def test_two_that_look_alike_need_names(tmp_path: Path) -> None:
    files = [
        write(tmp_path, "a.conf", PARENT),
        write(tmp_path, "b.conf", "http_port 10.3.0.1:1\nhttp_access deny all\n"),
    ]
    with pytest.raises(SiteError, match="with child=FILE and parent=FILE"):
        load_sites(files)


def test_files_that_disagree(tmp_path: Path) -> None:
    toml = write(tmp_path, "site.toml", "[proxies.parent]\nocsp = true\n")
    site = load_sites([f"parent={write(tmp_path, 'b.conf', PARENT)}", toml])
    (parent,) = site.proxies
    assert parent.ocsp is True
    assert parent.disputed == ("ocsp",)
    assert any("the first counts" in note for note in site.notes)
    assert parent.product == "squid"


def test_several_site_files(tmp_path: Path) -> None:
    first = write(tmp_path, "a.toml", "[proxies.parent]\nocsp = true\n")
    second = write(tmp_path, "b.toml", "[proxies.parent]\nintercepts = true\n[proxies.child]\n")
    site = load_sites([first, second])
    assert [proxy.role for proxy in site.proxies] == ["child", "parent"]
    parent = site.proxy("parent")
    assert parent is not None
    assert (parent.ocsp, parent.intercepts) == (True, True)
    clash = write(tmp_path, "c.toml", '[proxies.parent]\naddresses = ["10.0.0.1"]\n')
    other = write(tmp_path, "d.toml", '[proxies.child]\naddresses = ["10.0.0.1"]\n')
    with pytest.raises(SiteError, match="is given to both"):
        load_sites([clash, other])


@pytest.mark.parametrize("text", ["", "# nothing\n", "[proxies.child]\n", "proxies = {}\n", "a = 1\n"])
def test_a_site_file(text: str) -> None:
    assert form_of(text, Path("x")) == "toml"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.txt", "hello\n", "is neither a site file"),
        ("x.toml", "hello\n", "is no valid TOML"),
        (
            "x.conf",
            "config vpn certificate setting\nltm pool a {\nhttp_port 1\nhttp_access a\n",
            "several products",
        ),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    with pytest.raises(SiteError, match=sentence):
        load_sites([write(tmp_path, name, content)])


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="cannot be read: No such file"):
        load_sites([tmp_path / "absent"])
    with pytest.raises(SiteError, match="cannot be read: Is a directory"):
        load_sites([tmp_path])
    with pytest.raises(SiteError, match="give it without child="):
        load_sites([f"child={write(tmp_path, 'site.toml', '[proxies.child]')}"])


def test_what_is_printed_can_be_read_again(tmp_path: Path) -> None:
    toml = write(
        tmp_path,
        "site.toml",
        '[proxies.child]\naddresses = ["10.0.0.9"]\ncache_ttl = "90s"\n'
        'issuers = ["CN=\\"A\\\\ \\u0007", "O=B"]\n'
        'forwarding_host = "10.1.1.9:3128"\nresponder_url = "http://o.test/"\nvalidates_tunnels = false\n',
    )
    conf = write(tmp_path, "b.conf", PARENT + "tls_outgoing_options options=\x1b[31mred\n")
    sites, readings = read_files([toml, f"parent={conf}"])
    site = merged(sites, readings)
    text = site_toml(site, readings)
    assert "\x1b" not in text
    assert f"# {conf}:1: no ssl-bump: http_port 10.2.0.30:3128" in text.splitlines()
    again = load_sites([write(tmp_path, "again.toml", text)])
    assert [replace(proxy, sources=()) for proxy in again.proxies] == [
        replace(proxy, sources=(), disputed=()) for proxy in site.proxies
    ]
    assert [proxy.concluded for proxy in again.proxies] == [proxy.concluded for proxy in site.proxies]


def told_and_printed(tmp_path: Path, *files: str) -> tuple[Proxy, Proxy, str]:
    """The only proxy of the files, that of what is printed, and the text."""
    sites, readings = read_files(files)
    (told,) = (site := merged(sites, readings)).proxies
    text = site_toml(site, readings)
    (again,) = load_sites([write(tmp_path, "again.toml", text)]).proxies
    return told, again, text


def test_a_conclusion_stays_one_when_it_is_printed(tmp_path: Path) -> None:
    checked = PARENT + "sslcrtvalidator_program /usr/bin/checker\n"
    told, again, text = told_and_printed(tmp_path, f"parent={write(tmp_path, 'b.conf', checked)}")
    assert (told.ocsp, told.concluded, told.more_addresses) == (True, ("ocsp",), True)
    assert (again.ocsp, again.concluded, again.more_addresses) == (True, ("ocsp",), True)
    assert 'concluded = ["ocsp"]' in text.splitlines()


def test_each_address_is_printed_with_its_line(tmp_path: Path) -> None:
    conf = write(tmp_path, "b.conf", PARENT + "tcp_outgoing_address 10.3.0.30\n")
    told, again, text = told_and_printed(tmp_path, f"parent={conf}")
    assert again.addresses == told.addresses == {"10.2.0.30", "10.3.0.30"}
    lines = text.splitlines()
    place = lines.index('addresses = ["10.2.0.30", "10.3.0.30"]')
    assert set(lines[place - 2 : place]) == {
        f"# {conf}:1: http_port 10.2.0.30:3128",
        f"# {conf}:3: tcp_outgoing_address 10.3.0.30",
    }


def test_our_own_file_names_all_addresses_unless_it_says_otherwise(tmp_path: Path) -> None:
    toml = '[proxies.parent]\naddresses = ["10.2.0.30"]\n'
    conf = f"parent={write(tmp_path, 'b.conf', PARENT)}"
    (proxy,) = load_sites([write(tmp_path, "a.toml", toml), conf]).proxies
    assert not proxy.more_addresses
    (proxy,) = load_sites([write(tmp_path, "a.toml", toml + "more_addresses = true\n"), conf]).proxies
    assert proxy.more_addresses


def test_a_forwarding_host_with_an_ipv6_address_is_printed_as_it_is_read(tmp_path: Path) -> None:
    toml = write(tmp_path, "site.toml", '[proxies.child]\nforwarding_host = "[2001:db8::1]:3128"\n')
    told, again, _ = told_and_printed(tmp_path, toml)
    assert again.forwarding_host == told.forwarding_host == "2001:db8::1:3128"


def test_a_certificate_without_a_file_of_its_own_is_printed_whole(tmp_path: Path) -> None:
    pem = PARENT_CA.read_text()
    toml = write(tmp_path, "site.toml", f'[proxies.parent]\nca = ["""\n{pem}"""]\n')
    told, again, text = told_and_printed(tmp_path, toml)
    assert told.ca == again.ca
    assert pem.strip() in text
    (tmp_path / "ca.pem").write_text(pem)
    told, again, text = told_and_printed(
        tmp_path, write(tmp_path, "b.toml", '[proxies.parent]\nca = "ca.pem"')
    )
    assert [one.sha256 for one in told.ca] == [one.sha256 for one in again.ca]
    assert f'ca = ["{(tmp_path / "ca.pem").resolve()}"]' in text


def test_a_conclusion_is_about_a_key_that_is_there(tmp_path: Path) -> None:
    toml = write(tmp_path, "site.toml", '[proxies.parent]\nconcluded = ["ocsp"]\n')
    with pytest.raises(SiteError, match="concluded names 'ocsp', which is no key that stands there"):
        load_sites([toml])


def test_where_a_proxy_listens_its_queries_need_not_leave(tmp_path: Path) -> None:
    conf = write(tmp_path, "b.conf", PARENT + "tcp_outgoing_address 10.3.0.30\n")
    told, again, text = told_and_printed(tmp_path, f"parent={conf}")
    assert told.addresses == again.addresses == {"10.2.0.30", "10.3.0.30"}
    assert told.listens == again.listens == {"10.2.0.30"}
    assert 'listens = ["10.2.0.30"]' in text.splitlines()
    same = write(tmp_path, "c.conf", PARENT + "tcp_outgoing_address 10.2.0.30\n")
    (proxy,) = load_sites([f"parent={same}"]).proxies
    assert proxy.listens == frozenset()
    toml = write(tmp_path, "a.toml", '[proxies.parent]\naddresses = ["10.2.0.30"]\n')
    (proxy,) = load_sites([toml, f"parent={conf}"]).proxies
    assert proxy.listens == frozenset()

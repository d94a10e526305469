"""FortiOS configurations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.explain.site.fortios import looks_like_fortios, read_fortios

WHOLE = """#config-version=FGT60F-7.4.1-FW-build2463
config system interface
    edit "port1"
        set ip 192.0.2.10 255.255.255.0
    next
end
config system dns
    set primary 192.0.2.53
end
config vpn certificate ocsp-server
    edit "corp"
        set url "http://ocsp.corp.test/"
    next
end
config vpn certificate setting
    set ocsp-status enable
    set ocsp-option server
    set ocsp-default-server "corp"
    set proxy "10.9.9.9"
    set proxy-port 3128
end
config firewall ssl-ssh-profile
    edit "deep"
        config https
            set ports 443
            set status deep-inspection
        end
    next
end
config firewall policy
    edit 1
        set ssl-ssh-profile "deep"
    next
end
"""


def test_a_configuration() -> None:
    reading = read_fortios("f.conf", WHOLE)
    values = reading.values
    assert values["addresses"] == {"192.0.2.10"}
    assert (values["ocsp"], values["intercepts"]) == (True, True)
    assert values["responder_url"] == "http://ocsp.corp.test/"
    assert values["forwarding_host"] == "10.9.9.9:3128"
    assert dict(reading.sources)["ocsp"].line == 16
    assert not dict(reading.sources)["ocsp"].firm
    assert [line.text for line in reading.unread] == ["config system dns"]
    assert reading.problems == []


def test_what_is_not_written_is_not_known() -> None:
    values = read_fortios(
        "f", "config vpn certificate setting\n set ssl-min-proto-version default\nend\n"
    ).values
    assert "ocsp" not in values
    assert "intercepts" not in values


def test_profiles_of_different_kinds_leave_it_open() -> None:
    text = WHOLE + 'config firewall policy\nedit 2\nset ssl-ssh-profile "certificate-inspection"\nnext\nend\n'
    assert "intercepts" not in read_fortios("f", text).values
    tunnels = WHOLE.replace('"deep"\n    next\nend\n', '"no-inspection"\n    next\nend\n')
    assert read_fortios("f", tunnels).values["intercepts"] is False


def test_the_setting_for_inspection_counts_before_that_for_vpns() -> None:
    text = "config vpn certificate setting\n set ocsp-status enable\n set ssl-ocsp-status disable\nend\n"
    assert read_fortios("f", text).values["ocsp"] is False


def test_a_cut_is_told() -> None:
    (problem,) = read_fortios("f", WHOLE[:400]).problems
    assert "ends inside" in problem
    assert looks_like_fortios(WHOLE)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    read_fortios("f", text)
    read_fortios("f", f"config vpn certificate setting\nset ocsp-status {text}\nset proxy {text}\n{text}")

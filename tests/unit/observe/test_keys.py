"""Which sentence is said of which keys."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.observe.keys import KeySourceError, load_keys
from ocsp_pcap.report.wording import capture_limits
from ocsp_pcap.spoken.shared import Shared

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
SUITES = SAMPLES / "tls13-suites"
CAPTURE, KEYS = SUITES / "gnutls.pcap", SUITES / "gnutls.keys"
RSA_KEY = SAMPLES / "tls12-suites" / "server-rsa.pem"


def said(*key_logs: Path, capture: Path = CAPTURE, rsa_keys: tuple[Path, ...] = ()) -> tuple[str, ...]:
    """What is said of keys, and that it is advice only where they opened nothing."""
    advice: list[str] = []
    facts = read_facts([capture], ReadOptions(key_logs, rsa_keys, advise=advice.append))
    notes = facts.captures[0].notes
    assert all(note in notes for note in advice)
    assert len(advice) == sum("opened none" in n or "opens none" in n or "no " in n for n in notes)
    return notes


def variant(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "variant.keys"
    path.write_bytes(content)
    return path


def test_a_key_log_that_fits() -> None:
    assert said(KEYS) == (f"{KEYS}: opened 5 of the 5 sessions it has keys for",)


def test_a_key_log_for_more_than_the_capture() -> None:
    both = SUITES / "openssl.keys"
    notes = said(KEYS, both)
    assert notes[0].endswith("opened 5 of the 5 sessions it has keys for")
    assert notes[1].endswith("not one of them is in the captures: it is of another time or another host")


def test_some_sessions_are_elsewhere(tmp_path: Path) -> None:
    path = variant(tmp_path, KEYS.read_bytes() + (SUITES / "openssl.keys").read_bytes())
    assert said(path) == (f"{path}: opened 5 of the 15 sessions it has keys for; 10 are not in the captures",)


def test_a_key_log_cut_in_the_middle_of_a_line(tmp_path: Path) -> None:
    lines = KEYS.read_bytes().splitlines(keepends=True)
    path = variant(tmp_path, b"".join(lines[:6]) + lines[6][:90])
    (note,) = said(path)
    assert "1 lines are not of the NSS key log format; it ends in the middle of a line" in note


def test_a_last_line_without_its_end_is_whole(tmp_path: Path) -> None:
    path = variant(tmp_path, KEYS.read_bytes().rstrip())
    assert said(path) == (f"{path}: opened 5 of the 5 sessions it has keys for",)


def test_junk_lines_are_counted(tmp_path: Path) -> None:
    path = variant(tmp_path, b"# comment\nhello\n\xff\xfe\n" + KEYS.read_bytes())
    assert said(path) == (
        f"{path}: opened 5 of the 5 sessions it has keys for; 2 lines are not of the NSS key log format",
    )


def test_wrong_secrets_for_sessions_of_the_capture(tmp_path: Path) -> None:
    lines = [line.split() for line in KEYS.read_bytes().splitlines() if not line.startswith(b"#")]
    wrong = [b" ".join((*words[:2], b"00" * (len(words[2]) // 2))) for words in lines]
    (note,) = said(variant(tmp_path, b"\n".join(wrong) + b"\n"))
    assert "opened none of the 5" in note
    assert "5 are in the captures and did not open" in note


def test_an_empty_key_log(tmp_path: Path) -> None:
    (note,) = said(variant(tmp_path, b""))
    assert note.endswith("holds no keys")


@pytest.mark.parametrize(
    ("capture", "words"),
    [
        ("tls12-suites/openssl.pcap", "opened 4 of the 4 sessions with RSA key exchange that use it"),
        ("tls13-suites/openssl.pcap", "no certificate in the captures has this key"),
    ],
)
def test_private_keys(capture: str, words: str) -> None:
    assert said(capture=SAMPLES / capture, rsa_keys=(RSA_KEY,)) == (f"{RSA_KEY}: {words}",)


def only_with(address: str, content: bytes) -> bytes:
    """The packets of a pcap file that name an address."""
    kept, rest = content[:24], content[24:]
    while rest:
        length = 16 + int.from_bytes(rest[8:12], "little")
        if IPv4Address(address).packed in rest[16:length]:
            kept += rest[:length]
        rest = rest[length:]
    return kept


def test_the_key_of_sessions_without_rsa_key_exchange(tmp_path: Path) -> None:
    source = SAMPLES / "tls12-suites" / "openssl.pcap"
    (visit,) = [h for h in read_facts([source]).handshakes if (h.sni or "").startswith("dhe-rsa-aes256-gcm")]
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(only_with(visit.server, source.read_bytes()))
    assert said(capture=cut, rsa_keys=(RSA_KEY,)) == (
        f"{RSA_KEY}: opens none of the 1 sessions that use it: their key exchange is not RSA",
    )


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    path = variant(tmp_path, b"nonsense")
    with pytest.raises(KeySourceError, match="not a readable private key"):
        load_keys(Shared(), [], [path])
    with pytest.raises(KeySourceError, match="cannot be read"):
        load_keys(Shared(), [tmp_path / "missing"], [])
    damaged = bytearray(RSA_KEY.read_bytes())
    damaged[200] ^= 0x20
    path.write_bytes(damaged)
    with pytest.raises(KeySourceError):
        load_keys(Shared(), [], [path])


def test_keys_are_told_of_at_the_captures_that_they_open() -> None:
    chain = SAMPLES / "tls13-with-keys"
    logs = [chain / "child.keys", chain / "parent.keys"]
    facts = read_facts([chain / "child.pcap", chain / "parent.pcap"], ReadOptions(logs))
    told = {Path(capture.path).stem: capture.notes for capture in facts.captures}
    assert told["child"] == (
        f"{logs[0]}: opened 4 of the 8 sessions it has keys for; 4 are not in the captures",
        f"{logs[1]}: opened 4 of the 8 sessions it has keys for; 4 are in other captures",
    )
    assert told["parent"] == (
        f"{logs[1]}: opened 4 of the 8 sessions it has keys for; 4 are in other captures",
    )
    assert all(capture_limits(capture) == () for capture in facts.captures)

"""Keys: with them we see what Wireshark sees, without them we say what is hidden; damage never raises.

The samples are connections of real software, one for each cipher suite and each unusual handshake.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from ocsp_pcap.api import ReadOptions, explain, read_facts
from ocsp_pcap.capture import CaptureError
from ocsp_pcap.commands.group import cli
from ocsp_pcap.crosscheck import crosscheck
from ocsp_pcap.facts import Facts, HandshakeFact
from tests.conftest import CORPUS
from tests.programs import needs_tshark

from .corpus import read_table

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
COUNTS = {
    # handshakes, server certificates, staples, client certificates, OCSP exchanges
    "tls12-suites/gnutls": (7, 14, 7, 0, 0),
    "tls12-suites/openssl": (15, 30, 15, 0, 0),
    "tls13-suites/gnutls": (5, 10, 10, 0, 0),
    "tls13-suites/openssl": (10, 20, 10, 0, 0),
    "tls-handshake-forms/gnutls": (6, 10, 8, 2, 0),
    "tls-handshake-forms/openssl": (8, 14, 7, 6, 0),
    "tls-hidden-hellos/nss": (2, 4, 2, 0, 0),
    "tls-ocsp-over-https/forward-secret": (16, 24, 0, 0, 8),
    "tls-ocsp-over-https/rsa-key-exchange": (6, 9, 0, 0, 3),
    "tls-over-udp/quic": (6, 12, 0, 0, 0),
}
"""What each capture holds, as its story in the README says."""
SECRETS_IN_CORPUS = (
    "nDPI/doq.pcapng",
    "nDPI/quic-33.pcapng",
    "nDPI/quic-v2.pcapng",
    "ja4/chrome-cloudflare-quic-with-secrets.pcapng",
    "ja4/http2-with-cookies.pcapng",
)
every_sample = pytest.mark.parametrize("name", COUNTS)


def capture_of(name: str) -> Path:
    return SAMPLES / f"{name}.pcap"


def keys_of(name: str) -> Path:
    return SAMPLES / f"{name}.keys"


def inside(name: str) -> Path:
    folder, stem = name.split("/")
    return SAMPLES / folder / "keys-inside" / f"{stem}.pcapng"


@cache
def with_keys(name: str) -> Facts:
    return read_facts([capture_of(name)], ReadOptions([keys_of(name)]))


@cache
def without_keys(name: str) -> Facts:
    return read_facts([capture_of(name)])


def counted(facts: Facts) -> tuple[int, ...]:
    return (
        len(facts.handshakes),
        sum(len(handshake.certificates) for handshake in facts.handshakes),
        sum(len(handshake.staples) for handshake in facts.handshakes),
        sum(len(handshake.client_certificates) for handshake in facts.handshakes),
        len(facts.ocsp_exchanges),
    )


def anonymous(handshakes: Sequence[HandshakeFact]) -> list[HandshakeFact]:
    return [replace(handshake, capture="") for handshake in handshakes]


def test_no_sample_is_forgotten() -> None:
    found = {f"{path.parent.parent.name}/{path.stem}" for path in SAMPLES.glob("tls*-*/keys-inside/*.pcapng")}
    assert found == set(COUNTS)


@every_sample
def test_everything_in_the_story_is_seen(name: str) -> None:
    facts = with_keys(name)
    assert counted(facts) == COUNTS[name]
    assert all(handshake.decrypted for handshake in facts.handshakes if not _renegotiated(handshake))
    assert not any(handshake.certificate_encrypted for handshake in facts.handshakes)
    assert {exchange.decrypted for exchange in facts.ocsp_exchanges} <= {True}
    for handshake in facts.handshakes:
        for staple in handshake.staples:
            assert (staple.response_status, staple.parse_error) == ("successful", None)
            assert staple.signature in ("valid", "unverifiable")


def _renegotiated(handshake: HandshakeFact) -> bool:
    return handshake.sni == "renegotiation.forms.test"


@needs_tshark
@every_sample
@pytest.mark.parametrize("place", ["file", "inside"])
def test_wireshark_sees_the_same_with_the_same_keys(name: str, place: str) -> None:
    if place == "file":
        result = crosscheck(with_keys(name), capture_of(name), key_logs=[keys_of(name)])
    else:
        result = crosscheck(read_facts([inside(name)]), inside(name))
    assert [difference for difference in result.disagreements if difference.explanation is None] == []
    both = {count.kind: count.both for count in result.counts}
    _, certificates, staples, clients, exchanges = COUNTS[name]
    assert both["certificate"] == certificates + clients
    assert both["staple"] == staples
    assert both["request"] == both["response"] == exchanges


@every_sample
def test_keys_inside_the_capture_do_as_well(name: str) -> None:
    facts, other = with_keys(name), read_facts([inside(name)])
    assert anonymous(other.handshakes) == anonymous(facts.handshakes)
    assert other.certificates == facts.certificates
    assert [x.requests for x in other.ocsp_exchanges] == [x.requests for x in facts.ocsp_exchanges]


private_keys = pytest.mark.parametrize(
    ("name", "key", "opened"),
    [
        ("tls12-suites/openssl", "tls12-suites/server-rsa.pem", 4),
        ("tls12-suites/gnutls", "tls12-suites/server-rsa.pem", 2),
        ("tls-ocsp-over-https/rsa-key-exchange", "tls-ocsp-over-https/responder-rsa.pem", 3),
    ],
)


@private_keys
def test_a_private_key_opens_what_its_key_log_opens(name: str, key: str, opened: int) -> None:
    facts = read_facts([capture_of(name)], ReadOptions(rsa_keys=[SAMPLES / key]))
    fitting = [h for h in with_keys(name).handshakes if (h.cipher or "").startswith("TLS_RSA_")]
    decrypted = [handshake for handshake in facts.handshakes if handshake.decrypted]
    assert decrypted == fitting
    assert len(decrypted) == opened
    assert facts.ocsp_exchanges == with_keys(name).ocsp_exchanges
    assert f"opened {opened} of the {opened} sessions" in facts.captures[0].notes[0]


@needs_tshark
@private_keys
def test_wireshark_opens_the_same_with_the_private_key(name: str, key: str, opened: int) -> None:
    preference = f'uat:rsa_keys:"{SAMPLES / key}",""'
    command = ["tshark", "-r", str(capture_of(name)), "-o", preference, "-Y", "http"]
    answer = subprocess.run([*command, "-T", "fields", "-e", "tcp.stream"], capture_output=True, check=True)
    facts = read_facts([capture_of(name)], ReadOptions(rsa_keys=[SAMPLES / key]))
    ours = {handshake.stream for handshake in facts.handshakes if handshake.decrypted}
    assert ours == {int(line) for line in answer.stdout.split()}
    assert len(ours) == opened


@every_sample
def test_without_keys_the_certificate_is_hidden_and_nothing_else_is_claimed(name: str) -> None:
    facts = without_keys(name)
    hidden = [h for h in facts.handshakes if h.version == "TLS 1.3" and not h.resumed]
    for handshake in hidden:
        assert handshake.certificate_encrypted
        assert (handshake.certificates, handshake.staples, handshake.client_certificates) == ((), (), ())
    explanation = explain(facts)
    sightings = {(s.stream, s.time): s for verdict in explanation.verdicts for s in verdict.sightings}
    for handshake in hidden:
        sighting = sightings[handshake.stream, handshake.time]
        assert (sighting.presence, sighting.cause, sighting.confidence) == (
            "unknown",
            "certificate-encrypted",
            "confirmed",
        )
        assert sighting.alternatives == ()
    assert len(hidden) == len([s for s in sightings.values() if s.cause == "certificate-encrypted"])


@needs_tshark
@pytest.mark.parametrize(
    ("capture", "keys", "certificates"),
    [
        ("tls13-with-keys/parent.pcap", "tls13-with-keys/parent.keys", 8),
        ("tls13-with-keys/child.pcap", "tls13-with-keys/child.keys", 4),
        ("tls13-with-embedded-keys/parent.pcapng", None, 8),
    ],
)
def test_wireshark_sees_the_same_of_mitmproxy(capture: str, keys: str | None, certificates: int) -> None:
    key_logs = [SAMPLES / keys] if keys else []
    facts = read_facts([SAMPLES / capture], ReadOptions(key_logs))
    result = crosscheck(facts, SAMPLES / capture, key_logs=key_logs)
    assert [difference for difference in result.disagreements if difference.explanation is None] == []
    assert {count.kind: count.both for count in result.counts}["certificate"] == certificates


def test_the_query_offered_for_a_hidden_certificate_is_the_one_that_keys_prove() -> None:
    folder = SAMPLES / "tls13-with-keys"
    hidden = explain(read_facts([folder / "parent.pcap"]))
    proven = explain(read_facts([folder / "parent.pcap"], ReadOptions([folder / "parent.keys"])))
    truth = {v.host: v for v in proven.verdicts if v.chain_role == "leaf"}
    assert {verdict.host for verdict in hidden.verdicts} == set(truth)
    for verdict in hidden.verdicts:
        assert (verdict.cause, verdict.confidence) == ("certificate-encrypted", "confirmed")
        known = truth[verdict.host]
        assert known.certificate is not None
        if known.cause == "queried":
            (alternative,) = verdict.alternatives
            assert alternative.cause == "queried"
            assert f"serial {known.certificate.serial} " in alternative.why
            assert known.evidence[1].frame in {evidence.frame for evidence in verdict.evidence}
        else:
            assert verdict.alternatives == ()


def test_http_inside_tls_is_hidden_without_keys() -> None:
    for name in ("tls-ocsp-over-https/forward-secret", "tls-ocsp-over-https/rsa-key-exchange"):
        assert without_keys(name).ocsp_exchanges == ()


@pytest.mark.parametrize("method", ["zlib", "brotli", "zstd"])
def test_compressed_certificates(method: str) -> None:
    facts = with_keys("tls-handshake-forms/gnutls")
    (handshake,) = [h for h in facts.handshakes if h.sni == f"compressed-by-{method}.forms.test"]
    leaf, issuer = (facts.certificates[sha256] for sha256 in handshake.certificates)
    assert leaf.sans == (handshake.sni,)
    assert leaf.issuer_sha256 == issuer.sha256
    assert [staple.singles[0].serial for staple in handshake.staples] == [leaf.serial, issuer.serial]


@pytest.mark.parametrize("place", ["openssl", "gnutls"])
def test_post_handshake_authentication(place: str) -> None:
    facts = with_keys(f"tls-handshake-forms/{place}")
    (handshake,) = [h for h in facts.handshakes if h.sni == f"asked-later.{place}.forms.test"]
    leaf, client = (
        facts.certificates[chain[0]].sans for chain in (handshake.certificates, handshake.client_certificates)
    )
    assert leaf == (handshake.sni,)
    assert client in (("client.forms.test",), ("client.gnutls.forms.test",))


def test_early_data_does_not_hide_the_resumption() -> None:
    for facts in (with_keys("tls-handshake-forms/openssl"), without_keys("tls-handshake-forms/openssl")):
        visits = [h for h in facts.handshakes if h.sni == "early-data.forms.test"]
        assert [handshake.resumption for handshake in visits] == [None, "psk"]


def test_renegotiation_shows_its_certificate_with_keys_only() -> None:
    name = "tls-handshake-forms/openssl"
    visible = [
        [h.certificates for h in facts.handshakes if h.sni == "renegotiation.forms.test"]
        for facts in (without_keys(name), with_keys(name))
    ]
    assert len(visible[0]) == 1
    assert visible[1] == visible[0] * 2


def test_the_protocol_that_was_chosen_is_told_with_keys() -> None:
    facts = read_facts([inside("tls-over-udp/quic")])
    assert {handshake.alpn for handshake in facts.handshakes} == {("hq-interop",)}


def test_secrets_of_another_capture_are_used_too() -> None:
    name = "tls13-suites/gnutls"
    facts = read_facts([capture_of(name), inside(name)])
    assert len(facts.handshakes) == 2 * COUNTS[name][0]
    assert all(handshake.decrypted for handshake in facts.handshakes)


def test_keys_for_other_sessions_are_said_once_by_name() -> None:
    runner = CliRunner()
    wrong, right = keys_of("tls13-suites/openssl"), keys_of("tls13-suites/gnutls")
    arguments = ["explain", str(capture_of("tls13-suites/gnutls")), "--format", "json"]
    result = runner.invoke(cli, [*arguments, "--keylog", str(wrong), "--keylog", str(right)])
    assert result.exit_code == 0
    assert result.stderr.count("warning") == 1
    assert f"{wrong}: opened none of the 10 sessions it has keys for; not one of them" in result.stderr
    notes = json.loads(result.stdout)["captures"][0]["notes"]
    assert len(notes) == 2
    assert f"{right}: opened 5 of the 5 sessions it has keys for" in notes
    text = runner.invoke(cli, [*arguments[:2], "--keylog", str(right)]).stdout
    assert "opened 5 of the 5 sessions" in " ".join(text.split())


@pytest.mark.corpus
@pytest.mark.parametrize("file", SECRETS_IN_CORPUS)
def test_captures_of_others_that_carry_secrets_give_their_certificates(file: str) -> None:
    (row,) = [row for row in read_table() if row["file"] == file]
    facts = read_facts([CORPUS / file])
    ours = Counter((h.transport, sha256) for h in facts.handshakes for sha256 in h.certificates)
    assert ours == Counter((item["transport"], item["sha256"]) for item in row["certificates"])
    assert all(handshake.decrypted for handshake in facts.handshakes if handshake.certificates)
    staples = [staple for handshake in facts.handshakes for staple in handshake.staples]
    assert len(staples) == len(row["ocsp_responses"])


@pytest.mark.parametrize("name", ["tls-hidden-hellos/nss", "tls-over-udp/quic", "tls12-suites/gnutls"])
@pytest.mark.parametrize("target", ["packets", "keys", "inside"])
def test_damage_never_raises(name: str, target: str, tmp_path: Path) -> None:
    chance = random.Random(f"{name} {target}")
    source = {"packets": capture_of(name), "keys": keys_of(name), "inside": inside(name)}[target]
    whole = source.read_bytes()
    damaged = tmp_path / source.name
    for _ in range(20):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 1, 1, 3))):
            content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
        damaged.write_bytes(content)
        keys = [] if target == "inside" else [damaged if target == "keys" else keys_of(name)]
        try:
            facts = read_facts([capture_of(name) if target == "keys" else damaged], ReadOptions(keys))
        except CaptureError:
            # Its first bytes no longer say that it is a capture.
            assert whole[:32] != content[:32]
            continue
        explain(facts)

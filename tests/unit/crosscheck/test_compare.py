from __future__ import annotations

import asyncio
import lzma
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ocsp_pcap.api import read_facts
from ocsp_pcap.crosscheck import CrosscheckUnavailable, crosscheck
from ocsp_pcap.crosscheck.compare import compare, pair
from ocsp_pcap.crosscheck.labels import certificate_item, hello_item
from ocsp_pcap.crosscheck.model import CrosscheckResult
from tests.conftest import CORPUS
from tests.programs import needs_tshark
from tests.unit.crosscheck.parts import HASH, RANDOM, asked, handshake, seen

SAMPLE = Path(__file__).parents[3] / "samples" / "direct" / "capture.pcap"


HELLO = hello_item("tcp", 3, 4, "host.test", RANDOM)
CERTIFICATE = certificate_item("tcp", 3, 8, HASH)


def counts(result: CrosscheckResult) -> dict[str, tuple[int, int, int]]:
    return {count.kind: (count.both, count.ours, count.wireshark) for count in result.counts}


def check(capture: Path) -> CrosscheckResult:
    return crosscheck(read_facts([capture]), capture)


def test_what_both_saw_is_no_disagreement() -> None:
    result = compare("a.pcap", [handshake()], [], asked(seen(HELLO, CERTIFICATE)))
    assert result.agrees
    assert result.disagreements == ()
    assert counts(result)["certificate"] == (1, 1, 1)


def test_what_only_wireshark_saw_is_a_disagreement() -> None:
    other = certificate_item("tcp", 3, 8, "cd" * 32)
    result = compare("a.pcap", [handshake()], [], asked(seen(HELLO, CERTIFICATE, other)))
    assert not result.agrees
    (found,) = result.disagreements
    assert (found.kind, found.frame, found.stream, found.ours) == ("certificate", 8, 3, None)
    assert "cdcdcd" in (found.wireshark or "")


def test_what_only_the_facts_hold_is_asked_for_again() -> None:
    result = compare("a.pcap", [handshake()], [], asked(seen(HELLO), seen()))
    assert [(d.frame, d.wireshark) for d in result.unexplained] == [(8, None)]
    result = compare("a.pcap", [handshake()], [], asked(seen(HELLO), seen(HELLO, CERTIFICATE)))
    assert result.agrees
    assert "Decode As" in (result.explained[0].explanation or "")


def test_one_thing_in_two_frames_is_told_with_both() -> None:
    late = replace(CERTIFICATE, frame=9)
    result = compare("a.pcap", [handshake()], [], asked(seen(HELLO, late), seen(HELLO, late)))
    (found,) = result.unexplained
    assert "frame 8" in (found.ours or "")
    assert "frame 9" in (found.wireshark or "")


def test_a_stream_with_another_number_is_one_disagreement() -> None:
    moved = [replace(HELLO, stream=4), replace(CERTIFICATE, stream=4)]
    result = compare("a.pcap", [handshake()], [], asked(seen(*moved), seen(*moved)))
    assert len(result.unexplained) == 2
    assert "tcp.stream 3" in (result.unexplained[0].ours or "")
    assert "tcp.stream 4" in (result.unexplained[0].wireshark or "")


def test_equal_certificates_of_one_message_are_paired_one_by_one() -> None:
    pairs = pair([CERTIFICATE, CERTIFICATE], [CERTIFICATE, CERTIFICATE, CERTIFICATE])
    assert sorted((mine is None, theirs is None) for mine, theirs in pairs) == [
        (False, False),
        (False, False),
        (True, False),
    ]


@needs_tshark
@pytest.mark.parametrize("name", ["direct/capture.pcap", "ocsp-at-parent/parent.pcap"])
def test_facts_of_the_samples_agree_with_wireshark(name: str) -> None:
    result = check(SAMPLE.parents[1] / name)
    assert result.unexplained == ()
    found = counts(result)
    for kind in ("client-hello", "certificate", "request", "response"):
        assert found[kind][0] == found[kind][1] > 0


@needs_tshark
def test_a_missing_fact_and_a_wrong_one_are_found() -> None:
    facts = read_facts([SAMPLE])
    exchanges = list(facts.ocsp_exchanges)
    answered = next(e for e in exchanges if e.response is not None and e.response.singles)
    assert answered.response is not None
    wrong = replace(answered.response.singles[0], this_update=0)
    exchanges[exchanges.index(answered)] = replace(
        answered, response=replace(answered.response, singles=(wrong,))
    )
    damaged = replace(facts, handshakes=facts.handshakes[1:], ocsp_exchanges=tuple(exchanges))
    result = crosscheck(damaged, SAMPLE)
    first = facts.handshakes[0]
    missing = {(d.kind, d.frame, d.stream) for d in result.unexplained if d.ours is None}
    assert ("client-hello", first.frames.client_hello, first.stream) in missing
    assert ("certificate", first.frames.certificate, first.stream) in missing
    (other,) = [d for d in result.unexplained if d.kind == "response"]
    assert other.frame == answered.frames.response
    assert "1970" in (other.ours or "")
    assert "1970" not in (other.wireshark or "")


@needs_tshark
def test_a_capture_that_tshark_cannot_decompress(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap.xz"
    path.write_bytes(lzma.compress(SAMPLE.read_bytes()))
    assert check(path).agrees


@needs_tshark
def test_a_capture_cut_short_is_compared_up_to_the_cut(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(SAMPLE.read_bytes()[:-10])
    result = check(path)
    assert result.agrees
    assert "cut short" in (result.note or "")


@needs_tshark
def test_it_works_in_other_threads_and_beside_an_event_loop_and_leaves_no_process() -> None:
    facts = read_facts([SAMPLE])
    results: list[CrosscheckResult] = []

    async def notebook() -> None:
        results.append(crosscheck(facts, SAMPLE))

    asyncio.run(notebook())
    thread = threading.Thread(target=lambda: results.append(crosscheck(facts, SAMPLE)))
    thread.start()
    thread.join()
    results.append(crosscheck(facts, SAMPLE))
    assert len(results) == 3
    assert all(result.agrees for result in results)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_without_tshark_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("ocsp_pcap.crosscheck.witness._MAC", "/nowhere/tshark")
    with pytest.raises(CrosscheckUnavailable, match="apt-get install tshark"):
        check(SAMPLE)


def test_facts_of_another_capture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"other\.pcap"):
        crosscheck(read_facts([SAMPLE]), tmp_path / "other.pcap")


@pytest.mark.corpus
@needs_tshark
@pytest.mark.parametrize(
    "name",
    [
        "ja4/browsers-x509.pcapng",
        "ja4/chrome-cloudflare-quic-with-secrets.pcapng",
        "ja4/tls-sni.pcapng",
        "nDPI/dtls_certificate_fragments.pcap",
        "nDPI/gnutella.pcap",
        "nDPI/heuristic_tcp_ack_payload.pcap",
        "nDPI/ocsp.pcapng",
        "nDPI/openvpn.pcap",
        "nDPI/quic-forcing-vn-with-data.pcapng",
        "nDPI/stun_dtls_rtp.pcapng",
        "nDPI/tls_missing_ch_frag.pcap",
    ],
)
def test_facts_of_real_captures_agree_with_wireshark(name: str) -> None:
    assert check(CORPUS / name).unexplained == ()

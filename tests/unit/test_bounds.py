"""Bounds: one place, adjustable, and told where they are reached."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

import ocsp_pcap
from ocsp_pcap import bounds
from ocsp_pcap.bounds import BOUNDS, BoundError, Bounds
from ocsp_pcap.tls.rsa import decrypt_premaster
from tests.unit.decode.test_link import walk
from tests.unit.reached_bounds import REACHES


@pytest.fixture(autouse=True)
def _as_before() -> object:
    before = {each.name: getattr(BOUNDS, each.name) for each in fields(Bounds)}
    yield
    bounds.adjust(before)
    bounds.take_reached()


def test_a_bound_is_changed_and_its_change_known_to_other_processes() -> None:
    bounds.adjust(bounds.parse("certificates=256"))
    assert BOUNDS.certificates == 256
    assert bounds.adjusted() == {"certificates": 256}


@pytest.mark.parametrize(
    "text", ["certificates", "certificates=", "certificates=-1", "certificates=a", "=1" * 9]
)
def test_what_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(BoundError):
        bounds.adjust(bounds.parse(text))


def test_a_name_that_is_not_known_is_told_with_those_that_are() -> None:
    with pytest.raises(BoundError, match=r"no bound colour.*certificates"):
        bounds.adjust({"colour": 1})


def test_each_bound_has_a_reason() -> None:
    for name, value, what, why in bounds.table():
        assert value > 0, name
        assert what, name
        assert why, name


def test_a_reached_bound_is_told_once_as_this_programs() -> None:
    bounds.reached("certificates")
    bounds.reached("certificates", 2)
    (sentence,) = bounds.sentences(bounds.take_reached())
    assert sentence == (
        "a bound of this program was reached 3 times: at most 64 certificates of one handshake "
        "(--bound certificates=N changes it)"
    )
    assert not bounds.take_reached()


def test_other_processes_have_all_bounds_alike() -> None:
    bounds.adjust({"certificates": 9, "tunnels": 3})
    bounds.set_to({"certificates": 5})
    assert bounds.adjusted() == {"certificates": 5}


PACKAGES = (
    "capture",
    "decode",
    "streams",
    "tls",
    "quic",
    "http",
    "dns",
    "pki",
    "ocsp",
    "spoken",
    "observe",
    "parallel",
    "explain",
)
LIMITS = ("MAX", "MAXIMUM", "MOST", "LIMIT", "LARGEST", "LONGEST", "GREATEST")
PROTOCOL = "the protocol, or the form of the file, allows no more"
COST = "reached, it changes what reading costs, and nothing of what is read"
TELLS = "what is larger is something else, or damage that is told as such"
TEXT = "of a value in a sentence"
SHOWN = "of what is shown, whatever is known"
RULE = "what is sent later is for something else"
NOT_BOUNDS = {
    "capture/parser.py": {"SNAPLEN_LIMIT": TELLS, "LARGE_SNAPLEN_LIMIT": TELLS},
    "capture/pcapng.py": {"BLOCK_LIMIT": TELLS, "ORDER_CHANGE_LIMIT": TELLS},
    "capture/reader.py": {"BUFFER_LIMIT": TELLS},
    "capture/rotation.py": {"MAX_OVERLAP": TELLS, "MAX_SILENCE": TELLS},
    "capture/views.py": {"_MOST_BLOCK": TELLS, "_MOST_INTERFACES": COST},
    "decode/fragments.py": {"MAXIMUM_DATAGRAM": PROTOCOL, "MAXIMUM_AGE": PROTOCOL, "MAXIMUM_EARLY": COST},
    "decode/slow.py": {"_MAXIMUM_EXTENSIONS": PROTOCOL},
    "explain/annotate.py": {"MAX_LINES": SHOWN},
    "explain/case.py": {"MOST_SAME": COST},
    "explain/chances_to_ask.py": {"LONGEST": PROTOCOL},
    "explain/engine.py": {"MAX_EVIDENCE": SHOWN},
    "explain/errands.py": {"LONGEST": RULE},
    "explain/expect.py": {"MAX_EVIDENCE": SHOWN},
    "explain/findings/capture_problem.py": {"MAX_NAMES": TEXT},
    "explain/findings/certificates_hidden.py": {"MAX_GUESSES": TEXT},
    "explain/findings/common.py": {"MAX_EVIDENCE": SHOWN},
    "explain/findings/quic_bypass.py": {"MAX_NAMED": TEXT},
    "explain/forecast.py": {"MAX_EXAMPLES": SHOWN},
    "explain/grounds/purposes.py": {"MOST_SYNS": PROTOCOL},
    "explain/headline.py": {"MOST_HOSTS": TEXT, "MOST_NAMES": TEXT, "MOST_REASONS": TEXT},
    "explain/hidden.py": {"MAX_OFFERED": SHOWN},
    "explain/logs/read.py": {"MAX_QUOTE": TEXT},
    "explain/picture.py": {"MOST_EVIDENCE": SHOWN, "MOST_OF_A_KIND": SHOWN},
    "explain/picture_words.py": {"MOST_GHOSTS": TEXT},
    "explain/querying.py": {"MAX_TRIES": SHOWN, "MOST_URL": TEXT},
    "explain/site/reading.py": {"MAX_LISTED": SHOWN, "MAX_QUOTE": TEXT},
    "explain/site/site_file.py": {"LONGEST": PROTOCOL},
    "explain/site/write.py": {"MAX_LINES": SHOWN},
    "explain/staples.py": {"MOST_EVIDENCE": SHOWN},
    "explain/timeline.py": {"MOST_EVENTS": SHOWN, "MOST_LANES": SHOWN, "MOST_VALIDATORS": SHOWN},
    "http/encoding.py": {"_MAX_WINDOW": PROTOCOL},
    "http/connection.py": {"MAX_REST_OF_HEAD": TELLS},
    "http/intermediaries.py": {"MAX_TEXT": TEXT},
    "http/message.py": {"MAX_REMEMBERED_HEAD": COST, "MAX_REMEMBERED_HEADS": COST},
    "http/pairing.py": {"_MAX_EARLY": TELLS, "_MAX_KEPT_HEAD": COST},
    "http/state.py": {"_MAX_LOSSES": TELLS},
    "observe/checksums.py": {"MOST_PAYLOAD": TELLS},
    "observe/plain.py": {"MOST_CARRIED": COST, "MOST_CHUNKS": COST, "MOST_ROWS": COST},
    "observe/udp.py": {"MAX_BEGINNINGS": TELLS, "MAX_SILENT_REPEATED": TELLS},
    "ocsp/exchange.py": {"_MAX_AGE": PROTOCOL},
    "quic/attempt.py": {"MAXIMUM_VERSIONS": PROTOCOL, "MAXIMUM_SERVER_IDS": TELLS},
    "quic/connection.py": {"MAXIMUM_REMEMBERED": COST},
    "quic/versions.py": {"MAXIMUM_CONNECTION_ID": PROTOCOL},
    "spoken/dns_stream.py": {"MAX_FIRST_MESSAGE": TELLS},
    "spoken/first_bytes.py": {"LONGEST_METHOD": PROTOCOL, "LONGEST_TEXT": PROTOCOL},
    "spoken/plain.py": {"LONGEST_REQUEST": COST, "MOST_TUNNELS": COST},
    "spoken/proxy_prefixes.py": {"MAX_PROXY_V1": PROTOCOL},
    "spoken/shared.py": {"_MOST_SMALL": COST},
    "spoken/templates.py": {"MOST_TEMPLATES": COST},
    "streams/addresses.py": {"_MAXIMUM_PORT": PROTOCOL},
    "streams/known.py": {"MAX_TIME": PROTOCOL},
    "streams/reassembly.py": {"MAX_PLAUSIBLE_JUMP": TELLS, "MAX_ENDS": TELLS},
    "streams/receiver.py": {"MAX_SAMPLES": COST},
    "streams/remembered.py": {"_MAX_ALERT": PROTOCOL},
    "streams/windows.py": {"GREATEST_SHIFT": PROTOCOL},
    "tls/compression.py": {"_MAX_WINDOW": PROTOCOL},
    "tls/contents.py": {
        "LONGEST_BODY": COST,
        "LONGEST_HELLO": COST,
        "MOST_BODIES": COST,
        "MOST_HELLOS": COST,
        "MOST_LAYOUTS": COST,
    },
    "tls/messages.py": {"_MAX_REMEMBERED": COST},
    "tls/records.py": {"MAX_FRAGMENT": PROTOCOL},
    "tls/shapes.py": {"LONGEST": COST, "MOST_SHAPES": COST},
}
"""Limits of modules that are no bounds of this program, each with what it is instead."""


def limits(module: Path) -> set[str]:
    """Return the names of a module's own constants that call themselves a limit."""
    found = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            for name in names:
                if isinstance(name, ast.Name) and name.id.isupper():
                    found.add(name.id)
    return {name for name in found if not set(LIMITS).isdisjoint(name.strip("_").split("_"))}


def test_no_module_that_reads_packets_or_explains_has_a_bound_of_its_own() -> None:
    """A limit that stands in a module is the protocol's, or costs no fact; all others are bounds."""
    root = Path(ocsp_pcap.__file__).parent
    own: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = str(path.relative_to(root))
            names = limits(path) - NOT_BOUNDS.get(name, {}).keys()
            if names:
                own[name] = names
    assert not own


def test_what_is_said_to_be_no_bound_is_there() -> None:
    root = Path(ocsp_pcap.__file__).parent
    assert {name: limits(root / name) & known.keys() for name, known in NOT_BOUNDS.items()} == {
        name: known.keys() for name, known in NOT_BOUNDS.items()
    }


def test_every_bound_is_read_somewhere() -> None:
    root = Path(ocsp_pcap.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in root.rglob("*.py"))
    unread = {
        each.name
        for each in fields(Bounds)
        if f"BOUNDS.{each.name}" not in code and f'"{each.name}"' not in code
    }
    assert not unread


def test_a_bound_says_that_it_was_reached_or_why_it_does_not() -> None:
    """A test that reaches bounds names them in its marker, or the list of those that do."""
    said = {name for name, _ in REACHES}
    for path in Path(__file__).parent.rglob("test_*.py"):
        for names in re.findall(r"pytest\.mark\.reaches\(([^)]*)\)", path.read_text(encoding="utf-8")):
            said.update(re.findall(r'"(\w+)"', names))
    unsaid = {each.name for each in fields(Bounds) if each.metadata["unsaid"]}
    assert not said & unsaid
    assert {each.name for each in fields(Bounds)} - said - unsaid == set()


@pytest.mark.parametrize(("name", "reach"), REACHES)
def test_what_a_bound_leaves_out_is_told(name: str, reach: Callable[[], None]) -> None:
    reach()
    assert name not in bounds.take_reached()
    bounds.adjust({name: 1})
    reach()
    assert name in bounds.take_reached()


def test_tags_that_are_followed_in_several_rounds_reach_no_bound() -> None:
    bounds.take_reached()
    walk(bytes(12) + b"\x81\x00\x00\x01" * (BOUNDS.tags + 6) + b"\x08\x06" + bytes(28), 1)
    assert not bounds.take_reached()


def test_a_key_that_opens_the_secret_leaves_no_other_to_be_tried() -> None:
    bounds.adjust({"rsa_keys": 1})
    keys = [generate_private_key(65537, 2048) for _ in range(2)]
    secret = keys[0].public_key().encrypt(b"\x03\x03" + bytes(46), PKCS1v15())
    assert decrypt_premaster(keys, secret, (0x0303,), b"") is not None
    assert not bounds.take_reached()

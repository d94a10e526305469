import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.tls.keys import CLIENT_RANDOM, KeyLog

RANDOM = bytes(range(32))
MASTER = bytes(range(48))
LINE = b"CLIENT_RANDOM %s %s\n" % (RANDOM.hex().encode(), MASTER.hex().encode())


def test_a_line_gives_its_secret() -> None:
    log = KeyLog.parse(LINE, "keys.log")
    assert log.secret(CLIENT_RANDOM, RANDOM) == MASTER
    assert log.secret("SERVER_TRAFFIC_SECRET_0", RANDOM) is None
    assert log.secret("NO_SUCH_LABEL", RANDOM) is None
    assert len(log) == 1


def test_comments_blank_lines_line_ends_and_byte_order_mark_are_no_junk() -> None:
    log = KeyLog.parse(
        b"\xef\xbb\xbf# SSL/TLS secrets log file\r\n\r\n" + LINE.upper().replace(b"\n", b"\r\n"), "k"
    )
    assert log.secret(CLIENT_RANDOM, RANDOM) == MASTER
    assert log.use()[0].junk_lines == 0


def test_junk_is_counted_and_skipped() -> None:
    junk = [
        b"hello world",
        b"CLIENT_RANDOM 00 00",
        b"CLIENT_RANDOM " + b"zz" * 32 + b" " + b"00" * 48,
        LINE.strip()[:-2],
        b"\xff\xfe\x00",
        LINE.strip() + b" more",
    ]
    log = KeyLog.parse(b"\n".join(junk) + b"\n" + LINE, "k")
    assert log.use()[0].junk_lines == len(junk)
    assert log.secret(CLIENT_RANDOM, RANDOM) == MASTER


def test_labels_that_open_nothing_are_no_junk() -> None:
    random, secret = RANDOM.hex().encode(), bytes(32).hex().encode()
    log = KeyLog.parse(
        b"EXPORTER_SECRET %s %s\nCLIENT_TRAFFIC_SECRET_N %s %s\n" % (random, secret, random, secret), "k"
    )
    assert log.use()[0].junk_lines == 0
    assert len(log) == 0


def test_conflicting_lines_are_all_kept_the_latest_first() -> None:
    lines = [
        b"CLIENT_RANDOM %s %s" % (RANDOM.hex().encode(), bytes([n] * 48).hex().encode()) for n in range(3)
    ]
    log = KeyLog.parse(b"\n".join([*lines, lines[0]]), "k")
    assert log.secrets(CLIENT_RANDOM, RANDOM) == (b"\2" * 48, b"\1" * 48, b"\0" * 48)
    assert log.use()[0].conflicting_lines == 2


@pytest.mark.reaches("key_log_secrets")
def test_conflicting_lines_are_bounded() -> None:
    lines = [
        b"CLIENT_RANDOM %s %s" % (RANDOM.hex().encode(), bytes([n] * 48).hex().encode()) for n in range(50)
    ]
    assert len(KeyLog.parse(b"\n".join(lines), "k").secrets(CLIENT_RANDOM, RANDOM)) == BOUNDS.key_log_secrets


def test_use_is_told_per_source() -> None:
    other = LINE.replace(RANDOM.hex().encode(), bytes(32).hex().encode(), 1)
    log = KeyLog.parse(LINE, "first")
    log.add(LINE + other, "second")
    log.add(b"junk\n", "third")
    log.opened(RANDOM)
    assert [(use.name, use.sessions, use.opened, use.junk_lines) for use in log.use()] == [
        ("first", 1, 1, 0),
        ("second", 2, 1, 0),
        ("third", 0, 0, 1),
    ]
    assert log.unopened(CLIENT_RANDOM) == ([(bytes(32), MASTER)], False)


def test_a_source_may_come_in_pieces() -> None:
    log = KeyLog()
    log.add(LINE, "secrets block")
    log.add(LINE.replace(b"CLIENT_RANDOM", b"PMS_CLIENT_RANDOM"), "secrets block")
    assert len(log.use()) == 1
    assert log.has_premaster_secrets


@given(st.binary(max_size=300))
def test_nothing_raises(text: bytes) -> None:
    log = KeyLog.parse(LINE + text, "k")
    log.add(text, "other")
    log.use()


@given(st.integers(0, len(LINE) - 1), st.integers(0, 255))
def test_a_damaged_line_never_raises(position: int, value: int) -> None:
    damaged = bytearray(LINE)
    damaged[position] = value
    KeyLog.parse(bytes(damaged), "k").use()


def test_a_session_with_lines_of_two_kinds_counts_once() -> None:
    log = KeyLog.parse(
        b"RSA " + b"01" * 8 + b" " + b"02" * 48 + b"\nCLIENT_RANDOM " + b"03" * 32 + b" " + b"04" * 48, "k"
    )
    (use,) = log.use()
    assert (use.sessions, use.opened, use.unopened) == (1, 0, {bytes([3]) * 32})
    assert log.sessions() == {bytes([1]) * 8, bytes([3]) * 32}
    log.opened(bytes([3]) * 32)
    (use,) = log.use()
    assert (use.sessions, use.opened, use.unopened) == (1, 1, frozenset())


def test_lines_of_label_rsa_alone_count() -> None:
    (use,) = KeyLog.parse(b"RSA " + b"01" * 8 + b" " + b"02" * 48, "k").use()
    assert (use.sessions, use.unopened) == (1, {bytes([1]) * 8})

from __future__ import annotations

from ocsp_pcap.carriers.order import Carried
from ocsp_pcap.spoken.carried import CarriedTls
from ocsp_pcap.spoken.shared import Shared
from tests.unit.tls.wire import HOST, identity, record

FLIGHTS = record()[0].flights


def pieces(session: int = 0, client: int = 0, start: int = 1) -> list[Carried]:
    return [
        Carried(session, client if from_client else 1 - client, data, frame, frame)
        for frame, (from_client, data) in enumerate(FLIGHTS, start)
    ]


def test_sessions_that_overlap_are_told_apart() -> None:
    carried = CarriedTls(Shared())
    for one, other in zip(pieces(0), pieces(1, start=2), strict=True):
        carried.take([one, other], 0)
    assert carried.done
    found = carried.finish()
    assert [handshake.certificates for handshake in found] == [(identity().der,)] * 2
    assert [handshake.first_frame for handshake in found] == [1, 2]


def test_messages_correct_who_the_client_is() -> None:
    carried = CarriedTls(Shared())
    carried.take(pieces(client=1), 0)
    assert carried.swapped
    hello = carried.finish()[0].client_hello
    assert hello is not None
    assert hello.server_name == HOST


def test_missing_bytes_are_those_that_the_carrier_estimates() -> None:
    carried = CarriedTls(Shared())
    head = pieces()[0]
    carried.take([head, Carried(0, 1, b"", 2, 2, missing=300), *pieces()[2:]], 0)
    assert carried.finish()[0].missing_bytes == 300


def test_nothing_is_done_before_it_began() -> None:
    carried = CarriedTls(Shared())
    assert not carried.done
    assert not carried.swapped
    assert carried.finish() == []

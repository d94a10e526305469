from __future__ import annotations

import pytest

from ocsp_pcap.tls.direction import Direction
from ocsp_pcap.tls.events import ServerHello
from ocsp_pcap.tls.opaque import judge

from .wire import kinds


def hello(suite: int = 0x1301, *, retry: bool = False) -> ServerHello:
    return ServerHello(1, 1, b"r" * 32, b"", 0x0304, suite, None, False, False, retry)


class Sides:
    def __init__(self, server_hello: ServerHello | None = None, *, early_data: bool = False) -> None:
        self.client, self.server = Direction(True), Direction(False)
        self.hello = server_hello
        self.early_data = early_data

    def see(self, *records: tuple[bool, int]) -> list[str]:
        found = []
        for from_client, size in records:
            side = self.client if from_client else self.server
            if not side.done:
                found += judge(side, self.client, self.hello, self.early_data, size, 1, 1)
        return kinds(found)


@pytest.mark.parametrize(("suite", "finished"), [(0x1301, 53), (0x1302, 69), (0x1303, 53), (0x1305, 45)])
def test_the_size_of_finished_depends_on_the_suite(suite: int, finished: int) -> None:
    sides = Sides(hello(suite))
    assert sides.see((False, 3000), (True, finished)) == [
        "EncryptedHandshake>",
        "EncryptedHandshake<",
        "Finished<",
    ]
    assert sides.see((True, 500)) == ["ApplicationData<"]
    assert sides.client.done


def test_without_server_hello_either_size_is_finished() -> None:
    for size in (53, 69):
        assert "Finished<" in Sides().see((True, size))


def test_tickets_are_no_application_data() -> None:
    sides = Sides(hello())
    sides.see((False, 3000), (True, 53))
    assert sides.see((False, 250), (False, 250)) == []
    assert sides.see((True, 300), (False, 800)) == ["ApplicationData<", "ApplicationData>"]
    assert sides.server.done


def test_a_client_certificate_in_one_record_with_finished() -> None:
    sides = Sides(hello())
    assert sides.see((False, 3000), (True, 1800)) == ["EncryptedHandshake>", "EncryptedHandshake<"]
    assert sides.see((False, 250), (True, 300)) == ["ApplicationData<"]


def test_the_fifth_record_of_a_client_is_application_data() -> None:
    sides = Sides(hello())
    assert sides.see(*[(True, 300)] * 4) == ["EncryptedHandshake<"]
    assert sides.see((True, 300)) == ["ApplicationData<"]


def test_a_server_alone_has_application_data_after_many_records() -> None:
    found = Sides(hello()).see(*[(False, 1400)] * 40)
    assert found == ["EncryptedHandshake>", "ApplicationData>"]


@pytest.mark.parametrize("from_client", [True, False])
def test_an_alert_has_its_size(from_client: bool) -> None:
    sides = Sides(hello())
    assert sides.see((from_client, 19)) == ["Alert<" if from_client else "Alert>"]
    assert (sides.client if from_client else sides.server).done


def test_early_data() -> None:
    sides = Sides(early_data=True)
    assert sides.see((True, 300), (True, 53), (True, 19)) == ["ApplicationData<"]
    sides.hello = hello()
    assert sides.see((False, 800), (True, 21), (True, 53)) == [
        "EncryptedHandshake>",
        "EncryptedHandshake<",
        "Finished<",
    ]
    assert sides.see((True, 300)) == ["ApplicationData<"], "what follows Finished is no early data"
    assert sides.client.done


def test_early_data_behind_a_hello_retry_request() -> None:
    assert Sides(hello(retry=True), early_data=True).see((True, 300)) == ["ApplicationData<"]

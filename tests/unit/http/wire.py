"""Feeds HTTP conversations for tests."""

from __future__ import annotations

from typing import Protocol, TypeVar

from ocsp_pcap.http.connection import HttpConversation
from ocsp_pcap.http.events import HttpEvent, Response
from ocsp_pcap.ocsp import interest
from tests.unit.ocsp.messages import request_der
from tests.unit.pki.authority import Authority

Event = TypeVar("Event", covariant=True)


class Conversation(Protocol[Event]):
    def receive(
        self, from_client: bool, data: bytes, frame: int, time: int, segment_start: bool = False
    ) -> list[Event]: ...
    def gap(self, from_client: bool, length: int, frame: int, time: int) -> list[Event]: ...
    def close(self, from_client: bool, frame: int, time: int, reset: bool = False) -> list[Event]: ...
    def finish(self, frame: int, time: int) -> list[Event]: ...


CLIENT, SERVER = True, False
Step = tuple[bool, bytes | int | None]
"""(from_client, data): a number is a gap of that many bytes, None is FIN."""


def play(conversation: Conversation[Event], *steps: Step, whole: bool = True) -> list[Event]:
    """Feed steps; frame n is step n (1-based), its time 1000 n. Not ``whole``: byte by byte."""
    events: list[Event] = []
    for frame, (from_client, data) in enumerate(steps, 1):
        time = frame * 1000
        if data is None:
            events += conversation.close(from_client, frame, time)
        elif isinstance(data, int):
            events += conversation.gap(from_client, data, frame, time)
        elif whole:
            events += conversation.receive(from_client, data, frame, time, True)
        else:
            for index in range(len(data)):
                events += conversation.receive(from_client, data[index : index + 1], frame, time, index == 0)
    return events


OCSP_REQUEST, OCSP_RESPONSE = "application/ocsp-request", "application/ocsp-response"


def post(body: bytes, host: str = "ocsp.site.test", path: str = "/", kind: str = OCSP_REQUEST) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str, host: str = "ocsp.site.test") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def answer(body: bytes, status: str = "200 OK", kind: str = OCSP_RESPONSE, extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


AUTHORITY = Authority()
DER = request_der(AUTHORITY, AUTHORITY.issue())
POST = post(DER)
ANSWER = answer(b"0\x03\x0a\x01\x03")
PAGE = get("/index.html")
HTML = answer(b"<html>" + b"x" * 200, kind="text/html")


def run(*steps: Step, finish: bool = True) -> list[HttpEvent]:
    """Play the steps whole and byte by byte, which must give the same events."""
    found = []
    for whole in (True, False):
        conversation = HttpConversation(interest)
        events = play(conversation, *steps, whole=whole)
        found.append(events + (conversation.finish(99, 99_000) if finish else []))
    assert found[0] == found[1]
    return found[0]


def responses(events: list[HttpEvent]) -> list[Response]:
    return [event for event in events if isinstance(event, Response)]

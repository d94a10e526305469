"""OCSP exchanges and CRL downloads, out of HTTP conversations (RFC 6960 appendix A)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.facts import CertIdFact
from ocsp_pcap.http.connection import HttpConversation
from ocsp_pcap.http.events import (
    ConnectTunnel,
    Headers,
    HttpEvent,
    Request,
    Response,
    Trailing,
    UnansweredRequest,
    header,
)
from ocsp_pcap.http.intermediaries import answered_by, relayed_for, user_agent
from ocsp_pcap.http.tunnel import authority
from ocsp_pcap.ocsp import interest
from ocsp_pcap.ocsp.cache import ResponseCache
from ocsp_pcap.ocsp.interest import CRL_TYPES, OCSP_REQUEST, OCSP_RESPONSE, content_type, may_be_unread
from ocsp_pcap.ocsp.model import OcspResponse
from ocsp_pcap.ocsp.request import OcspParseError, parse_request, request_from_path, resembles_request
from ocsp_pcap.pki.crl import CrlSummary, read_crl

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,10})", re.IGNORECASE | re.ASCII)


Closed: TypeAlias = Literal["fin", "rst"]


class Outline(NamedTuple):
    """Properties that an OCSP exchange and a CRL download share. Times are nanoseconds since the epoch."""

    method: str | None
    """None, as every other part of a request, where the request is not in the capture."""
    url: str | None
    """Absolute where the target or a Host header tells the host, else the target as sent."""
    via_proxy: bool
    """The request was sent to a proxy, with the target in absolute form (RFC 9112 3.2.2)."""
    request_frame: int | None
    response_frame: int | None
    time: int
    """Of the request, else of the answer."""
    response_time: int | None
    http_status: int | None
    content_type: str | None
    location: str | None
    max_age: int | None
    """Seconds, from Cache-Control of the answer (RFC 9111 5.2.2.1)."""
    expires: int | None
    """From the Expires header of the answer (RFC 9111 5.3); 0 where its value is no date: expired."""
    missing_bytes: int
    """Bytes of the answer that the capture does not hold."""
    closed: Closed | None
    """How the server ended the connection before the answer was complete."""
    http_error: str | None
    """What HTTP forbids about request or answer."""
    relayed_for: str | None
    """For whom a proxy relayed the request (:func:`ocsp_pcap.http.intermediaries.relayed_for`)."""
    answered_by: str | None
    """Header that shows a proxy in the answer (:func:`ocsp_pcap.http.intermediaries.answered_by`)."""
    date: int | None
    """From the Date header of the answer (RFC 9110 6.6.1)."""
    user_agent: str | None


class OcspExchange(NamedTuple):
    """One OCSP request with its answer; either may be missing."""

    http: Outline
    requests: tuple[CertIdFact, ...]
    nonce: str | None
    request_error: str | None
    """Why what was sent as an OCSP request could not be read."""
    response: OcspResponse | None
    """None: there was no answer, or an HTTP error, or what was seen of the answer is not whole."""
    unread: bool = False
    """Something was asked that cannot be read: ``requests`` is empty, ``request_error`` says why."""
    doubtful: bool = False
    """Whether it is an OCSP exchange at all hangs on whether the host asked is a responder."""

    @property
    def moment(self) -> int:
        """When it began."""
        return self.http.time


class CrlFetch(NamedTuple):
    """One HTTP request for a certificate revocation list."""

    http: Outline
    crl: CrlSummary | None
    """None: there was no answer, or it was not 200."""

    @property
    def moment(self) -> int:
        """When it began."""
        return self.http.time


class RefusedTunnel(NamedTuple):
    """A tunnel that a proxy was asked for, by CONNECT or SOCKS, and did not open."""

    kind: Literal["connect", "socks"]
    host: str | None
    port: int | None
    request_frame: int
    time: int
    """Of the request."""
    response_frame: int | None = None
    status: int | None = None
    """HTTP status, or SOCKS reply code (RFC 1928 6); None: there was no answer."""

    @property
    def moment(self) -> int:
        """When it began."""
        return self.time


Exchange: TypeAlias = OcspExchange | CrlFetch | RefusedTunnel
"""What a connection shows that counts, handshakes aside."""


class ExchangeReader:
    """One connection: bytes in, OCSP exchanges and CRL downloads out. Never raises on any input.

    The methods are those of :class:`~ocsp_pcap.http.connection.HttpConversation`, whose rules hold here too.
    An exchange is reported when its answer is complete, or given up.
    """

    def __init__(
        self,
        responses: ResponseCache,
        scheme: Literal["http", "https"] = "http",
        *,
        mid_stream: bool = False,
    ) -> None:
        """``mid_stream``: the connection began before the capture did."""
        self._responses = responses
        self._scheme = scheme
        self._http = HttpConversation(interest, self._answers, mid_stream=mid_stream)
        self._doubtful = 0

    @property
    def tunnel(self) -> ConnectTunnel | None:
        """The tunnel that a CONNECT request opened."""
        return self._http.tunnel

    @property
    def switched(self) -> bool:
        """The connection speaks another protocol from here on."""
        return self._http.switched

    def may_end(self, from_client: bool) -> bool:
        """Tell whether another protocol may begin in a direction: see :class:`HttpConversation`."""
        return self._http.may_end(from_client)

    def take_trailing(self) -> list[Trailing]:
        """Return, once, what travelled inside the tunnel and was handed to this reader."""
        return self._http.take_trailing()

    @property
    def held(self) -> int:
        """Bytes of messages that are not complete."""
        return self._http.held

    def wants(self, from_client: bool) -> bool:
        """Tell whether bytes of this direction can matter at this moment."""
        return self._http.wants(from_client)

    def skip(self, from_client: bool) -> None:
        """Tell that wanted bytes of this direction were withheld."""
        self._http.skip(from_client)

    def receive(
        self, from_client: bool, data: bytes, frame: int, time: int, segment_start: bool = False
    ) -> list[Exchange]:
        """Take the next bytes of one direction; ``segment_start`` tells that they begin a TCP segment."""
        events = self._http.receive(from_client, data, frame, time, segment_start)
        return self._exchanges(events) if events else []

    def gap(self, from_client: bool, length: int, frame: int, time: int) -> list[Exchange]:
        """Account for bytes of one direction that the capture does not hold."""
        return self._exchanges(self._http.gap(from_client, length, frame, time))

    def close(self, from_client: bool, frame: int, time: int, reset: bool = False) -> list[Exchange]:
        """One direction ended by FIN, or both did by RST."""
        return self._exchanges(self._http.close(from_client, frame, time, reset))

    def finish(self, frame: int, time: int) -> list[Exchange]:
        """The capture ended: report what is incomplete."""
        return self._exchanges(self._http.finish(frame, time))

    def _answers(self, request: Request, answer: Response) -> bool | None:
        """Tell by their CertIDs whether a response answers a request; None: they do not tell."""
        if request.method == "CONNECT":
            return True
        question = _question(request)
        response = self._ocsp_response(answer)
        if question is None or not question.entries or response is None or not response.singles:
            return None
        return not {single.cert_id for single in response.singles}.isdisjoint(question.entries)

    def _exchanges(self, events: Iterable[HttpEvent]) -> list[Exchange]:
        found: list[Exchange] = []
        for event in events:
            if isinstance(event, Request):
                continue
            answer = event if isinstance(event, Response) else None
            if event.request is not None and event.request.method == "CONNECT":
                found.append(_refused_tunnel(event.request, answer))
                continue
            outline = self._outline(event.request, answer, event)
            exchange = self._exchange(event.request, answer, outline)
            if exchange is not None:
                found.append(exchange)
        return found

    def _outline(
        self, request: Request | None, answer: Response | None, event: Response | UnansweredRequest
    ) -> Outline:
        headers: Headers = () if answer is None else answer.headers
        age = _MAX_AGE.search(header(headers, "cache-control") or "")
        errors = [part.error for part in (request, answer) if part is not None and part.error]
        time = request.time if request is not None else answer.time if answer is not None else 0
        return Outline(
            method=None if request is None else request.method,
            url=None if request is None else self._url(request),
            via_proxy=request is not None and _ABSOLUTE.match(request.target) is not None,
            request_frame=None if request is None else request.frame,
            response_frame=None if answer is None else answer.frame,
            time=time,
            response_time=None if answer is None else answer.time,
            http_status=None if answer is None else answer.status,
            content_type=content_type(headers) or None,
            location=header(headers, "location"),
            max_age=int(age[1]) if age else None,
            expires=_expires(header(headers, "expires")),
            missing_bytes=event.missing,
            closed=event.closed,
            http_error="; ".join(errors) or None,
            relayed_for=None if request is None else relayed_for(request.headers),
            answered_by=answered_by(headers),
            date=_http_date(header(headers, "date")),
            user_agent=None if request is None else user_agent(request.headers),
        )

    def _url(self, request: Request) -> str:
        if _ABSOLUTE.match(request.target):
            return request.target
        host = header(request.headers, "host")
        return f"{self._scheme}://{host}{request.target}" if host else request.target

    def _exchange(
        self, request: Request | None, answer: Response | None, outline: Outline
    ) -> Exchange | None:
        question = _question(request)
        answered = outline.content_type == OCSP_RESPONSE
        if question is None and not answered:
            return _crl_fetch(request, answer, outline)
        if question is not None and question.doubtful and not answered:
            fetch = _crl_fetch(request, answer, outline)
            if fetch is not None:
                return fetch
            self._doubtful += 1
            if self._doubtful > BOUNDS.doubtful_exchanges:
                reached("doubtful_exchanges")
                return None
        if question is None and request is not None and request.method == "POST":
            question = _Question(error="the body of the request was not kept", unread=True)
        question = question or _Question()
        return OcspExchange(
            outline,
            question.entries,
            question.nonce,
            question.error,
            self._ocsp_response(answer),
            question.unread,
            question.doubtful and not answered,
        )

    def _ocsp_response(self, answer: Response | None) -> OcspResponse | None:
        if answer is None:
            return None
        kind = content_type(answer.headers)
        if not 200 <= answer.status < 300 and (kind != OCSP_RESPONSE or not answer.body):
            return None
        response = self._responses.parse(answer.body)
        if response.parse_error is not None and not answer.complete:
            # What is wrong with it may be only what the capture lost.
            return None
        return response


def _expires(value: str | None) -> int | None:
    """Return when an answer expires; 0, which is past, where the value is no date (RFC 9111 5.3)."""
    return None if value is None else _http_date(value) or 0


@lru_cache(256)
def _http_date(value: str | None) -> int | None:
    """Return an HTTP-date (RFC 9110 5.6.7) as nanoseconds since the epoch; None where it is none."""
    if value is None:
        return None
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(value[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - _EPOCH) // timedelta(seconds=1) * 1_000_000_000, 0)


def _refused_tunnel(request: Request, answer: Response | None) -> RefusedTunnel:
    return RefusedTunnel(
        "connect",
        *authority(request.target),
        request.frame,
        request.time,
        None if answer is None else answer.frame,
        None if answer is None else answer.status,
    )


class _Question(NamedTuple):
    """What a request asks of a responder."""

    entries: tuple[CertIdFact, ...] = ()
    nonce: str | None = None
    error: str | None = None
    unread: bool = False
    doubtful: bool = False


def _question(request: Request | None) -> _Question | None:
    """Return what a request asks as OCSPRequest, None where it asks nothing of the kind."""
    if request is None:
        return None
    declared = content_type(request.headers) == OCSP_REQUEST
    by_path = not declared and request.method in ("GET", "HEAD")
    sent = request_from_path(request.target) if by_path else request.body
    problem = "the path is no OCSPRequest"
    if sent is not None:
        try:
            parsed = parse_request(sent)
        except OcspParseError as error:
            problem = str(error)
        else:
            return _Question(parsed.entries, parsed.nonce)
    if by_path:
        resemblance = resembles_request(request.target)
        if resemblance is None:
            return None
        doubtful = resemblance == "form"
    elif declared:
        doubtful = False
    elif may_be_unread(request.body, complete=request.complete):
        doubtful = True
    else:
        return None
    if not request.complete:
        lost = f"{request.missing} bytes of it are" if request.missing > 1 else "its end is"
        problem = f"the request is not whole: {lost} not in the capture"
    return _Question(error=problem, unread=True, doubtful=doubtful)


def _crl_fetch(request: Request | None, answer: Response | None, outline: Outline) -> CrlFetch | None:
    by_path = request is not None and request.target.partition("?")[0].lower().endswith(".crl")
    by_type = outline.content_type in CRL_TYPES
    crl = None
    if answer is not None and 200 <= answer.status < 300 and (answer.body or by_path or by_type):
        crl = read_crl(answer.body)
    if by_path or by_type or (crl is not None and crl.this_update is not None):
        return CrlFetch(outline, crl)
    return None

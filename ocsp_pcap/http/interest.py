"""Interest in messages: the caller's rules of which ones matter, and how much of their bodies to keep."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from ocsp_pcap.http.events import Headers


class Interest(NamedTuple):
    """The thing that a message may be."""

    name: str
    body_bound: str = ""
    """The bound on the body of a response that is kept; none of it without one."""
    request_body_bound: str = ""
    """Likewise of a request."""
    body_decides: bool = False
    """The headers do not tell; the first bytes of the body do."""


NONE: Final = Interest("none")
TUNNEL: Final = Interest("tunnel")
"""CONNECT."""


class Interests(Protocol):
    """Tells which messages matter: :mod:`ocsp_pcap.ocsp.interest` is one."""

    def is_plain_request(self, head: bytes) -> bool:
        """Tell cheaply whether a complete request head has no body and cannot matter by itself."""

    def is_plain_answer(self, head: bytes) -> bool:
        """Tell cheaply whether the answer to a request that does not matter cannot matter either."""

    def request_interest(self, method: str, target: str, headers: Headers) -> Interest:
        """Tell from its head what a request other than CONNECT may be."""

    def response_interest(self, request: Interest, status: int, headers: Headers) -> Interest:
        """Tell from its head what a response may be, given what its request was."""

    def request_body_interest(self, body: bytes, *, complete: bool) -> Interest:
        """Decide about a request whose body decides, as far as the body was seen."""

    def may_be_structure(self, prefix: bytes, *, request: bool) -> bool:
        """Tell whether a body that decides may be of interest, from its first 64 bytes or fewer."""

"""The form of an entry in the tables of causes and findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from string import Formatter
from typing import Final, Literal, NamedTuple, TypeAlias

from ocsp_pcap.explain.grounds.claim import Proof
from ocsp_pcap.explain.model import Presence, Severity
from ocsp_pcap.explain.question import Situation

PLACEHOLDERS: Final = frozenset(
    {
        *("host", "validator", "responder", "serial", "frame", "stream", "transport"),
        *("until", "longer", "quic"),
        "tls",
        *("problem", "lenient", "alert"),
        *("upstream_off", "upstream_on", "on_here", "perhaps_on_here", "unseen", "inner_off", "inner_on"),
    }
)
"""What a next step may refer to, each optional.

``host``: the verdict's host name. ``validator``: the address of the host that would ask. ``responder``:
host name of the OCSP responder, from its URL. ``serial``: serial number in hex. ``frame``: number of the
frame that proves most, as Wireshark's ``frame.number``. ``stream``: as Wireshark's ``tcp.stream`` or
``udp.stream``, which ``transport`` tells: ``tcp`` or ``udp``.
``until``: when the answer that the validator holds runs out. ``longer``: how long answers last, where a
capture longer than that would decide. ``quic``: the word QUIC, where the handshake travels over it.
``tls``: the word TLS, where one travels over TCP.
``problem``: what is wrong with a staple. ``lenient``: the address of a validator that went on all the same.
``alert``: the alert by which one refused.

What is done already is not asked for again. ``upstream_on``: how it is known that OCSP is on at the parent;
``upstream_off``: the parent, where that is not known. ``on_here``: the validator, a proxy that is not known
to have OCSP off; ``perhaps_on_here``: the validator, where it is open whether it is a proxy. ``unseen``: the
host, where no capture shows its own certificate. ``inner_on``: who asks behind a proxy that only
tunnels; ``inner_off``: the child, where none is seen to.
"""


Check: TypeAlias = Literal["done", "needless", "impossible", "failed", "off", "moot"]
"""How it stands about the revocation status of a certificate.

``done``: it was asked for, or was at hand. ``needless``: nobody need ask. ``impossible``: nobody could.
``failed``: whoever asked learned nothing. ``off``: nobody asks. ``moot``: the handshake gave no occasion to.
"""


class Cause(NamedTuple):
    """One cause or finding of the contract."""

    code: str
    kind: Literal["cause", "finding"]
    presence: Presence | None
    """For a cause: the answer that it explains."""
    severity: Severity | None
    """For a finding: how severe it is unless the packets say more."""
    meaning: str
    """One line, plain text."""
    next_steps: tuple[str, ...]
    """Plain sentences, with the placeholders of :data:`PLACEHOLDERS`."""
    phrase: tuple[str, str, str] = ("", "", "")
    """For a cause: what it says of one certificate, of several, and of any where it is not confirmed."""
    check: Check | None = None
    """For a cause: how it stands with it about the revocation status; None: that is open."""
    proofs: tuple[Proof, ...] = ()
    """For a cause: sets of kinds of ground, each of which proves it; none: it is never more than likely."""
    only: Callable[[Situation], bool] = lambda _: True
    """For a cause: which questions it is asked; what it need not look at is left out for all at once."""

    def steps(self, context: Mapping[str, object]) -> tuple[str, ...]:
        """Return the next steps with their placeholders filled in.

        ``context`` may give any of :data:`PLACEHOLDERS`; a sentence that needs one which is missing or None
        is left out. Values go in as they are and are escaped where text leaves the program.
        """
        return tuple(
            [
                sentence.format_map(context)
                for sentence, names in _with_placeholders(self.next_steps)
                if None not in map(context.get, names)
            ]
        )


@cache
def _with_placeholders(sentences: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return sentences of the tables with the names of their placeholders."""
    return tuple(
        (sentence, tuple(name for _, name, _, _ in Formatter().parse(sentence) if name is not None))
        for sentence in sentences
    )


def cause(
    code: str,
    presence: Presence,
    meaning: str,
    phrase: tuple[str, str, str],
    proofs: tuple[Proof, ...],
    *next_steps: str,
    check: Check | None = None,
    only: Callable[[Situation], bool] = lambda _: True,
) -> Cause:
    """Make an entry for a cause; ``check`` follows from the presence where something was asked."""
    asked: dict[str, Check] = {"present": "done", "attempted": "failed"}
    check = asked.get(presence, check)
    return Cause(code, "cause", presence, None, meaning, next_steps, phrase, check, proofs, only)


def finding_entry(code: str, severity: Severity, meaning: str, *next_steps: str) -> Cause:
    """Make an entry for a finding."""
    return Cause(code, "finding", None, severity, meaning, next_steps)


DECIDE: Final = (
    "What decides between 'off' and 'cached': set the TTL override of {validator}'s OCSP cache to one minute "
    "or clear the cache, write a policy trace, and open {host} twice, two minutes apart; or capture for "
    "longer than {longer}, which no answer from before outlasts."
)
"""A step that several causes share."""

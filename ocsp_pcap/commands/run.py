"""From options to facts and explanations, and from how that went to an exit status."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

from ocsp_pcap.inputs import CapturesRead, read_case
from ocsp_pcap.output import BROKEN, INTERRUPTED, UNUSABLE, warn

if TYPE_CHECKING:
    from ocsp_pcap.explain.case import Context
    from ocsp_pcap.explain.model import Explanation


def end(reading: CapturesRead, *, held: bool = True) -> None:
    """Exit with the status that the contract has for what happened, the gravest first."""
    if reading.interrupted:
        sys.exit(INTERRUPTED)
    if not reading.complete:
        sys.exit(UNUSABLE)
    if not held:
        sys.exit(BROKEN)


def explanation_of(host: tuple[str, ...], **options: Any) -> tuple[Explanation, CapturesRead]:
    """Read as options say (:func:`~ocsp_pcap.inputs.read_case`) and explain; tell also how reading went."""
    context, reading = read_case(**options)
    return explained(context, reading, host), reading


def explained(context: Context, reading: CapturesRead, host: tuple[str, ...]) -> Explanation:
    """Explain what was read."""
    from ocsp_pcap.explain.engine import explain as explain_facts

    # Hardly anything of an explanation, or of what it is made of, is garbage before all is said.
    gc.disable()
    try:
        explanation = explain_facts(reading.facts, context, host)
    finally:
        gc.freeze()
        gc.enable()
    for note in explanation.remarks:
        warn(note)
    if host and not explanation.verdicts:
        warn(f"no certificate belongs to a host like {' or '.join(host)}")
    return explanation

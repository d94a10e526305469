"""Reassembly against a reference that is too simple to be wrong: bytes written to their places."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.streams.events import Data, Gap
from ocsp_pcap.streams.reassembly import Reassembler
from ocsp_pcap.streams.windows import MODULUS


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_copies_that_agree_give_the_stream_in_any_order(data: st.DataObject) -> None:
    content = data.draw(st.binary(min_size=1, max_size=400))
    start = data.draw(st.sampled_from([0, 1, 1000, MODULUS - 100, MODULUS - 1]))
    cuts = data.draw(st.sets(st.integers(1, max(len(content) - 1, 1)), max_size=20))
    edges = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    spans = list(pairwise(edges))
    # Retransmissions that span, cut or repeat what was sent.
    for _ in range(data.draw(st.integers(0, 6))):
        low = data.draw(st.integers(0, len(content) - 1))
        spans.append((low, data.draw(st.integers(low + 1, len(content)))))
    left_out = data.draw(st.sets(st.sampled_from(spans), max_size=2))
    order = data.draw(st.permutations(spans))
    known = [False] * len(content)
    reassembler = Reassembler(0)
    reassembler.start(start)
    events = []
    for frame, (low, high) in enumerate(order, 1):
        if (low, high) not in left_out:
            known[low:high] = [True] * (high - low)
            events += reassembler.segment((start + low) % MODULUS, content[low:high], 0, frame, frame)
    events += reassembler.flush(99, 99)
    last = max((at for at, there in enumerate(known) if there), default=-1)
    given_bytes: list[int | None] = []
    for event in events:
        if isinstance(event, Data):
            given_bytes += event.data
        elif isinstance(event, Gap):
            given_bytes += [None] * event.length
    expected = [byte if there else None for byte, there in zip(content, known, strict=True)][: last + 1]
    assert given_bytes == expected

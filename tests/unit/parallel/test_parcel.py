"""What is packed by one process goes on with what the other one has."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from ocsp_pcap.capture import open_capture
from ocsp_pcap.observe.capture import CaptureObserver
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.parcel import pack, unpack
from ocsp_pcap.spoken.shared import Shared

CAPTURE = Path(__file__).resolve().parents[3] / "samples" / "direct" / "capture.pcap"


def sent(value: object, shared: Shared) -> Any:
    file = BytesIO()
    pack(value, file)
    file.seek(0)
    return unpack(file, shared)


def test_what_connections_share_is_that_of_the_receiver() -> None:
    shared, sender = Shared(), Shared()
    got, responses, twice = sent((sender, sender.responses, sender), shared)
    assert got is twice is shared
    assert responses is shared.responses


def test_handshakes_that_are_alike_have_the_same_traits() -> None:
    """However many processes read them: what is made of traits is made once."""
    shared = Shared()
    observers = [CaptureObserver(each) for each in (shared, Shared())]
    for observer in observers:
        with open_capture(CAPTURE) as reader:
            observer.read(reader, Watch())
        observer.finish()
    here, there = (observer.observation.tcp.streams.finished.traits for observer in observers)
    assert here == there != []
    assert not {id(traits) for traits in here} & {id(traits) for traits in there}
    assert [id(traits) for traits in sent(there, shared)] == [id(traits) for traits in here]

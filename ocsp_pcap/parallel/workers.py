"""The interface of those who read shares, be they processes of this machine or a cluster's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # Who reads no files side by side needs the errors alone.
    from ocsp_pcap.parallel.read_run import Said
    from ocsp_pcap.parallel.runs import Share
    from ocsp_pcap.spoken.shared import Shared


class ClusterError(Exception):
    """A cluster is of no use; the message is one sentence that says which and why."""


class Task(Protocol):
    """A share that a worker reads."""

    def said(self, shared: Shared) -> Said | None:
        """Wait for what the worker says of it; open connections go on with what is shared here.

        None: files bear TLS secrets, or the worker is no more, and they are to be read in order. Raises
        ClusterError where nothing will come any more.
        """

    def interrupt(self) -> bool:
        """End it; False: nothing will come of it."""


class Workers(Protocol):
    """Those who read shares side by side."""

    reads_along: bool
    """The first share is read by whoever puts them together."""

    @property
    def shares(self) -> int:
        """In how many shares there is to be."""

    def submit(self, share: Share) -> Task:
        """Have :func:`~ocsp_pcap.parallel.read_run.read_share` called somewhere."""

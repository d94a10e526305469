"""The interface of those who read runs, be they processes of this machine or a cluster's."""

from __future__ import annotations

from typing import Protocol

from ocsp_pcap.parallel.read_run import Step
from ocsp_pcap.parallel.runs import Run
from ocsp_pcap.spoken.shared import Shared


class RunError(Exception):
    """A worker failed at a run; the message says how, and is a sentence without its full stop."""


class ClusterError(Exception):
    """A cluster is of no use; the message is one sentence that says which and why."""


class Task(Protocol):
    """A run that a worker reads."""

    def steps(self, shared: Shared) -> list[Step]:
        """Wait for what the worker tells; connections that are open go on with what is shared here.

        Raises:
            RunError: it will not come.
            ClusterError: nor will anything else.
        """

    def cancel(self) -> object:
        """Give it up, where it is not yet being worked on."""

    def cancelled(self) -> bool:
        """Tell whether it was given up."""


class Workers(Protocol):
    """Those who read runs side by side."""

    @property
    def count(self) -> int:
        """How many they are."""

    def submit(self, run: Run) -> Task:
        """Have :func:`~ocsp_pcap.parallel.read_run.read_run` called somewhere."""

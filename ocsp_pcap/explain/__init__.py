"""From facts to sightings, verdicts and findings.

The way of an answer, and the module of each step:

1. :mod:`~ocsp_pcap.explain.case` sorts the facts of a run by host: *visits* (handshakes that it made) and
   *queries* (OCSP requests that it sent), on one clock (:mod:`~ocsp_pcap.explain.clocks`).
   :mod:`~ocsp_pcap.explain.hosts` and :mod:`~ocsp_pcap.explain.askers` say which addresses are one host, and
   for whom a query was sent.
2. For every certificate of every visit there is one *question* (:mod:`~ocsp_pcap.explain.question`): was it
   asked about, and if not, why not?
3. Each cause (:mod:`~ocsp_pcap.explain.causes`) looks at the question and may make a *claim*, with evidence
   and the grounds that it stands on (:mod:`~ocsp_pcap.explain.grounds`).
4. The claims are weighed. The most specific of the surest is the *sighting*; sightings of one certificate by
   one validator make a *verdict* (:mod:`~ocsp_pcap.explain.engine`).
5. *Findings* (:mod:`~ocsp_pcap.explain.findings`) speak of hosts and chains, from the verdicts.

Rules that hold here: facts are read and never changed; no capture is opened; a rule that claims never says
how sure it is; and what a sentence says is in the frames that stand beside it.

The other modules, by what they answer:

- who: ``roles`` (child, parent, client), ``identities`` (addresses of one proxy), ``all_hosts``, ``copies``
  (one packet in several captures); ``askers``, ``errands`` and ``hellos`` (whose question, lookup or
  ClientHello it is that a proxy handed on)
- when: ``intervals``, ``spans``, ``windows`` and ``lifetimes`` (how long an answer may be cached), ``stamps``
  and ``zones`` (times as logs write them)
- what captures cannot show: ``coverage``, ``gaps``, ``hidden``
- certificates: ``matching`` (which one a CertID means), ``making`` (genuine, or made by a proxy),
  ``stapling``, ``authorities`` (what their issuers do about OCSP)
- from handshake to answer: ``seeking`` (lookups, connections), ``querying`` (the outcome of a query),
  ``aftermath`` (what the validator did after a failure)
- habits of a validator: ``chances_to_ask`` (so many that silence means off), ``repetition`` (its cache)
- what the user gave: ``site``, ``trace``, ``logs``, and ``saying``, which quotes them
- results: ``model``, ``headline``, ``traffic``, ``chains``, ``picture``, ``timeline``, ``staples``,
  ``annotate``, ``products``; of other commands ``forecast``, ``difference`` and ``expect``

The package can be called: ``ocsp_pcap.explain("capture.pcap")`` is :func:`ocsp_pcap.notebook.explain`.
"""

import importlib
import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return importlib.import_module("ocsp_pcap.notebook").explain(*arguments, **options)


sys.modules[__name__].__class__ = _Callable

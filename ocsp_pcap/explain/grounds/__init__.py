"""Claims, the grounds that they stand on, and the doubts that may take those away.

A cause makes a *claim*: a sentence, evidence, and the grounds on which it stands. It does not judge itself.
There are few kinds of ground (:mod:`~ocsp_pcap.explain.grounds.kinds`), and each kind knows its own doubts
(:mod:`~ocsp_pcap.explain.grounds.doubts`), the ways in which a ground of that kind has been wrong: so what
was learned about loss, clocks or relays in one cause holds for all that stand on the same ground. Each cause
says which grounds prove it. One function weighs (:mod:`~ocsp_pcap.explain.grounds.weigh`), and it is the only
place that calls anything confirmed:

- all grounds are there and no doubt about any of them stands: ``confirmed``;
- a ground is missing, or a doubt stands: ``likely``, and the doubts are listed;
- a doubt names another cause that fits as well: ``possible``, and that cause is an alternative.
"""

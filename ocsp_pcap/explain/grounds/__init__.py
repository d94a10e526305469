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

An example. ``queried`` stands on the answer, which is there whole (Saw), to a request that this validator
sent (Sent) for this certificate (For); on what the answer means, by its CertID and its signature (Means),
and that it was valid then (Held); and on the order, the request after the handshake (After). A request that
bears ``Via`` raises the doubt ``other-asker`` about Sent: another host may have asked, and the verdict is
``likely`` until it is seen who did. No rule of ``queried`` says so: whatever stands on such a ground has
that doubt.
"""

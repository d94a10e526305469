"""TCP: segments to ordered byte streams with frame provenance.

Streams are told apart and numbered by Wireshark's rules, so that a number can be pasted into a filter on
``tcp.stream``. Every byte that is handed on comes with the frame that brought it. Only streams that matter
hold bytes, and each within bounds.

- :mod:`~ocsp_pcap.streams.flows` numbers the streams of a capture, a batch at a time. Its table keeps one row
  of numbers for each, in columns; the classes that it is built from each have one concern, lowest first: what
  is asked of it (:mod:`~ocsp_pcap.streams.known`), joining the tables of two processes
  (:mod:`~ocsp_pcap.streams.across_files`), what packets leave behind (:mod:`~ocsp_pcap.streams.remembered`).
- :mod:`~ocsp_pcap.streams.plain` finds the streams, nearly all, in which each segment begins where the one
  before it ended: their bytes can be read where they lie.
- :mod:`~ocsp_pcap.streams.reassembly` puts the segments of the others in order. A hole is given up, and
  reported as a gap, once the receiver has acknowledged what is missing: then the capture lost it, and not the
  network.
- :mod:`~ocsp_pcap.streams.receiver` judges copies of the same bytes that differ: which one did the receiver
  take? Where nothing tells, both frames are named, and what they bear counts as ambiguous.
"""

"""One capture: its TCP and UDP connections, and the facts that they give.

The walk over packets stays in numpy. Rows without payload, and rows of directions in which nothing can
matter any more, are dropped in bulk; Python runs over what is left, stream by stream, and stops as soon
as nothing more can come of a stream. What was seen is kept as an observation until the capture is over, for
only then is it known which hosts matter; :mod:`ocsp_pcap.observe.assemble` makes facts of it.

Nearly all TLS connections are plain and need no reassembly: :mod:`ocsp_pcap.observe.plain` reads
them where they lie in the batch, in one pass. It declines what is odd, a retransmission before the handshake
is over or an early FIN, before anything came of it, so that one rule holds for both ways: the facts do not
depend on which of them a stream went, nor on where a batch ends.

The files of a rotated set are one capture (:mod:`ocsp_pcap.observe.sets`): frames and streams are counted
through all of them. Files may have been read elsewhere, by observers that did not know the files before
(:mod:`ocsp_pcap.parallel`): an observer adopts what such another one holds, and goes on with it.
"""

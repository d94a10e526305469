"""One capture: its TCP and UDP connections, and the facts that they give.

The walk over packets stays in numpy. Rows without payload, and rows of directions in which nothing can
matter any more, are dropped in bulk; Python runs over what is left, stream by stream, and stops as soon
as nothing more can come of a stream. What was seen is kept as an observation until the capture is over, for
only then is it known which hosts matter; :mod:`ocsp_pcap.observe.assemble` makes facts of it.

Nearly all TLS connections are plain and need no reassembly: :mod:`ocsp_pcap.observe.plain` reads
them where they lie in the batch, in one pass. All others (with a retransmission before the handshake is over,
say, or an early FIN) it declines before it has kept anything of them, and they are read segment by segment.
So the facts depend neither on which way a stream was read nor on where a batch ends.

The files of a rotated set are one capture (:mod:`ocsp_pcap.observe.sets`): frames and streams are counted
through all of them. Later files may have been read by another process, whose observer did not know the
earlier ones (:mod:`ocsp_pcap.parallel`): the observer of the earlier files *adopts* what that one holds.
"""

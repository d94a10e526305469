"""TCP: segments to ordered byte streams with frame provenance.

Streams are told apart and numbered by Wireshark's rules, so that a number can be pasted into it. Every
byte that is handed on comes with the frame that brought it. Only streams that matter hold bytes, and each
within bounds. A hole is given up, and reported as a gap, once the receiver has acknowledged what is
missing: then the capture lost it, and not the network. Where copies of one byte differ, the one that the
receiver took is sought; where nothing tells which, both frames are named, and what they bear counts as
ambiguous. Most streams are plain, though: from their SYN on each segment begins where the one before it
ended. Which ones, and how far, columns show for a whole batch (:mod:`ocsp_pcap.streams.plain`).
"""

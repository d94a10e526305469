"""HTTP/1.1 as a witness reads it: bytes of both directions in, messages that may matter out.

h11 reads heads and bodies of single messages. What it has no place for is done here: a capture that
begins in mid-stream, bytes that are missing, answers that overtake their requests, bytes that were
withheld because nobody wanted them, and finding the next message after any of this. The caller says which
messages matter (:mod:`ocsp_pcap.http.interest`): this package knows nothing of OCSP. What does not matter
is passed over as cheaply as finding the next message allows. Nothing raises, on any input.
"""

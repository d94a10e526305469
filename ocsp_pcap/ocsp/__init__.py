"""OCSP over HTTP (RFC 6960, appendix A): byte streams to exchanges and CRL downloads.

A request and its answer make an exchange; either may be missing, and is reported all the same. Requests
and responses are parsed once for each distinct encoding, never raise, and are read leniently where
``cryptography`` refuses them. Signatures are verified against every certificate of the run that may be
the signer: what cannot be verified is ``unverifiable``, which is not ``invalid``. The model of a response
stands below (:mod:`ocsp_pcap.ocsp.model`), the lenient parser in between, parsing above.
"""

"""X.509: certificates, their issuers and CRLs (RFC 5280), parsed once each, never raising.

``cryptography`` reads what is well formed. What it refuses is read part by part by ``asn1crypto``,
because proxies and servers use such certificates all the same; the parts that nobody can read are named
in ``parse_error``. An outline of the DER, which says where each part stands, is read first. Models stand
below (:mod:`ocsp_pcap.pki.model`), the lenient parser in between, parsing above.
"""

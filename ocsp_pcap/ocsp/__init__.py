"""OCSP over HTTP: byte streams to requests, responses and CRL fetches."""

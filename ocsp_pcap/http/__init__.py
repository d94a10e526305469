"""HTTP/1.1 as a witness reads it: bytes of both directions in, messages that may matter out."""

"""DNS: messages to questions and answers (RFC 1035), by dnspython.

Messages are kept as bytes until it is known which names matter, and only then parsed: most of them never
are.
"""

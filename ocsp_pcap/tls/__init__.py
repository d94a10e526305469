"""TLS: byte streams to handshake events.

Parsers are sans-I/O, in the manner of h11: bytes in, immutable events out, each with the frame that
completed it; fed one byte at a time they give the same events. They are witnesses, not endpoints: they
never refuse what the endpoints accepted, go on behind a gap where a record can be found again, and say
what was missing (:class:`~ocsp_pcap.tls.events.Damage`). They stop wanting bytes as soon as a direction
can bring nothing more that matters, which is what makes reading fast. Records are decrypted where the user
gave keys; without them nothing is guessed beyond what lengths and order prove (:mod:`ocsp_pcap.tls.opaque`).

There are two ways from bytes to events, which share one state (:mod:`ocsp_pcap.tls.state`) and one set of
message readers. :class:`~ocsp_pcap.tls.connection.TlsConnection` takes bytes as they come, whatever they are.
:class:`~ocsp_pcap.tls.walk.Walker` is for a connection whose bytes are all in memory and in order, as nearly
all are; it works out only what no connection before showed, in a third of the time, and declines every other.
"""

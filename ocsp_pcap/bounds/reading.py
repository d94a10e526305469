"""The bounds of reading: how much of a capture is held or looked at."""

from __future__ import annotations

from dataclasses import dataclass

from ocsp_pcap.bounds.declared import COST, ERROR, bound


@dataclass(init=False, eq=False, repr=False)
class ReadingBounds:
    """How much of a capture is held or looked at, and why no more."""

    open_streams: int = bound(
        16_384,
        "connections that are followed at one time",
        "each holds a parser; of more, those that are closed, or were silent longest, are ended",
    )
    hole_bytes: int = bound(
        1 << 17,
        "bytes that wait behind a hole of a connection",
        "a hole that is filled at all is filled within a window; later it counts as lost",
    )
    hole_segments: int = bound(
        256,
        "segments of a connection that wait behind a hole, or lie outside its window",
        "segments of one byte cost as much",
    )
    compared_bytes: int = bound(
        1 << 17,
        "bytes of a connection that are kept to be compared with other copies of them",
        "copies come within a window of each other, and a handshake is shorter than this",
    )
    all_compared_bytes: int = bound(
        32 << 20,
        "bytes of all connections that are kept to be compared with other copies of them",
        "what has to be held grows with the connections that are open, not with the capture",
    )
    all_waiting_bytes: int = bound(
        128 << 20,
        "bytes of all connections that wait behind a hole, or for the rest of a record, message or body",
        "without it they grow with the connections; of more, those that were silent longest are ended",
    )
    unanswered_hellos: int = bound(
        65_536,
        "connections of a run that show a ClientHello and nothing that answers it",
        "one packet makes one, and each takes a kilobyte until all is read and explained",
    )
    rereadings: int = bound(
        8,
        "times that a connection is read again because a receiver took other packets",
        "each costs as much as reading it did; afterwards its bytes only count as ambiguous",
    )
    ambiguous_frames: int = bound(
        64, "frames of a connection that are named as ambiguous", "more of them prove no more"
    )
    watched_segments: int = bound(
        64,
        "segments of an unknown protocol that are looked at closely",
        "later ones are only looked at where they begin as TLS or HTTP does, which costs nothing",
        "beginnings of TLS and HTTP are found behind any number of them",
    )
    undecided_bytes: int = bound(
        4096, "bytes of a connection that are held while its protocol is open", "no greeting is longer"
    )
    exchanges: int = bound(
        65_536,
        "OCSP exchanges and CRL downloads of one connection",
        "a day of one query a second has as many",
    )
    tunnels: int = bound(8, "tunnels within tunnels", "proxies in a row are two or three")
    certificates: int = bound(
        64, "certificates of one handshake", "chains have three or four; browsers refuse more than about ten"
    )
    handshake_message: int = bound(
        1 << 20, "bytes of a TLS handshake message", "its length field allows 16 MiB, real ones have a few kB"
    )
    alerts: int = bound(8, "alerts of one handshake", "the first says what happened")
    authority_bytes: int = bound(
        16 << 20,
        "bytes of a file of CA certificates",
        "the largest bundles in use have less than 1 MB",
        ERROR,
    )
    dns_bytes: int = bound(
        32 << 20, "bytes of DNS messages that are kept", "which names matter shows at the end"
    )
    headers: int = bound(
        64,
        "headers around the TCP or UDP of a packet, tunnels included",
        "each costs a pass over the packets that have it; networks stack less than ten",
    )
    tags: int = bound(
        64,
        "VLAN tags, MPLS labels or options in a row that are followed at once",
        "each costs a pass over the packets that have it",
    )
    rounds: int = bound(
        8,
        "times that reassembled fragments, or packets behind extension headers, may hold others such",
        "each costs work for every packet by itself",
    )
    fragment_bytes: int = bound(
        16 << 20,
        "bytes of IP fragments that wait for the rest of their datagrams",
        "fragments follow each other; what never becomes whole would fill the memory",
    )
    fragmented_datagrams: int = bound(
        4096, "datagrams that wait for the rest of their fragments", "few are on their way at one time"
    )
    undecoded_names: int = bound(
        64,
        "encapsulations that are told apart where they cannot be read",
        "a list that is longer tells no more",
        "packets of others are counted together, as such",
    )
    certificate_ratio: int = bound(
        64,
        "times that a compressed Certificate message may be longer when it is expanded",
        "certificates shrink to a half or a quarter; what shrinks more is made to cost time",
    )
    capture_bytes: int = bound(
        1 << 38,
        "bytes of a compressed capture when it is expanded",
        "a file that fits on a disk may stand for years of packets; 256 GiB take an hour to read",
        ERROR,
    )
    capture_ratio: int = bound(
        500,
        "times that a compressed capture may be longer when it is expanded, beyond its first 64 MiB",
        "packets hold what does not repeat; a kilobyte that stands for a megabyte is made to cost time",
        ERROR,
    )
    http_head: int = bound(
        1 << 16, "bytes of the head of an HTTP message", "servers refuse heads of more than 8 to 64 kB"
    )
    http_line: int = bound(
        1 << 16, "bytes of a chunk's header or of trailers", "they hold a number, and rarely a few fields"
    )
    http_filler: int = bound(
        1 << 20,
        "bytes that a message of HTTP may be filled with where they are missing",
        "a longer loss leaves nothing of a message",
    )
    http_pending: int = bound(
        64, "HTTP requests of a connection that wait for an answer", "browsers send a few at a time"
    )
    tunnel_beginning: int = bound(
        1 << 14,
        "bytes that a client sends behind CONNECT before the answer is seen",
        "no client sends more than a hello ahead",
        "of more the tunnel counts as open, and all of it as sent inside",
    )
    http_blind: int = bound(
        4 << 20,
        "bytes of answers to HTTP requests that are not in the capture",
        "an OCSP response or CRL comes early in them or not at all",
    )
    http_encodings: int = bound(4, "encodings of one HTTP body that are removed", "servers apply one", ERROR)
    http_hops: int = bound(
        256, "elements of a Via or Forwarded header that are looked at", "proxies in a row are two or three"
    )
    quic_coalesced: int = bound(16, "packets of one QUIC datagram", "RFC 9000 12.2 coalesces up to four")
    quic_datagrams: int = bound(
        256, "datagrams of a flow in which a QUIC handshake is looked for", "a handshake takes about ten"
    )
    quic_failures: int = bound(
        48, "packets of a flow that no QUIC keys open", "garbage would cost a trial each"
    )
    quic_attempts: int = bound(
        4, "QUIC connections of one flow whose keys are kept", "a client retries once or twice"
    )
    quic_pending: int = bound(12, "QUIC packets that wait for their keys", "they come within a round trip")
    quic_crypto_bytes: int = bound(1 << 18, "bytes of a QUIC handshake", "handshakes are far shorter")
    quic_crypto_waiting: int = bound(
        1 << 16, "bytes of a QUIC handshake that wait behind a hole", "a flight is a few kB"
    )
    quic_crypto_pieces: int = bound(
        1024,
        "pieces of a QUIC handshake that wait behind a hole",
        "frames of one byte cost as much as others",
    )
    ocsp_body: int = bound(
        1 << 17, "bytes of an OCSP request or response", "with its certificates a response has a few kB"
    )
    crl_body: int = bound(16 << 20, "bytes of a CRL", "the largest in use have some MB")
    ocsp_singles: int = bound(
        1024, "single responses of one OCSP response", "RFC 9919 allows one; batches have a few"
    )
    ocsp_entries: int = bound(1024, "entries of one OCSP request", "RFC 9919 allows one; batches have a few")
    ocsp_path: int = bound(
        1 << 14, "bytes of the path of an OCSP request by GET", "RFC 9919 5 has less than 255"
    )
    ocsp_certificates: int = bound(
        32, "certificates inside an OCSP response", "one delegate and rarely its issuer"
    )
    ocsp_paths: int = bound(
        8, "places of a path where an OCSP request by GET may begin", "responders have one or two parts"
    )
    verified_embedded: int = bound(
        8,
        "certificates inside an OCSP response, and issuers of what it answers, that are tried",
        "each costs a signature",
    )
    doubtful_exchanges: int = bound(
        256, "exchanges of a connection that may be none of OCSP", "more of them are a service that is none"
    )
    attempts: int = bound(65_536, "TCP connections to responders of a capture", "a day of queries has less")
    cnames: int = bound(8, "aliases in a row", "resolvers follow about as many")
    responder_names: int = bound(65_536, "names of responders and of their aliases", "a capture has dozens")
    ports: int = bound(
        1024, "ports that are listed of a capture", "of more, only the lower ones tell a service"
    )
    dns_answers: int = bound(64, "answers of one DNS message", "a message of 512 bytes has less")
    record_search: int = bound(
        1 << 18,
        "bytes that are searched for the next TLS record after a loss",
        "a record has 16 kB; beyond it is something else",
    )
    expanded_certificates: int = bound(
        1 << 20, "bytes of a compressed Certificate message when it is expanded", "real ones have a few kB"
    )
    rsa_keys: int = bound(64, "private keys that are tried on a connection", "each costs a decryption")
    missing_records: int = bound(
        64,
        "TLS records that may be missing before one that is decrypted",
        "each costs a trial",
    )
    decryption_failures: int = bound(
        32,
        "TLS records in a row that do not open",
        "with the right keys all do",
        "where records opened before, the bound on missing ones says so, else no key fits",
    )
    early_failures: int = bound(
        512,
        "TLS records in a row that do not open where they may be early data",
        "servers take up to 16 kB of it",
    )
    transcript: int = bound(
        1 << 18, "bytes of a handshake that keys are derived from", "handshakes are far shorter"
    )
    tried_sessions: int = bound(
        64,
        "sessions of a key log that are tried on a connection without its beginning",
        "each costs a trial for every record or packet",
    )
    key_log_secrets: int = bound(
        4, "different secrets of a key log for one session and label", "a session has one"
    )
    certificate_bytes: int = bound(
        64 << 20, "bytes of certificates that are remembered", "each distinct one is held once"
    )
    issuers: int = bound(16, "certificates of one name that are tried as issuer", "each costs a signature")
    response_bytes: int = bound(
        64 << 20, "bytes of OCSP responses that are remembered", "each distinct one is held once", COST
    )
    verified_responses: int = bound(
        65_536, "OCSP responses whose verification is remembered", "each costs a signature", COST
    )
    interfaces: int = bound(
        1 << 16, "interfaces of a pcapng file", "a capture has as many as the machine", ERROR
    )
    secrets_bytes: int = bound(
        64 << 20, "bytes of key logs inside a pcapng file", "a session has 500 bytes of them"
    )

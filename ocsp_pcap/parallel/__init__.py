"""Files read side by side, by processes or by a Dask cluster, with the result of one reader.

The files of a set are cut into *runs*, a few for each worker (:mod:`~ocsp_pcap.parallel.runs`). A worker
reads the files of a run one after the other, by the observers that read everything else, and sends what
these hold (:mod:`~ocsp_pcap.parallel.read_run`). Runs are joined in their order
(:mod:`~ocsp_pcap.parallel.joining`).

**What belongs to whom.** A connection belongs to the run in which it begins; a SYN shows that. The worker
reads all that is its own, to the end of its run. What it sees of a connection without its beginning it
leaves, and tells only up to which frame there would be something to read. What is open at the end of a run
(half a handshake, a kept-alive connection, a protocol not yet known) is handed over as it is, state and all:
who joins the runs goes on with it in the files of the next run, until nothing of it can matter any more.
For handshakes that takes the first block of the run, for connections of hours the whole of it; but only
their segments are looked at. The table of streams then knows what it knew at the end of the run before
(:meth:`~ocsp_pcap.streams.flows.FlowTable.as_of`), so that they are judged as if no one had read ahead.

**Why the result is that of reading in order.** The facts of a connection depend on its own packets and
on what the table of streams knew by then. A worker has both for those that begin in its run, unless earlier
files give a packet another meaning: a SYN that repeats an earlier one, a SYN/ACK with a number that its
sender did not use, an ICMP error that quotes a SYN, fragments of a datagram that began before. Each of these
shows when tables are compared (:class:`~ocsp_pcap.streams.joining.MatchError`), and then that run is read
again, in order. Nothing in a datagram of UDP tells that a flow begins with it: flows are read as if all of
them did, and where an earlier file had begun a connection on one, what the worker made of it is dropped and
its datagrams are gone through again. Streams and frames are numbered by each worker from its own first
packet; the join translates them.

Where keys are given, or a file bears TLS secrets, files are read one after the other: keys count for all
packets behind them, in whichever file. So are files that are too small for a process to pay.
"""

"""Files read side by side, by processes or by a Dask cluster, with the result of one reader.

Files are cut into *shares* of about one size, one for each process, which stand one after the other
(:mod:`~ocsp_pcap.parallel.runs`). This process reads the first; workers read the others at the same time, by
the observers that read everything else, and send what these hold (:mod:`~ocsp_pcap.parallel.read_run`).
Shares are joined in their order (:mod:`~ocsp_pcap.parallel.joining`). Each border between shares costs
something, so they are few and large; only a cluster, which may lose workers, gets several for each thread.

**What belongs to whom.** A connection belongs to the share in which it begins, as its SYN shows. A worker
reads those of its share, to the end of the share. Of a connection whose beginning it does not see it reads
nothing, and notes only which frame is the last that would bring something. What is open at the end of a share
(half a handshake, a kept-alive connection, a protocol not yet known) is handed over as it is, state and all.
Before the next share is joined, the joining process goes through its files for these open connections alone,
and only until none of them can want more: for handshakes that is the first block, for a connection of hours
the whole share. So they are read in order. What this teaches the table of streams is forgotten again
(:meth:`~ocsp_pcap.streams.flows.FlowTable.ahead`), for the worker's table, joined next, has it, too.

**Why the result is that of reading in order.** The facts of a connection depend on its own packets and
on what the table of streams knew by then. A worker has both for those that begin in its share, unless earlier
files give a packet another meaning: a SYN that repeats an earlier one behind others, a SYN/ACK with a number
that its sender did not use, an ICMP error that quotes a SYN, fragments of a datagram that began before. Each
of these shows when tables are compared (:class:`~ocsp_pcap.streams.joining.MatchError`), and then that share
is read again, in order. Where a SYN that is sent again only seemed to begin a connection, what the worker
made of it is dropped. Nothing in a datagram of UDP shows that a flow begins with it: flows are read as if all
of them did, and where an earlier file had begun a connection on one, what the worker made of it is dropped.
Streams and frames are numbered by each worker from its own first packet; the join translates them. Bounds on
what is held at one time are each process's own: where one is reached, which a note says, more or less may be
read than in order.

Where keys are given, files are read one after the other: keys count for all packets behind them, in
whichever file; so are those from the first share on that bears TLS secrets. A share whose process was killed
is read here. Files that are too small to pay make one share. Who interrupts has what each process read so
far, as if the files that were not read were missing from the set.

Once all is read, processes make the facts and write the lines that ``facts`` prints, side by side, too
(:mod:`~ocsp_pcap.parallel.writing`).
"""

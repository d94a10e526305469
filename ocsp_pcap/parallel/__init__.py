"""The files of a run side by side: by processes of this machine, or by a Dask cluster.

A worker reads one file as if it were alone, and tells what it is sure of: streams that it shows from
their SYN to their end. The rest it sets aside within bounds, and where there was no room it names the
frame from which on the file must be gone through again. Results are put together in the order of the
files, by the observers of the capture, so that the facts are the same as if one process had read all of
it. Where that cannot be had (a file bears TLS secrets that the other workers lack, a stream repeats its
SYN), files are read in order after all.
"""

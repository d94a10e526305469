"""The commands of the program, a module each: options in, results to standard output.

The group (:mod:`ocsp_pcap.commands.group`) finds a command by the name of its module and imports no
other, and what a command needs is imported where it is used: ``ocsp-pcap --version`` pays for none of it.
Rules that hold in every command:

- Whatever can be refused (usage, an output that cannot be written or would overwrite an input) is refused
  before captures are read: reading may take minutes.
- Results go to standard output or whole into a file, sentences about the run to standard error
  (:mod:`ocsp_pcap.output`).
- A command that cannot do its work raises :class:`~ocsp_pcap.output.Failure` with one sentence. The exit
  status of what was done comes from :func:`ocsp_pcap.commands.run.end` alone.
"""

COMMANDS = (
    "cause",
    "check",
    "completion",
    "crosscheck",
    "diff",
    "evidence",
    "explain",
    "facts",
    "site",
    "ticket",
)
"""Each is the name of a module here, and of the command in it."""

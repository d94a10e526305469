"""Text that is safe to print, and how sheets and tables of it get onto a console.

Every string out of a capture is hostile: it may hold terminal escapes, characters that reverse or hide
text, markup of rich, Markdown or HTML. It is made safe at the one place where it leaves the program, in
the form that this output needs (:mod:`ocsp_pcap.terminal.escape`), and nowhere before: facts and verdicts
hold what was seen. Nothing here knows what a verdict is.
"""

"""Verdicts as text, JSON, Markdown, HTML and JUnit.

Forms differ in how they show and never in what they say: headline, sentences, order and folding come from
:mod:`ocsp_pcap.explain` and :mod:`ocsp_pcap.report.layout`, so that two colleagues who look at two forms of
one answer read the same. Every string that a capture brought is made safe for its form here, and only here
(:mod:`ocsp_pcap.terminal.escape`). JSON is the contract with programs; its schema is published beside it.
"""

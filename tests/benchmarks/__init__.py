"""Times the program against tshark and tcpdump: ``python -m tests.benchmarks``, from the project's root."""

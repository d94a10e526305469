"""Times the program against other programs: ``python -m tests.benchmarks``, from the project's root."""

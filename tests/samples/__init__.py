"""The samples, told from their files by the table in samples/README.md."""

"""Captures: bytes to columnar packet batches."""

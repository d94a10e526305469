"""Verdicts as text, JSON, Markdown and HTML."""

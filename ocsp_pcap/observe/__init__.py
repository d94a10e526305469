"""From packets to facts: drives the parsers and records what they saw."""

"""TCP: segments to ordered byte streams with frame provenance."""

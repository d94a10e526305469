"""From facts to sightings, verdicts and findings."""

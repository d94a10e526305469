"""Damage samples at random and count: ``python -m tests.calibration [--seed N] [-n NUMBER]``."""

from __future__ import annotations

import argparse
import random

from .calibrate import calibrate, wholes

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seed", type=int, default=random.randrange(10**6))
parser.add_argument("-n", "--number", type=int, default=2000)
parser.add_argument("--fewer", action="store_true", help="print headlines that sum up fewer sightings, too")
options = parser.parse_args()
count = calibrate(wholes(), options.seed, options.number)
for title, stories in (
    ("by sighting", count.by_sighting),
    ("by headline", count.by_headline),
    ("unknown in the whole", count.unknown),
    ("fewer sightings, each right", count.fewer if options.fewer else []),
):
    print(*(f"{title}: {story}" for story in stories), sep="\n", end="\n" if stories else "")
print(
    f"seed {options.seed}: {count.damaged} damaged captures; {count.confirmed_sightings} confirmed "
    f"sightings, {len(count.by_sighting)} turned, {len(count.unknown)} of connections unknown in the whole; "
    f"{count.confirmed} confirmed headlines, {len(count.by_headline)} turned, {len(count.fewer)} that sum up "
    "fewer sightings, each of them right"
)

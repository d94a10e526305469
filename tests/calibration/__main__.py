"""Damage or attack samples at random: ``python -m tests.calibration [--attack] [--seed N] [-n N]``."""

from __future__ import annotations

import argparse
import random

from .attacks import ATTACKS, attack
from .calibrate import calibrate, wholes

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seed", type=int, default=random.randrange(10**6))
parser.add_argument("-n", "--number", type=int, default=2000)
parser.add_argument("--fewer", action="store_true", help="print headlines that sum up fewer sightings, too")
parser.add_argument("--attack", nargs="?", const="any", choices=("any", *ATTACKS), help="in place of damage")
options = parser.parse_args()
if options.attack:
    only = None if options.attack == "any" else options.attack
    count = attack(wholes(), options.seed, options.number, only)
else:
    count = calibrate(wholes(), options.seed, options.number)
for title, stories in (
    ("by sighting", count.by_sighting),
    ("by headline", count.by_headline),
    ("unknown in the whole", count.unknown),
    ("by finding", count.by_finding),
    ("fewer sightings, each right", count.fewer if options.fewer else []),
):
    print(*(f"{title}: {story}" for story in stories), sep="\n", end="\n" if stories else "")
print(
    f"seed {options.seed}: {count.damaged} captures; {count.confirmed_sightings} confirmed sightings, "
    f"{len(count.by_sighting)} turned, {len(count.unknown)} of connections unknown in the whole; "
    f"{count.confirmed} confirmed headlines, {len(count.by_headline)} turned, {len(count.fewer)} that sum up "
    f"fewer sightings, each of them right; {count.findings} findings, {len(count.by_finding)} turned"
)

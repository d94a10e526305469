"""Damage samples at random and count: ``python -m tests.calibration [--seed N] [-n NUMBER]``."""

from __future__ import annotations

import argparse
import random

from .calibrate import calibrate, wholes

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seed", type=int, default=random.randrange(10**6))
parser.add_argument("-n", "--number", type=int, default=2000)
options = parser.parse_args()
count = calibrate(wholes(), options.seed, options.number)
print(*count.turned, sep="\n")
print(
    f"seed {options.seed}: {count.damaged} damaged captures, {count.confirmed} confirmed verdicts, "
    f"{len(count.turned)} turned into another confirmed one"
)

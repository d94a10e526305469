"""Fuzz: ``python -m tests.fuzz [-t SECONDS] [TARGET ...]``.

Each target runs for so many seconds in a process of its own. What it fails on is kept under
``tests/fuzz/found/TARGET``, where the tests pass it through that target from then on. Exit status 1 where
something was found. Without atheris, which has no build for every platform, it says so and ends with 0.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path

from .targets import TARGETS

FOUND = Path(__file__).parent / "found"
SEEDS = Path(__file__).parents[2] / "samples"


def fuzz(name: str, seconds: int) -> bool:
    """Run one target; return whether it held."""
    kept = FOUND / name
    kept.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz", "--inside", name]
    limits = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=20", "-rss_limit_mb=2048"]
    seeds = [str(SEEDS / "direct")] if name == "capture" else []
    done = subprocess.run(
        [*command, "--", *limits, f"-artifact_prefix={kept}/", *seeds],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if not any(kept.iterdir()):
        kept.rmdir()
    if done.returncode:
        sys.stdout.write(done.stderr[-3000:])
    return done.returncode == 0


def inside(name: str, options: list[str]) -> None:
    """Fuzz in this process, which atheris ends."""
    import atheris

    with atheris.instrument_imports(include=["ocsp_pcap"]):
        import ocsp_pcap.api  # noqa: F401 - imported to be instrumented
    atheris.Setup(["fuzz", *options], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    """Fuzz the targets named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("-t", dest="seconds", type=int, default=60, help="seconds for each target (60)")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    options = parser.parse_args()
    if options.inside:
        inside(options.inside, options.targets)
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: nothing is fuzzed")
        return 0
    held = True
    for name in options.targets or TARGETS:
        good = fuzz(name, options.seconds)
        print(f"{name}: {'held' if good else 'FAILED'}", flush=True)
        held = held and good
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())

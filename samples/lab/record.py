#!/usr/bin/env python3
"""Record one scenario, several or all of them in network namespaces of their own.

    sudo python3 samples/lab/record.py ocsp-on-child --out /tmp/fresh
    sudo python3 samples/lab/record.py --all

Each scenario becomes a folder `DIR/NAME/` with its captures and, copied from `samples/NAME/`, its site file,
expectations and story. Exit status: 0 recorded; 1 a scenario did not go as its story says; 2 usage, or this
machine cannot make recordings (no root, programs missing, no namespaces).
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ocsplab import mitm
from ocsplab.lab import Lab
from ocsplab.programs import ALWAYS_NEEDED, LabError, apt_get_line, missing_programs
from ocsplab.scenarios import SCENARIOS
from ocsplab.scenarios.base import Scenario

SAMPLES = Path(__file__).resolve().parent.parent
WRITTEN_BY_HAND = ("README.md", "site.toml", "expect.toml")


def main() -> int:
    """Parse the command line, check this machine, record."""
    arguments = _parse()
    if arguments.list:
        print("\n".join(SCENARIOS))
        return 0
    names = list(SCENARIOS) if arguments.all else arguments.names
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown or not names:
        print(f"no such scenario: {', '.join(unknown) or '(none named)'}; see --list", file=sys.stderr)
        return 2
    scenarios = [SCENARIOS[name] for name in names]
    if arguments.mitmdump is not None:
        mitm.use(arguments.mitmdump)
    obstacle = _obstacle(scenarios)
    if obstacle is not None:
        print(obstacle, file=sys.stderr)
        return 2
    if arguments.check:
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return max(_record(scenario, arguments.out, arguments.keep_logs) for scenario in scenarios)
    except KeyboardInterrupt:
        print("interrupted; namespaces and processes are removed", file=sys.stderr)
        return 130


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios to record")
    parser.add_argument("--all", action="store_true", help="record every scenario")
    parser.add_argument("--list", action="store_true", help="print the names of the scenarios and stop")
    parser.add_argument("--check", action="store_true", help="only tell whether this machine can record them")
    parser.add_argument("--out", type=Path, default=SAMPLES, metavar="DIR", help="default: %(default)s")
    parser.add_argument("--mitmdump", metavar="PATH", help="the mitmdump program, where not in PATH")
    parser.add_argument(
        "--keep-logs", type=Path, metavar="DIR", help="keep the lab's directory (logs, configurations) here"
    )
    return parser.parse_args()


def _obstacle(scenarios: list[Scenario]) -> str | None:
    if os.geteuid() != 0:
        return "network namespaces need root: run this with sudo"
    needed = sorted({*ALWAYS_NEEDED, *(program for scenario in scenarios for program in scenario.programs)})
    missing = missing_programs([program for program in needed if program != "mitmdump"])
    if missing:
        return f"missing: {', '.join(missing)}\n  {apt_get_line(missing)}"
    if "mitmdump" in needed and mitm.find() is None:
        return mitm.HOW_TO_GET
    return None


def _record(scenario: Scenario, out: Path, keep_logs: Path | None) -> int:
    started = time.monotonic()
    logs = keep_logs / scenario.name if keep_logs is not None else None
    with tempfile.TemporaryDirectory(prefix="ocsplab-out-") as scratch:
        fresh = Path(scratch)
        try:
            with Lab(keep_logs=logs) as lab:
                scenario.play(lab, fresh)
                lab.processes.check_alive()
        except LabError as error:
            print(f"{scenario.name}: {error}", file=sys.stderr)
            return 1
        folder = out / scenario.name
        folder.mkdir(parents=True, exist_ok=True)
        _clear(folder)
        for file in sorted(fresh.iterdir()):
            shutil.copyfile(file, folder / file.name)
        for name in WRITTEN_BY_HAND:
            source = SAMPLES / scenario.name / name
            if source.exists() and source.resolve() != (folder / name).resolve():
                shutil.copyfile(source, folder / name)
        _give_back(folder)
    print(f"{scenario.name}: recorded in {time.monotonic() - started:.0f} s -> {folder}", file=sys.stderr)
    return 0


def _give_back(folder: Path) -> None:
    """Let what sudo made belong to the one who called it."""
    user, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if user is not None and group is not None:
        for path in (folder, *folder.iterdir()):
            os.chown(path, int(user), int(group))


def _clear(folder: Path) -> None:
    for file in folder.iterdir():
        if file.is_file() and file.name not in WRITTEN_BY_HAND:
            file.unlink()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

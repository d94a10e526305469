"""The command line: the one way in and out of the program."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from typing import Final, NoReturn

INTERNAL_ERROR: Final = 70
"""Exit status of a mistake in this program (EX_SOFTWARE of sysexits.h)."""
OUT_OF_MEMORY: Final = (
    "out of memory: what these captures show is more than this process may hold; give fewer at a time, "
    "or cut them into shorter ones (editcap -c)"
)
TRACEBACK_VARIABLE: Final = "OCSP_PCAP_TRACEBACK"


def _end_by_signal(number: int, _: object) -> NoReturn:
    """End by way of all that cleans up: no file that is being written stays behind."""
    sys.exit(128 + number)


def _says_out_of_memory(error: Exception) -> bool:
    """Tell whether an error means that memory ran out; system calls and the loader have their own words."""
    if isinstance(error, OSError | ImportError):
        words = ("cannot allocate memory", "failed to map segment")
        return getattr(error, "errno", None) == errno.ENOMEM or any(w in str(error).lower() for w in words)
    return isinstance(error, MemoryError)


def main() -> NoReturn:
    """Run the command line and exit; no way out of it is a traceback."""
    # numpy would start a thread for each processor, for linear algebra that is not used here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Imports and parsers make many objects and hardly any cycle: look for unreachable ones rarely.
    gc.set_threshold(200_000, 20, 100)
    try:
        import click

        from ocsp_pcap.commands.group import cli
        from ocsp_pcap.output import INTERRUPTED, UNUSABLE, say
    except KeyboardInterrupt:
        # What else says so is not there yet.
        print("ocsp-pcap: interrupted", file=sys.stderr)
        _end_by_signal(signal.SIGINT, None)

    out_of_memory = False
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end_by_signal)
    try:
        status = cli(prog_name="ocsp-pcap", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        sys.exit(INTERRUPTED)
    except Exception as error:
        # Said below, once the traceback is gone that keeps alive what filled the memory.
        status, out_of_memory = None, _says_out_of_memory(error)
        if not out_of_memory:
            if os.environ.get(TRACEBACK_VARIABLE):
                raise
            say(f"internal error: {type(error).__name__}: {error}")
            say(f"this is a mistake in ocsp-pcap; please report it, with what {TRACEBACK_VARIABLE}=1 prints")
            sys.exit(INTERNAL_ERROR)
    finally:
        # What is alive now stays so to the end: the collection at Python's exit need not walk through it.
        gc.freeze()
    if out_of_memory:
        # Not by way of ``say``, which may have to import what makes text safe.
        click.echo(f"ocsp-pcap: {OUT_OF_MEMORY}", err=True)
        sys.exit(UNUSABLE)
    sys.exit(status if isinstance(status, int) else 0)

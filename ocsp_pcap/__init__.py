"""ocsp-pcap: was OCSP traffic seen for every certificate in a capture, and if not, why not?

In a notebook, ``ocsp_pcap.explain("capture.pcap")`` gives the answer (:mod:`ocsp_pcap.notebook`); programs
use :mod:`ocsp_pcap.api`.
"""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load what a notebook asks for when it is first asked for: importing the package costs nothing."""
    import importlib

    if name == "explain":
        # That package can be called: so the name means the same before and after it was imported.
        return importlib.import_module("ocsp_pcap.explain")
    if name == "Result":
        return importlib.import_module("ocsp_pcap.notebook").Result
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the names that the package offers."""
    return ["Result", "__version__", "explain"]

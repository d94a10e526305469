"""From facts to sightings, verdicts and findings.

The package can be called: ``ocsp_pcap.explain("capture.pcap")`` is :func:`ocsp_pcap.notebook.explain`.
"""

import importlib
import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return importlib.import_module("ocsp_pcap.notebook").explain(*arguments, **options)


sys.modules[__name__].__class__ = _Callable

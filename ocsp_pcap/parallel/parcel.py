"""Results of a worker as bytes in a file: what all connections of a process share stays there."""

from __future__ import annotations

import copyreg
import pickle
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, BinaryIO

from ocsp_pcap.ocsp.cache import ResponseCache
from ocsp_pcap.spoken.seen import Traits
from ocsp_pcap.spoken.shared import Shared


class _Packer(pickle.Pickler):
    dispatch_table = {  # noqa: RUF012 - as pickle has it
        **copyreg.dispatch_table,
        ModuleType: lambda module: (import_module, (module.__name__,)),
        Shared: lambda _: (of_receiver, ("shared",)),
        ResponseCache: lambda _: (of_receiver, ("responses",)),
        Traits: lambda traits: (of_receiver, ("traits", tuple(traits))),
    }


class _Opener(pickle.Unpickler):
    def __init__(self, file: BinaryIO, shared: Shared) -> None:
        super().__init__(file)
        self._own: dict[str, Callable[..., Any]] = {
            "shared": lambda: shared,
            "responses": lambda: shared.responses,
            "traits": lambda values: shared.same(Traits._make(values)),
        }

    def find_class(self, module: str, name: str) -> Any:
        """Find a class or function by name."""
        if (module, name) == (of_receiver.__module__, of_receiver.__qualname__):
            return lambda what, *made_of: self._own[what](*made_of)
        return super().find_class(module, name)


def of_receiver(what: str, *made_of: object) -> Any:
    """Stand in a parcel for what the receiver has of its own: of traits the same that it has already."""
    raise pickle.UnpicklingError(f"{what} is only known to who opens a parcel")


def pack(result: object, file: BinaryIO) -> None:
    """Write something to a file."""
    _Packer(file, pickle.HIGHEST_PROTOCOL).dump(result)


def unpack(file: BinaryIO, shared: Shared) -> Any:
    """Return what was packed; connections among it go on with what is shared here."""
    return _Opener(file, shared).load()

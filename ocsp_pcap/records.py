"""Dataclasses that cost little to define: most of what starting took went into code that is never run.

``dataclass`` here is that of :mod:`dataclasses`, to the reader, to type checkers and in what its classes do:
``fields``, ``replace``, ``match``, pickling, equality, hashes. The standard one compiles six functions for
each class when it is imported. Here ``__init__`` is compiled when the first object is made, and the others
need no code of their own.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, /, *, frozen: bool = False, slots: bool = False, eq: bool = True):
        """Make a dataclass; one without slots, or that compares by identity, is that of the library."""
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, slots=slots, eq=eq)
        if not (slots and eq):
            return dataclasses.dataclass(cls, frozen=frozen, slots=slots, eq=eq)
        own = dict(cls.__dict__)
        made = dataclasses.dataclass(cls, init=False, repr=False, eq=False, slots=True)
        for name, function in (_FROZEN if frozen else _MUTABLE).items():
            if name not in own:
                setattr(made, name, function)
        return made


__all__ = ["dataclass"]


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    """Compile the true ``__init__`` of the class, and run it."""
    cls: Any = next(cls for cls in type(self).__mro__ if "__init__" in cls.__dict__)
    cls.__init__ = _compiled(cls)
    cls.__init__(self, *args, **kwargs)


def _compiled(cls: Any) -> Callable[..., None]:
    parameters, lines = ["self"], []
    known: dict[str, Any] = {"missing": dataclasses.MISSING}
    for field in dataclasses.fields(cls):
        name, value = field.name, field.name
        known[f"set_{name}"] = getattr(cls, name).__set__
        has_factory = field.default_factory is not dataclasses.MISSING
        if has_factory:
            known[f"make_{name}"] = field.default_factory
            value = f"make_{name}() if {name} is missing else {name}" if field.init else f"make_{name}()"
        if not field.init:
            if has_factory:
                lines.append(f"set_{name}(self, {value})")
            continue
        if has_factory:
            parameters.append(f"{name}=missing")
        elif field.default is not dataclasses.MISSING:
            known[f"default_{name}"] = field.default
            parameters.append(f"{name}=default_{name}")
        else:
            parameters.append(name)
        lines.append(f"set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    # The source is made of the names of our own fields, nothing else.
    source = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"])
    made: dict[str, Any] = {}
    exec(source, known, made)  # noqa: S102
    function: Callable[..., None] = made["__init__"]
    function.__qualname__ = f"{cls.__qualname__}.__init__"
    return function


def _equal(self: Any, other: object) -> bool:
    """Give the class functions that know its fields, and compare."""
    _compare_by_fields(type(self))
    return bool(self == other)


def _hash(self: Any) -> int:
    _compare_by_fields(type(self))
    return hash(self)


def _compare_by_fields(made: Any) -> None:
    for cls in made.__mro__:
        for name, lazy in (("__eq__", _equal), ("__hash__", _hash)):
            if cls.__dict__.get(name) is lazy:
                setattr(cls, name, _comparing(cls)[name])


def _comparing(cls: Any) -> dict[str, Callable[..., Any]]:
    names = [field.name for field in dataclasses.fields(cls) if field.compare]
    values: Callable[[Any], Any] = attrgetter(*names) if names else lambda _: ()

    def equal(self: Any, other: Any) -> Any:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(values(self))

    return {"__eq__": equal, "__hash__": hashed}


def _repr(self: Any) -> str:
    shown = (field.name for field in dataclasses.fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _refuse_setting(self: Any, name: str, value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(self: Any, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_MUTABLE: Final[dict[str, Any]] = {"__init__": _init, "__eq__": _equal, "__hash__": None, "__repr__": _repr}
_FROZEN: Final[dict[str, Any]] = {
    **_MUTABLE,
    "__hash__": _hash,
    "__setattr__": _refuse_setting,
    "__delattr__": _refuse_deleting,
    "__getstate__": _state,
    "__setstate__": _restore,
}

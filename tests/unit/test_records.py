"""Dataclasses that are cheap to define do what those of the library do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import ClassVar

import pytest

from ocsp_pcap.records import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A point."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 0
    names: list[str] = field(default_factory=list)
    secret: str = field(default="", repr=False, compare=False)

    @property
    def sum(self) -> int:
        return self.x + self.y


@dataclass(frozen=True, slots=True)
class Solid(Point):
    z: int = 1


@dataclass(frozen=True, slots=True)
class Sure:
    value: int
    twice: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "twice", 2 * self.value)


@dataclass(slots=True)
class Counter:
    count: int = 0


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


def test_objects_are_made_from_positions_and_names() -> None:
    assert (Point(1).x, Point(1).y, Point(1, y=2).sum) == (1, 0, 3)
    assert Point(1).names == []
    assert Point(1).names is not Point(1).names
    assert Sure(4).twice == 8
    assert (Solid(1, z=5).z, Solid(1).y) == (5, 0)
    assert Nothing() == Nothing()


def test_wrong_arguments_are_told_as_usual() -> None:
    with pytest.raises(TypeError, match=r"Point.__init__\(\) missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'w'"):
        Point(1, w=2)  # type: ignore[call-arg]


def test_equality_and_hash() -> None:
    assert Point(1, 2, [], "a") == Point(1, 2, [], "b")
    assert Point(1) != Point(2)
    assert Point(1) != Solid(1)
    assert Point(1) != 1
    assert len({Sure(1), Sure(1), Sure(2)}) == 2
    assert Counter(1) == Counter(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Counter())


def test_frozen_objects_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        Point(1).x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del Point(1).x
    counter = Counter()
    counter.count += 1
    assert counter.count == 1
    assert not hasattr(Point(1), "__dict__")


def test_the_library_knows_them() -> None:
    assert [each.name for each in fields(Point)] == ["x", "y", "names", "secret"]
    assert dataclasses.is_dataclass(Point)
    assert replace(Point(1), y=5).y == 5
    assert dataclasses.asdict(Counter(3)) == {"count": 3}
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_words_and_copies() -> None:
    point = Point(1, 2, ["a"], "hidden")
    assert repr(point) == "Point(x=1, y=2, names=['a'])"
    for other in (pickle.loads(pickle.dumps(point)), copy.deepcopy(point)):
        assert other == point
        assert other.secret == "hidden"
    assert pickle.loads(pickle.dumps(Counter(2))) == Counter(2)


def test_others_are_those_of_the_library() -> None:
    @dataclass(frozen=True)
    class Open:
        value: int

    assert Open(1).__dict__ == {"value": 1}

"""What an object works out once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class _Lazy(Generic[T]):
    def __init__(self, work_out: Callable[[Any], T]) -> None:
        self._work_out = work_out
        self._name = work_out.__name__
        self.__doc__ = work_out.__doc__

    def __set_name__(self, _owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> Self | T:
        if instance is None:
            return self
        found = self._work_out(instance)
        instance.__dict__[self._name] = found  # found before this descriptor from now on
        return found


def lazy(work_out: Callable[[Any], T]) -> _Lazy[T]:
    """``functools.cached_property`` without its lock: on Python 3.11 that one is of the whole class,
    so one request that waits for the database while it is held stops all others that ask the same
    of other objects. Two threads that ask one object at once both work it out; the last answer stays.
    """
    return _Lazy(work_out)

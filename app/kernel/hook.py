"""What a hook is: a function without a body, and who listens to it.

Each one's signature is what listeners get, its docstring what they are told and may do. ``of`` narrows a
hook whose first argument is a register, or several: to one register by its name, to those whose model
derives from a class, or to those that declare something (:class:`Having`); ``where`` a hook whose second
argument is a row to the rows of which that holds. So what is no concern of a module does not pass it.
Listeners run in the ``order`` that they name, those of one number by their names, in the transaction of
the change; an error that one raises ends the change, so only a listener of a hook that says so refuses
anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import getdoc
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from app.kernel.declare.expressions import Expr
    from app.kernel.declare.register import Register

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Having:
    """Registers that declare this: an attribute of theirs, or one below it, is neither empty nor None."""

    name: str


#: Whom a listener listens to: a register's name, a class that models of registers derive from, or
#: what registers declare.
Sender = str | type | Having


@dataclass(frozen=True)
class Listener:
    """A function that listens, to whom, and when among the others."""

    call: Callable[..., Any]
    of: Sender | None
    order: int
    where: Expr | None = None  # of which rows

    @property
    def name(self) -> str:
        """Where it stands."""
        return f"{self.call.__module__}.{self.call.__qualname__}"

    @property
    def whom(self) -> str:
        """To whom it listens, as people read it; "" if to all."""
        if isinstance(self.of, Having):
            return f"registers with {self.of.name}"
        return self.of if isinstance(self.of, str) else self.of.__name__ if self.of else ""

    def hears(self, arguments: tuple[Any, ...]) -> bool:
        """Is it meant by these arguments?"""
        if self.of is not None:
            told = arguments[0]
            if not any(map(self._means, told if isinstance(told, tuple) else (told,))):
                return False
        return self.where is None or self.where.holds_of(arguments[1])

    def _means(self, register: Register) -> bool:
        if isinstance(self.of, str):
            return register.name == self.of
        if isinstance(self.of, Having):
            return bool(attrgetter(self.of.name)(register))
        return self.of is None or issubclass(register.model, self.of)


class Hook(Generic[P, T]):
    """One thing that is told or asked. Listeners return what :attr:`asks` says."""

    def __init__(self, declared: Callable[P, Any], *, asks: bool) -> None:
        self.name = declared.__name__
        self.__doc__ = getdoc(declared)
        self.asks = asks
        self.listeners: tuple[Listener, ...] = ()

    def listen(
        self, *, of: Sender | None = None, where: Expr | None = None, order: int = 0
    ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """Call the decorated function at every telling or asking; of the others, only those of a
        lower ``order`` before it.
        """

        def add(call: Callable[P, T]) -> Callable[P, T]:
            listeners = (*self.listeners, Listener(call, of, order, where))
            self.listeners = tuple(sorted(listeners, key=lambda one: (one.order, one.name)))
            return call

        return add

    def _answers(self, *args: Any, **kwargs: Any) -> Iterable[Any]:
        return (one.call(*args, **kwargs) for one in self.listeners if one.hears(args))


class Told(Hook[P, None]):
    """A hook that tells of something."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        for _done in self._answers(*args, **kwargs):
            pass


class Asked(Hook[P, Iterable[T]], Generic[P, T]):
    """A hook that asks for something: what its listeners answer, one after the other."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> list[T]:
        return [part for answer in self._answers(*args, **kwargs) for part in answer]


#: Every hook by its name, as they were declared.
DECLARED: dict[str, Hook[..., Any]] = {}


def tells(declared: Callable[P, None]) -> Told[P]:
    """Declare a hook that tells."""
    made = Told(declared, asks=False)
    DECLARED[made.name] = made
    return made


def asks(declared: Callable[P, Iterable[T]]) -> Asked[P, T]:
    """Declare a hook that asks; every listener answers with any number of parts."""
    made: Asked[P, T] = Asked(declared, asks=True)
    DECLARED[made.name] = made
    return made

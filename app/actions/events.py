"""What joins registers without their knowing each other: functions told of a change.

They subscribe where they stand, and run in the transaction of the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from sqlalchemy.orm import Session

from app.access.actor import Actor
from app.access.regions import Region
from app.registry.flow import Transition
from app.registry.households import Household
from app.registry.register import Register
from app.registry.rules import Problem
from app.registry.transfers import Transfer


class Leaving(Enum):
    """What a household is about to leave."""

    LIST = "list"  # the list it stands on: nobody surveys or helps it any more
    PLACE = "place"  # its village, with all that is about it


Checker = Callable[[Register, Any, Mapping[str, Any]], Iterable[Problem]]
Listener = Callable[[Register, Any], None]
SaveListener = Callable[[Register, Any, Mapping[str, Any]], None]
StepListener = Callable[[Register, Any, Transition], None]
ArriveListener = Callable[[Session, Transfer, Region, Actor], None]
LeaveChecker = Callable[[Session, Household, Leaving], Iterable[str]]
ListListener = Callable[[Session, Household], None]
_on_check: list[Checker] = []
_on_save: list[SaveListener] = []
_on_clear: list[Listener] = []
_on_step: list[StepListener] = []
_on_listed: list[ListListener] = []
_on_stepped: list[StepListener] = []
_on_leave: list[LeaveChecker] = []
_on_arrive: list[ArriveListener] = []


def on_check(checker: Checker) -> Checker:
    """Ask ``checker(register, row, values)`` what is wrong with the values, wherever the checks that
    a register declares are asked.
    """
    _on_check.append(checker)
    return checker


def on_save(listener: SaveListener) -> SaveListener:
    """Call ``listener(register, row, changes)`` at every save of every register; ``changes`` holds
    field -> [old, new] as text.
    """
    _on_save.append(listener)
    return listener


def on_clear(listener: Listener) -> Listener:
    """Call ``listener(register, row)`` before what was entered is deleted; it may refuse."""
    _on_clear.append(listener)
    return listener


def on_step(listener: StepListener) -> StepListener:
    """Call ``listener(register, row, step)`` before a step is done; it may refuse."""
    _on_step.append(listener)
    return listener


def on_stepped(listener: StepListener) -> StepListener:
    """Call ``listener(register, row, step)`` when a step is done, before it is committed."""
    _on_stepped.append(listener)
    return listener


def on_leave(checker: LeaveChecker) -> LeaveChecker:
    """Ask ``checker(session, household, leaving)`` why the household cannot leave its list or its
    place now, as messages to the user; the session may see more than the actor's area.
    """
    _on_leave.append(checker)
    return checker


def on_arrive(listener: ArriveListener) -> ArriveListener:
    """Call ``listener(session, transfer, region, actor)`` when a request of the receiving side is
    granted: it makes the move. The session sees both places.
    """
    _on_arrive.append(listener)
    return listener


def on_listed(listener: ListListener) -> ListListener:
    """Call ``listener(session, household)`` when a household that was known joined or left a list."""
    _on_listed.append(listener)
    return listener


def problems(register: Register, row: Any, values: Mapping[str, Any]) -> list[Problem]:
    """What the checkers say."""
    return [problem for checker in _on_check for problem in checker(register, row, values)]


def saved(register: Register, row: Any, changes: Mapping[str, Any]) -> None:
    """Tell the listeners that ``row`` was saved by a click."""
    for listener in _on_save:
        listener(register, row, changes)


def clearing(register: Register, row: Any) -> None:
    """Tell the listeners that what was entered is about to go."""
    for listener in _on_clear:
        listener(register, row)


def stepping(register: Register, row: Any, step: Transition) -> None:
    """Tell the listeners that a step is about to be done."""
    for listener in _on_step:
        listener(register, row, step)


def stepped(register: Register, row: Any, step: Transition) -> None:
    """Tell the listeners that a step is done."""
    for listener in _on_stepped:
        listener(register, row, step)


def why_stay(session: Session, household: Household, leaving: Leaving) -> list[str]:
    """What keeps the household where it is; empty: it may leave."""
    return [text for checker in _on_leave for text in checker(session, household, leaving)]


def arriving(session: Session, transfer: Transfer, region: Region, actor: Actor) -> None:
    """Tell the listeners that a request of the receiving side is granted."""
    for listener in _on_arrive:
        listener(session, transfer, region, actor)


def listed(session: Session, household: Household) -> None:
    """Tell the listeners that the household stands on other lists than before."""
    for listener in _on_listed:
        listener(session, household)

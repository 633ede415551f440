"""Records that are submitted and reviewed stage by stage (spec 04 "Dossier": 开工, 竣工, 拨付).

A section belongs to a stage. What an approved stage says is locked; the next one stays open, and what
it requires is asked only when it is submitted. The record's state is that of the stage at hand, and
its field ``stage`` names the last one that was approved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.core.i18n import translate
from app.kernel.declare.field import Check, Field
from app.kernel.declare.flow import EDITABLE, State, is_reviewed
from app.kernel.declare.rules import Problem

if TYPE_CHECKING:
    from app.kernel.declare.register import Register


@dataclass(frozen=True)
class Stage:
    """``name`` is its code in the model's field ``stage``, ``title`` what people call it. ``checks``
    are rules (field, what is wrong) that are asked at its submission only.
    """

    name: str
    title: str
    checks: tuple[tuple[Field, Check], ...] = ()

    @property
    def label(self) -> str:
        """The title in the user's language."""
        return translate(self.title)


def approved(register: Register, row: Any) -> Stage | None:
    """The last stage that was approved."""
    done = _done(register, row)
    return register.stages[done - 1] if done else None


def at_hand(register: Register, row: Any) -> Stage | None:
    """The stage that is entered and reviewed now; None where all are approved."""
    done = _done(register, row)
    return register.stages[done] if done < len(register.stages) else None


def concerned(register: Register, row: Any) -> Stage | None:
    """The stage that the record's state tells of."""
    return (approved if row.state == State.APPROVED else at_hand)(register, row)


def code(stage: Stage | None) -> str | None:
    """Its name, as columns hold it."""
    return stage.name if stage else None


def locked(register: Register, row: Any) -> frozenset[str]:
    """The fields that nobody types: of approved stages, and what the kernel puts in."""
    names = {stage.name for stage in register.stages[: _done(register, row)]}
    closed = (s for s in register.sections if s.fixed or s.stage in names)
    return frozenset(n for s in closed for n in s.fields)


def is_open(register: Register, row: Any) -> bool:
    """May the record be changed, as far as its state goes? With stages also while the next waits."""
    if register.flow is None:
        return True
    if row.state == State.APPROVED and register.stages:
        return at_hand(register, row) is not None
    open_now = row.state in EDITABLE or not is_reviewed(register, row)
    return open_now and not is_frozen(register, row)


def is_frozen(register: Register, row: Any) -> bool:
    """Is it one of the rows that nobody changes?"""
    return register.frozen is not None and register.frozen.where.holds_of(row)


def step(register: Register, row: Any, source: State, target: State, *, reopens: bool) -> None:
    """Set the row's stage as a step of its flow from ``source`` to ``target`` leaves it."""
    if not register.stages:
        return
    if target == State.APPROVED:
        stage = at_hand(register, row)
        row.stage = stage and row.__fields__["stage"].choices(stage.name)
    elif source == State.APPROVED or reopens:
        done = _done(register, row)
        before = register.stages[done - 2].name if done > 1 else None
        row.stage = before and row.__fields__["stage"].choices(before)


def problems(register: Register, row: Any, values: Mapping[str, Any]) -> list[Problem]:
    """What stands against submitting the stage at hand with these values."""
    stage = at_hand(register, row)
    return [
        Problem(made.name, f"{made.name}.{check.code}", check.say(values.get(made.name)))
        for made, check in (stage.checks if stage else ())
        if check.wrong.test(values)
    ]


def _done(register: Register, row: Any) -> int:
    """How many stages are approved."""
    if not register.stages or row.stage is None:
        return 0
    names = [stage.name for stage in register.stages]
    return names.index(str(row.stage.value)) + 1

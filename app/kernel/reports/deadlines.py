"""The day until which a register is to be filled in, in a division (spec 02 "Lists")."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from app.access import settings
from app.access.divisions.regions import Region
from app.core.clock import today
from app.kernel.declare.register import Register

SOON_DAYS = 14


@dataclass(frozen=True)
class Deadline:
    """``left`` days from today on, below zero when it has passed."""

    until: dt.date
    left: int

    @property
    def passed(self) -> bool:
        return self.left < 0


def setting_of(register: Register) -> str:
    """The setting that keeps it."""
    return f"{register.name}.deadline"


def of(register: Register, path: str) -> Deadline | None:
    """What holds in the division at ``path``; None where nobody has set one."""
    if register.flow is None:
        return None
    return _from(settings.value(setting_of(register), path))


def of_children(
    register: Register, region: Region, children: Collection[Region]
) -> dict[int, Deadline]:
    """What holds in each of the divisions directly below ``region``, by key. One statement."""
    if register.flow is None or not children:
        return {}
    name = setting_of(register)
    above = settings.value(name, region.path)
    own = settings.values_in(name, [child.id for child in children])
    found = {}
    for child in children:
        day = settings.in_force(settings.get(name), [above, own.get(child.id)])
        if (deadline := _from(day)) is not None:
            found[child.id] = deadline
    return found


def _from(until: dt.date | None) -> Deadline | None:
    return Deadline(until, (until - today()).days) if until is not None else None

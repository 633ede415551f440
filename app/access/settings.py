"""Settings (参数设置): what managers may change without a new version of the program (spec 00, 01).

A module declares its settings when it is imported and asks for their values; the ministry sets all
of them, managers below it those that are declared ``area``. A value holds for the division that
set it and all below, until one nearer sets its own.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask import g, has_request_context
from sqlalchemy import JSON, ForeignKey, Select, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.access.divisions.regions import NATION_PATH, Level, Region, ancestor_paths, in_subtree
from app.access.scope import current_actor
from app.core.clock import now
from app.core.db import Model, db
from app.core.kept import Kept
from app.core.types import NfcText, UtcDateTime, UuidType


class Shape(StrEnum):
    """What kind of value a setting has: ``int``, ``bool``, ``dt.date`` or ``str``."""

    NUMBER = "number"
    YES_NO = "yes_no"
    DATE = "date"
    TEXT = "text"


NUMBER, YES_NO, DATE, TEXT = Shape

_TYPES: dict[Shape, type] = {NUMBER: int, YES_NO: bool, DATE: dt.date, TEXT: str}


@dataclass(frozen=True)
class Setting:
    """One declared setting. ``name`` is ``group.word``; ``label``, ``unit`` and ``help`` Chinese.

    ``lowest`` and ``highest`` bound numbers and dates and the length of a text, both inclusive.
    ``area`` is the lowest level whose managers may set it for their own area; None: the ministry
    only, for whichever division. What an area sets is never above what it would have inherited: a county may ask for less
    and earlier than its province, not for more or later, unless it is ``free``.
    ``by_ministry``: what is so in an area the ministry alone says, down to the level that ``area`` names.
    ``check`` says what else is wrong with a value.
    """

    name: str
    label: str
    kind: Shape
    default: Any
    lowest: Any = None
    highest: Any = None
    area: Level | None = None
    help: str = ""
    unit: str = ""
    free: bool = False
    by_ministry: bool = False
    check: Callable[[Any], str | None] | None = None

    @property
    def bounded(self) -> bool:
        """Does what is set above limit what is set below?"""
        return not self.free and self.kind in (NUMBER, DATE)

    @property
    def group(self) -> str:
        """What comes before the dot: the page shows the settings of a group together."""
        return self.name.partition(".")[0]


class SettingValue(Model):
    """What one division has set. A division that goes takes its settings along."""

    __tablename__ = "setting"

    region_id: Mapped[int] = mapped_column(
        ForeignKey("region.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON, nullable=False)
    set_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)
    set_by: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    set_by_name: Mapped[str | None] = mapped_column(NfcText(128))


_declared: dict[str, Setting] = {}
#: Path -> name -> what is set there, for a transaction of a job; a request keeps it itself.
_said: Kept[dict[str, dict[str, Any]]] = Kept(dict)


def declare(setting: Setting) -> Setting:
    """Make a setting known; once, where the module that needs it is imported."""
    if _declared.get(setting.name, setting) != setting:
        raise ValueError(f"setting {setting.name} is declared twice")
    if setting.default is not None and type(setting.default) is not _TYPES[setting.kind]:
        raise TypeError(f"setting {setting.name}: the default is no {setting.kind}")
    _declared[setting.name] = setting
    return setting


def declared() -> list[Setting]:
    """All settings in the order in which they were declared."""
    return list(_declared.values())


def get(name: str) -> Setting:
    """The declaration; KeyError for a name that nobody declared, a mistake in our own code."""
    return _declared[name]


def value(name: str, path: str | None = None, session: Session | None = None) -> Any:
    """The value in the division at ``path`` (None: the nation): the nearest one that is set, else
    the default. One statement a request, none for what lies above the account or was asked before.
    ``session``: one that writes reads it itself; on SQLite no other may while it does.
    """
    return values([name], path or NATION_PATH, session)[name]


def values(names: Iterable[str], path: str, session: Session | None = None) -> dict[str, Any]:
    """Those of several settings, by their names; one statement for all."""
    line = line_of(path)
    known = _known(line, session or db.session())
    found = {}
    for name in names:
        setting = _declared[name]
        line_said = [from_json(setting, known[place].get(name)) for place in line]
        found[name] = in_force(setting, line_said)
    return found


def in_force(setting: Setting, line: Sequence[Any]) -> Any:
    """What holds where the divisions above have set ``line``, the nation's first, None for nothing:
    the last one, but never more than what one above it allows.
    """
    found, allowed = setting.default, None
    for one in line:
        if one is not None:
            found = one if allowed is None or not setting.bounded else min(one, allowed)
            allowed = found
    return found


def values_below(name: str, path: str) -> dict[str, Any]:
    """What divisions at and under ``path`` have set themselves, by their path; one statement."""
    setting = _declared[name]
    rows = db.session.execute(
        select(Region.path, SettingValue.value)
        .join(Region, Region.id == SettingValue.region_id)
        .where(SettingValue.name == name, in_subtree(Region.path, path))
    )
    return {place: from_json(setting, found) for place, found in rows}


def values_in(name: str, region_ids: Iterable[int]) -> dict[int, Any]:
    """What these divisions have set themselves, by their key; one statement."""
    setting = _declared[name]
    query = select(SettingValue.region_id, SettingValue.value).where(
        SettingValue.name == name, SettingValue.region_id.in_(list(region_ids))
    )
    return {key: from_json(setting, found) for key, found in db.session.execute(query)}


def forget() -> None:
    """Read anew within this request or transaction, after a change."""
    if has_request_context():
        g.pop("settings", None)
    _said.of(db.session()).clear()


def line_of(path: str) -> list[str]:
    """The paths whose settings hold at ``path``: the nation's first, its own last."""
    return [*ancestor_paths(path), path]


def to_json(found: Any) -> Any:
    """The value as the table and the audit log keep it."""
    return found.isoformat() if isinstance(found, dt.date) else found


def from_json(setting: Setting, kept: Any) -> Any:
    """The typed value of what :func:`to_json` made."""
    return dt.date.fromisoformat(kept) if kept and setting.kind is DATE else kept


def _known(line: list[str], session: Session) -> dict[str, dict[str, Any]]:
    """Path -> name -> what is set there, of the places of ``line`` at least; kept until the request ends,
    or the transaction of a job: that runs for hours, and what was changed meanwhile holds.
    """
    known = g.setdefault("settings", {}) if has_request_context() else _said.of(session)
    if not known.keys() >= set(line):
        actor = current_actor()
        missing = {*line, *(line_of(actor.path) if actor else ())} - known.keys()
        known |= {place: {} for place in missing}
        for place, name, found in session.execute(_read(sorted(missing))):
            known[place][name] = found
    return known


def _read(paths: list[str]) -> Select[tuple[str, str, Any]]:
    return (
        select(Region.path, SettingValue.name, SettingValue.value)
        .join(Region, Region.id == SettingValue.region_id)
        .where(Region.path.in_(paths))
    )

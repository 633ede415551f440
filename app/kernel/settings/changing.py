"""Setting a setting, or giving it back to what the divisions above say: permission, check, audit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.access import policy, settings
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act, AuditEntry
from app.access.divisions import asked as region_asked
from app.access.divisions.regions import Level, Region
from app.access.settings import DATE, NUMBER, YES_NO, Setting, SettingValue
from app.core.clock import now
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _, translate
from app.kernel import hooks, kinds
from app.kernel.declare.field import Field
from app.kernel.declare.rules import Problem

_KEYS = uuid.UUID("6f1c2a4e-6d0b-5b1e-9d59-0d7f3f0a9b11")  # of the settings' names in the audit log
_KINDS = {NUMBER: kinds.INTEGER, YES_NO: kinds.YES_NO, DATE: kinds.DATE}
_LONGEST = 200
_HISTORY = 50


@dataclass(frozen=True)
class Held:
    """How a setting stands in a division. ``own`` is what the division itself has set, None where
    it has not; ``inherited`` what holds without that, from ``origin`` (None: the default).
    """

    setting: Setting
    region: Region
    own: SettingValue | None
    inherited: Any
    origin: Region | None

    @property
    def value(self) -> Any:
        """What holds here."""
        value = self.own_value
        if value is None:
            return self.inherited
        capped = self.setting.bounded and self.origin is not None
        return min(value, self.inherited) if capped else value

    @property
    def own_value(self) -> Any:
        """What the division itself has set, typed; None for nothing."""
        return settings.from_json(self.setting, self.own.value) if self.own else None

    @property
    def key(self) -> uuid.UUID:
        """What its entries in the audit log are found by."""
        return uuid.uuid5(_KEYS, f"{self.setting.name}:{self.region.id}")

    @property
    def path(self) -> str:
        return self.region.path

    @property
    def id(self) -> uuid.UUID:
        return self.key


def place(region_id: int) -> Region:
    """The division whose settings are looked at; NotFound, noted, outside the actor's area."""
    actor = policy.require(Capability.SETTINGS)
    try:
        return region_asked.in_area(db.session, region_id, actor.path)
    except NotFound as error:
        if not error.details.get("noted"):
            audit.refused(detail={"settings of": region_id})
            error.details["noted"] = True
        raise


def held_in(region: Region) -> list[Held]:
    """Every declared setting as it stands in the division; one statement."""
    line = settings.line_of(region.path)
    rows = db.session.execute(
        select(SettingValue, Region)
        .join(Region, Region.id == SettingValue.region_id)
        .where(Region.path.in_(line), ~Region.structural)
    )
    found = {(place.path, row.name): (row, place) for row, place in rows}
    return [_held(setting, region, line, found) for setting in settings.declared()]


def held(name: str, region: Region) -> Held:
    """One setting as it stands in the division; NotFound for a name that is none."""
    for one in held_in(region):
        if one.setting.name == name:
            return one
    raise NotFound(_("没有这个参数。"))


def _held(
    setting: Setting,
    region: Region,
    line: list[str],
    found: dict[tuple[str, str], tuple[SettingValue, Region]],
) -> Held:
    above = [found.get((path, setting.name)) for path in line[:-1]]
    values = [settings.from_json(setting, pair[0].value) if pair else None for pair in above]
    inherited = settings.in_force(setting, values)
    origin = next((pair[1] for pair in reversed(above) if pair), None)
    own = found.get((region.path, setting.name))
    return Held(setting, region, own[0] if own else None, inherited, origin)


def may_set(setting: Setting, region: Region, actor: Actor) -> bool:
    """The ministry sets all; an area's managers what is declared for their level and above."""
    if not actor.has(Capability.SETTINGS) or not region.path.startswith(actor.path):
        return False
    if region.level == Level.NATION:
        return True
    if setting.by_ministry and actor.level != Level.NATION:
        return False
    return setting.area is not None and region.level <= setting.area


def change(one: Held, text: str, seen: str) -> None:
    """Set it to what was typed. ``seen`` is the division's own value that the form showed.

    :raises Invalid: ``text`` is no such value, or outside its limits; nothing is changed.
    :raises Conflict: somebody set another value meanwhile.
    """
    _require(one)
    value = _parse(one, text)
    if (problem := _limit_problem(one, value)) is not None:
        raise Invalid(problem, [Problem("value", "setting.limit", problem)])
    _put(one, value, seen)


def clear(one: Held, seen: str) -> None:
    """Give it back to what holds above."""
    _require(one)
    _put(one, None, seen)


def said(value: Any) -> str:
    """A value as forms hold it: digits, yes/no, an ISO date, a text; empty for none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(settings.to_json(value))


def shown(setting: Setting, value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return _("未设置")
    if isinstance(value, bool):
        return _("是") if value else _("否")
    text = str(settings.to_json(value))
    return f"{text} {translate(setting.unit)}" if setting.unit else text


def changes_of(one: Held) -> list[AuditEntry]:
    """Who set what here, newest first."""
    query = select(AuditEntry).where(AuditEntry.record_id == one.key)
    order = AuditEntry.at.desc(), AuditEntry.id.desc()
    return list(db.session.scalars(query.order_by(*order).limit(_HISTORY)))


def _require(one: Held) -> None:
    actor = policy.require(Capability.SETTINGS)
    if not may_set(one.setting, one.region, actor):
        raise Forbidden(_("“%(what)s”不能在这一级设置。", what=translate(one.setting.label)))


def _put(one: Held, value: Any, seen: str) -> None:
    key = one.region.id, one.setting.name
    row = db.session.get(SettingValue, key, with_for_update=True, populate_existing=True)
    old = settings.from_json(one.setting, row.value) if row else None
    if said(old) != seen:
        raise Conflict(_("该参数刚被他人修改，现为“%(now)s”，请核对后再保存。", now=said(old)))
    if old == value:
        return
    if value is None:
        db.session.delete(row)
    else:
        actor = policy.require(Capability.SETTINGS)
        row = row or SettingValue(region_id=one.region.id, name=one.setting.name)
        row.value, row.set_at = settings.to_json(value), now()
        row.set_by, row.set_by_name = actor.account_id, f"{actor.login} {actor.name}"
        db.session.add(row)
    try:
        db.session.flush()
    except IntegrityError:  # somebody set it for the first time at the same moment
        raise Conflict(_("该参数刚被他人修改，请核对后再保存。")) from None
    audit.record(
        db.session,
        Act.SETTING,
        row=one,
        detail={
            "setting": one.setting.name,
            "changes": {one.setting.name: [settings.to_json(old), settings.to_json(value)]},
        },
    )
    settings.forget()
    hooks.setting_changed(one.setting, one.region)


def _parse(one: Held, text: str) -> Any:
    kind = _KINDS.get(one.setting.kind, kinds.TEXT)
    try:
        value = Field(kind, one.setting.label, length=_LONGEST).parse(text)
    except ValueError as error:
        raise Invalid(str(error), [Problem("value", "setting.wrong", str(error))]) from None
    if value is None:
        message = _("请填写，或恢复为上级的设置。")
        raise Invalid(message, [Problem("value", "setting.missing", message)])
    return value


def _limit_problem(one: Held, value: Any) -> str | None:
    setting = one.setting
    size = len(value) if isinstance(value, str) else value
    if not isinstance(value, bool):
        if setting.lowest is not None and size < setting.lowest:
            return _("不能小于 %(limit)s。", limit=settings.to_json(setting.lowest))
        if setting.highest is not None and size > setting.highest:
            return _("不能大于 %(limit)s。", limit=settings.to_json(setting.highest))
    if setting.check is not None and (problem := setting.check(value)) is not None:
        return problem
    above = one.inherited
    if one.region.level == Level.NATION or not setting.bounded or above is None or value <= above:
        return None
    if setting.kind is DATE:
        return _("不能晚于上级规定的 %(limit)s。", limit=settings.to_json(above))
    return _("不能大于上级规定的 %(limit)s。", limit=above)

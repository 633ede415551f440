"""Filters kept under a name: an account's own, and those that a division's managers share with its
accounts and all below. Opening one asks for no more than the account may see anyway.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from app.access import policy
from app.access.actor import Actor, Capability, Kind
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import asked as region_asked
from app.access.divisions.regions import Region, ancestor_paths, within
from app.core.db import db
from app.core.errors import AnjuError, BadInput, Forbidden, Invalid, NotFound
from app.core.i18n import _, translate
from app.core.types import nfc
from app.kernel.declare.groups import Menu
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.lists import combined
from app.kernel.lists.columns import REGION, REGION_LABEL
from app.kernel.lists.combined import WHERE
from app.kernel.lists.query import (
    BESIDE,
    DECIDED_FROM,
    DECIDED_FROM_LABEL,
    PLACE_NAMES,
    by_key,
    parse,
)
from app.kernel.lists.saved_rows import LONGEST_NAME, SavedFilter

MOST = 30
_LONGEST_VALUE, _MOST_VALUES = 200, 60
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Opened:
    """What a kept filter asks for today; ``problems`` say which of its conditions are gone."""

    asked: Pairs
    problems: tuple[str, ...]


def may_share(actor: Actor) -> bool:
    """A division's managers say what its accounts, and those below, find in their lists."""
    return actor.kind == Kind.MANAGER


def may_change(row: SavedFilter, actor: Actor) -> bool:
    """One's own; a shared one is its division's, so that it outlives who made it."""
    shared_here = row.path is not None and row.path == actor.path and may_share(actor)
    return row.account_id == actor.account_id or shared_here


def of(register: Register, menu: Menu) -> list[SavedFilter]:
    """Those that the account finds in this list: its own first, then the shared ones by name."""
    actor = policy.require(Capability(menu.capability), register.name)
    line = [*ancestor_paths(actor.path), actor.path]
    query = select(SavedFilter).where(
        SavedFilter.register == register.name,
        SavedFilter.menu == menu.name,
        or_(SavedFilter.account_id == actor.account_id, SavedFilter.path.in_(line)),
    )
    return sorted(
        db.session.scalars(query), key=lambda row: (row.account_id != actor.account_id, row.name)
    )


def get(register: Register, menu: Menu, key: uuid.UUID) -> SavedFilter:
    """One of these; what is another's alone does not exist."""
    found = next((row for row in of(register, menu) if row.id == key), None)
    if found is None:
        raise NotFound(_("没有找到这个常用筛选。它可能已被删除，或不再共享。"))
    return found


def asked_of(register: Register, args: MultiDict[str, str]) -> Pairs:
    """The conditions of an address, without page and size."""
    known = _known(register)
    return [(name, text) for name, text in args.items(multi=True) if name in known and text]


def save(
    register: Register, menu: Menu, name: str, asked: Pairs, *, shared: bool = False
) -> SavedFilter:
    """Keep the conditions under a name. The caller commits.

    :raises Invalid: no name, a name that is taken, too many, nothing to keep, or a person's name or
        number that would be shared. :raises Forbidden: sharing without being a manager.
    """
    actor = policy.require(Capability(menu.capability), register.name)
    if shared and not may_share(actor):
        raise Forbidden(_("只有管理用户可以共享筛选。"))
    name = nfc(name)
    there = of(register, menu)
    _check_name(name, there, actor, None)
    if not asked:
        _wrong("name", _("还没有筛选条件，请先在列表中选择条件。"))
    if len(asked) > _MOST_VALUES or any(len(text) > _LONGEST_VALUE for _name, text in asked):
        _wrong("name", _("筛选条件过多，请减少后再保存。"))
    if shared and any(_finds_one(register, key, text) for key, text in asked):
        _wrong("shared", _("含姓名或身份证号的筛选不能共享，请去掉这个条件，或只保存给自己。"))
    if sum(row.account_id == actor.account_id for row in there) >= MOST:
        _wrong("name", _("最多保存 %(n)s 个，请先删除不用的。", n=MOST))
    row = SavedFilter(
        account_id=actor.account_id,
        account_name=f"{actor.login} {actor.name}",
        register=register.name,
        menu=menu.name,
        name=name,
        asked=[list(pair) for pair in asked],
        path=actor.path if shared else None,
    )
    db.session.add(row)
    _flush()
    _note(row, Act.CREATE, [None, name])
    return row


def rename(register: Register, menu: Menu, key: uuid.UUID, name: str) -> SavedFilter:
    """Give it another name. The caller commits. :raises Invalid: as in :func:`save`."""
    row, actor = _changeable(register, menu, key)
    name, before = nfc(name), row.name
    _check_name(name, of(register, menu), actor, row)
    row.name = name
    _flush()
    _note(row, Act.UPDATE, [before, name])
    return row


def delete(register: Register, menu: Menu, key: uuid.UUID) -> str:
    """Drop it; gives its name. The caller commits."""
    row, _actor = _changeable(register, menu, key)
    name = row.name
    _note(row, Act.DELETE, [name, None])
    db.session.delete(row)
    return name


def opened(register: Register, row: SavedFilter) -> Opened:
    """What it asks for today, in the account's own area. A field, choice or division that is gone is
    left out and told; a division above the account's own is left out, for the account sees its own.
    """
    actor = policy.require(Capability.SEARCH, register.name)
    asked: Pairs = []
    problems: list[str] = []
    known = _known(register)
    for name, text in row.asked:
        if name not in known or not _is_known(register, name, text):
            what = _what(register, name, text)
            problems.append(_("“%(what)s”已不再是筛选条件", what=what))
        elif name == "region":
            problems += _place(text, actor, asked)
        else:
            try:
                parse(register, MultiDict([(name, text)]), db.session, actor)
            except AnjuError:
                what = _what(register, name, text)
                problems.append(_("“%(what)s”的选项“%(text)s”已不存在", what=what, text=text))
            else:
                asked.append((name, text))
    return Opened(asked, tuple(problems))


def _finds_one(register: Register, name: str, text: str) -> bool:
    """Does the condition look for one person?"""
    if name != WHERE:
        return name in by_key(register)
    asked, made = combined.parts(text)[0], register.model.__fields__
    return asked in (register.name_field, register.number_field) or (
        asked in made and made[asked].masked
    )


def _is_known(register: Register, name: str, text: str) -> bool:
    """Is the field of a combined condition still there?"""
    asked = combined.parts(text)[0]
    beside = (combined.OR, REGION)
    return name != WHERE or asked in beside or asked in combined.fields(register)


def _known(register: Register) -> set[str]:
    """The conditions that are kept: a result of one's own expires and is nobody else's."""
    return {*BESIDE, *register.lists.filters.split()} - {"found"}


def _place(text: str, actor: Actor, asked: Pairs) -> list[str]:
    """Adds the division that is asked for, if the account may look there; else says why not."""
    try:
        region = db.session.get(Region, region_asked.read_key(text))
    except BadInput:
        region = None
    if region is None:
        return [_("限定的行政区划已不存在")]
    if within(region.path, actor.path):
        asked.append(("region", text))
    elif not within(actor.path, region.path):
        return [_("限定的行政区划不在您的管辖范围内，改为您的管辖范围")]
    return []


def _what(register: Register, name: str, text: str) -> str:
    """What a condition asks for, in words."""
    asked = combined.parts(text)[0] if name == WHERE else name
    return _(REGION_LABEL) if asked == REGION else _label(register, asked)


def _label(register: Register, name: str) -> str:
    made = register.model.__fields__.get(name)
    if made is not None:
        return translate(made.label)
    if name in PLACE_NAMES:
        return translate(PLACE_NAMES[name][0])
    words = {"figure": _("统计项"), "unplaced": _("行政区划缺失")}
    return words.get(name, _(DECIDED_FROM_LABEL) if name == DECIDED_FROM else name)


def _changeable(register: Register, menu: Menu, key: uuid.UUID) -> tuple[SavedFilter, Actor]:
    row, actor = get(register, menu, key), policy.require(Capability.SEARCH, register.name)
    if not may_change(row, actor):
        raise Forbidden(_("这个筛选由%(who)s共享，您不能修改。", who=row.account_name))
    return row, actor


def _check_name(
    name: str, there: Sequence[SavedFilter], actor: Actor, own: SavedFilter | None
) -> None:
    if not name:
        _wrong("name", _("请填写名称。"))
    if len(name) > LONGEST_NAME:
        n, m = LONGEST_NAME, len(name)
        _wrong("name", _("名称最多 %(n)s 个字，现有 %(m)s 个。", n=n, m=m))
    owner = own.account_id if own else actor.account_id
    if any(row.name == name and row is not own and row.account_id == owner for row in there):
        _wrong("name", _("已有名为“%(name)s”的筛选，请换一个名称。", name=name))


def _wrong(field: str, message: str) -> None:
    raise Invalid(message, [Problem(field, "saved_filter", message)])


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError:  # twice at the same moment
        _wrong("name", _("已有同名的筛选，请换一个名称。"))


def _note(row: SavedFilter, act: Act, names: list[str | None]) -> None:
    """What one keeps for oneself is nobody's business; what others are shown is told."""
    if row.path is not None:
        detail = {"changes": {"saved_filter": names}}
        audit.record(db.session, act, register=row.register, path=row.path, detail=detail)

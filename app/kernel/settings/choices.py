"""The ministry's changes of lists of choices: a new text, a new item, its order and its days."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.access import policy
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act, AuditEntry
from app.access.divisions.regions import NATION_PATH, Level
from app.core.clock import CHINA, now, today
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _, translate
from app.core.types import nfc
from app.kernel.declare import choice_lists
from app.kernel.declare.choice_lists import ListItem, ListText
from app.kernel.declare.field import Field
from app.kernel.declare.register import all_registers
from app.kernel.declare.rules import Problem
from app.kernel.kinds import DATE

TEXT_LENGTH, ENGLISH_LENGTH = 100, 200
_CODE = re.compile("[0-9A-Za-z]{1,8}")  # several of them share a column of 400 characters
_KEYS = uuid.UUID("0c6d7a52-98c4-5ef2-8f7a-3f1c2d4e5b60")
_HISTORY = 50
_MOST_SORT = 9999
_MOST_ITEMS = 300


@dataclass(frozen=True)
class Named:
    """One list as the ministry sees it. ``fixed``: rules name its codes, only texts change."""

    name: str
    source: choice_lists.Source
    fields: tuple[str, ...]  # 模块 · 项目, where it is asked
    several: bool = False  # some field takes several of it

    @property
    def fixed(self) -> bool:
        return not isinstance(self.source, str)

    @property
    def title(self) -> str:
        """What its first field is called."""
        return self.fields[0].rpartition(" · ")[2] if self.fields else self.name


@dataclass(frozen=True)
class _Place:
    """Where entries about one code stand in the audit log."""

    id: uuid.UUID
    path: str = NATION_PATH


def require_ministry() -> Actor:
    """The actor, a manager of the ministry; else Forbidden."""
    actor = policy.require(Capability.SETTINGS)
    if actor.level != Level.NATION:
        raise Forbidden(_("选项由部级统一设置。"))
    return actor


def all_lists() -> list[Named]:
    """Every list that a form asks, in the order of forms."""
    found: dict[str, Named] = {}
    for register in all_registers():
        for made in register.model.__fields__.values():
            for label, part in _parts(made):
                if (source := part.source_list) is None or part.system:
                    continue
                name = choice_lists.name_of(source)
                known = found.get(name, Named(name, source, ()))
                fields = (*known.fields, f"{register.label} · {label}")
                several = known.several or part.kind.several
                found[name] = replace(known, fields=fields, several=several)
    return list(found.values())


def named(name: str) -> Named:
    """One list; NotFound for a name that is none."""
    for one in all_lists():
        if one.name == name:
            return one
    raise NotFound(_("没有这个选项表。"))


def change(one: Named, code: str, typed: dict[str, str]) -> None:
    """Set what was typed of one code: ``text``, ``english``, ``since`` (a day, empty: from now),
    and for a list that the ministry keeps ``sort``, ``valid_from``, ``valid_to``.

    ``seen`` in ``typed`` is the text that the form showed.

    :raises Invalid: with a problem at each wrong field. :raises Conflict: changed meanwhile.
    """
    require_ministry()
    choice = choice_lists.known(one.source).get(code)
    if choice is None:
        raise NotFound(_("没有这个选项。"))
    db.session.execute(select(choice_lists.ListVersion).with_for_update())  # one change at a time
    choice_lists.forget()
    wording = choice_lists.known(one.source)[code].wording()
    if typed.get("seen", wording.text) != wording.text:
        raise Conflict(_("该选项刚被他人改为“%(now)s”，请核对后再保存。", now=wording.text))
    problems: list[Problem] = []
    text, english = _texts(one, typed, problems)
    since = _since(typed.get("since", ""), problems)
    if _clashes(one, code, text):
        problems.append(_problem("text", _("“%(text)s”与另一个选项相同。", text=text)))
    item = None if one.fixed else _item(one.name, code)
    days = _days(typed, problems) if item else None
    _raise(problems)
    changes: dict[str, list[Any]] = {}
    if (text, english) != (wording.text, wording.english):
        changes["text"] = [wording.text, text]
        if english != wording.english:
            changes["english"] = [wording.english, english]
        if since > now():
            changes["since"] = [None, typed["since"]]
        db.session.add(ListText(list=one.name, code=code, text=text, english=english, since=since))
    if item and days:
        changes |= _move(item, days)
    if changes:
        _keep(one, code, changes)


def add(one: Named, typed: dict[str, str]) -> str:
    """Add an item to a list that the ministry keeps; gives its code.

    :raises Invalid: with a problem at each wrong field.
    """
    require_ministry()
    if one.fixed:
        raise Forbidden(_("规则或统计用到这些选项，只能修改文字，不能增减。"))
    db.session.execute(select(choice_lists.ListVersion).with_for_update())
    choice_lists.forget()
    items = choice_lists.known(one.source)
    problems: list[Problem] = []
    code = nfc(typed.get("code", "")) or _next_code(items)
    if not _CODE.fullmatch(code):
        problems.append(_problem("code", _("代码由1至8个字母或数字组成。")))
    elif code in items:
        problems.append(_problem("code", _("代码“%(code)s”已有，请另取一个。", code=code)))
    elif len(items) >= _MOST_ITEMS:
        problems.append(_problem("code", _("一个选项表最多 %(n)s 项。", n=_MOST_ITEMS)))
    text, english = _texts(one, typed, problems)
    if _clashes(one, code, text):
        problems.append(_problem("text", _("“%(text)s”与另一个选项相同。", text=text)))
    days = _days(typed, problems)
    _raise(problems)
    item = ListItem(list=one.name, code=code, text=text, english=english, sort=0)
    _move(item, days)
    db.session.add(item)
    _keep(one, code, {"code": [None, code], "text": [None, text]})
    return code


def suggested_sort(one: Named) -> int:
    """The place before 其他, which stays last."""
    items = [c for c in choice_lists.known(one.source).values() if c.code != "99"]
    return max((c.sort for c in items), default=0) + 1


def changes_of(one: Named, code: str) -> list[AuditEntry]:
    """Who changed the code, newest first."""
    query = select(AuditEntry).where(AuditEntry.record_id == _key(one, code))
    order = AuditEntry.at.desc(), AuditEntry.id.desc()
    return list(db.session.scalars(query.order_by(*order).limit(_HISTORY)))


# ---- parts --------------------------------------------------------------------------------


def _parts(made: Field) -> Iterator[tuple[str, Field]]:
    yield translate(made.label), made
    for part in made.rows:
        yield (
            _("%(label)s：%(value)s", label=translate(made.label), value=translate(part.label)),
            part,
        )


def _problem(field: str, message: str) -> Problem:
    return Problem(field, f"choice.{field}", message)


def _raise(problems: list[Problem]) -> None:
    if problems:
        raise Invalid(_("有 %(n)s 处需要修改，修改后再保存。", n=len(problems)), problems)


def _texts(one: Named, typed: dict[str, str], problems: list[Problem]) -> tuple[str, str | None]:
    text, english = nfc(typed.get("text", "")), nfc(typed.get("english", ""))
    if not text:
        problems.append(_problem("text", _("请填写选项文字。")))
    too_long = _("最多 %(n)s 个字，现有 %(m)s 个。")
    if len(text) > TEXT_LENGTH:
        problems.append(_problem("text", too_long % {"n": TEXT_LENGTH, "m": len(text)}))
    if one.several and any(mark in text for mark in "、，,；;"):  # they part several in a cell
        problems.append(_problem("text", _("选项文字中不能有顿号、逗号或分号，请换一种写法。")))
    if len(english) > ENGLISH_LENGTH:
        problems.append(_problem("english", too_long % {"n": ENGLISH_LENGTH, "m": len(english)}))
    return text, english or None


def _since(text: str, problems: list[Problem]) -> dt.datetime:
    day = _day("since", text, problems)
    if day is None or day == today():
        return now()
    if day < today():
        problems.append(
            _problem("since", _("生效日期不能早于今天：以前填报的内容保留原来的文字。"))
        )
    return dt.datetime.combine(day, dt.time(), CHINA).astimezone(dt.UTC)


def _day(name: str, text: str, problems: list[Problem]) -> dt.date | None:
    try:
        found: dt.date | None = Field(DATE, name).parse(text)
    except ValueError as error:
        problems.append(_problem(name, str(error)))
        return None
    return found


def _days(
    typed: dict[str, str], problems: list[Problem]
) -> tuple[int, dt.date | None, dt.date | None]:
    text = typed.get("sort", "").strip()
    sort = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
    if not 0 <= sort <= _MOST_SORT:
        problems.append(_problem("sort", _("顺序号应为 0 至 %(n)s 的整数。", n=_MOST_SORT)))
    start = _day("valid_from", typed.get("valid_from", ""), problems)
    end = _day("valid_to", typed.get("valid_to", ""), problems)
    if start and end and start > end:
        problems.append(_problem("valid_to", _("停用日期不能早于启用日期。")))
    return sort, start, end


def _clashes(one: Named, code: str, text: str) -> bool:
    """Is it what another code is called today? An import could not tell them apart."""
    return any(
        choice.wording().text == text
        for other, choice in choice_lists.known(one.source).items()
        if other != code
    )


def _item(name: str, code: str) -> ListItem | None:
    query = select(ListItem).where(ListItem.list == name, ListItem.code == code)
    return db.session.scalars(query).one_or_none()


def _move(item: ListItem, days: tuple[int, dt.date | None, dt.date | None]) -> dict[str, list[Any]]:
    changes = {}
    for name, new in zip(("sort", "valid_from", "valid_to"), days, strict=True):
        old = getattr(item, name)
        if old != new:
            changes[name] = [
                str(old) if old is not None else None,
                None if new is None else str(new),
            ]
            setattr(item, name, new)
    return changes


def _next_code(items: Any) -> str:
    numbers = [int(code) for code in items if code.isdigit() and code != "99"]
    number = max(numbers, default=0) + 1
    return f"{number + (number == 99):02}"


def _key(one: Named, code: str) -> uuid.UUID:
    return uuid.uuid5(_KEYS, f"{one.name}:{code}")


def _keep(one: Named, code: str, changes: dict[str, list[Any]]) -> None:
    detail = {"list": one.title, "choice": code, "changes": changes}
    audit.record(db.session, Act.SETTING, row=_Place(_key(one, code)), detail=detail)
    choice_lists.touch(db.session)
    try:
        db.session.flush()
    except IntegrityError:  # the same instant, the same code
        raise Conflict(_("该选项刚被他人修改，请核对后再保存。")) from None
    choice_lists.forget()

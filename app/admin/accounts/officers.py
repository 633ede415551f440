"""负责人与责任人名单 (2009 annex 2): kept by each division's manager, a change told to the level above."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Boolean, Subquery, Table, and_, literal_column, select, type_coerce

from app.access import policy
from app.access.accounts import notices
from app.access.accounts.notices import NoticeKind
from app.access.accounts.officers import FIELDS, PHONES, Officer, Post
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import asked as region_asked
from app.access.divisions.regions import Level, Region
from app.core.clock import now
from app.core.db import Model, db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.i18n import _, translate
from app.core.types import nfc
from app.kernel.declare.rules import Problem
from app.kernel.kinds import formats

SUBJECT = "officer"
Form = Mapping[Post, Mapping[str, str]]
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NUMBER = re.compile(r"[0-9+()-]{5,32}")


@dataclass(frozen=True)
class Place:
    """Where an audit entry belongs that is about a division."""

    path: str
    id: uuid.UUID | None = None


_REGIONS: Table = Region.metadata.tables[Region.__tablename__]
_OFFICERS: Table = Officer.metadata.tables[Officer.__tablename__]


def _all_divisions() -> Subquery:
    """Each division down to the county with what its two persons say, named or not."""
    joined: Any = _REGIONS
    columns: list[Any] = [
        _REGIONS.c.id.label("region_id"), _REGIONS.c.path, _REGIONS.c.level, _REGIONS.c.full_name,
    ]  # fmt: skip
    named = []
    for post in Post:
        person = _OFFICERS.alias(post.value)
        of_it = and_(person.c.region_id == _REGIONS.c.id, person.c.post == post)
        joined = joined.outerjoin(person, of_it)
        columns += [person.c[name].label(column(post, name)) for name in FIELDS]
        named.append(person.c.name.is_not(None))
    columns.append(type_coerce(and_(*named), Boolean).label("complete"))
    # said as the index of these divisions says it: a bound value does not find that
    listed = and_(_REGIONS.c.level <= literal_column(f"{Level.COUNTY:d}"), ~_REGIONS.c.structural)
    return select(*columns).select_from(joined).where(listed).subquery("officer_line")


def column(post: Post, name: str) -> str:
    """What a person's field is called in a line, and in its form: ``leader_mobile``."""
    return f"{post}_{name}"


class Line(Model):
    """A division down to the county with its two persons: read here, written by :func:`save`."""

    __table__ = _all_divisions()
    __mapper_args__: ClassVar = {"primary_key": [__table__.c.region_id]}

    def __str__(self) -> str:
        return str(self.full_name)


def place(region_id: int, actor: Actor) -> Region:
    """A division of the actor's area down to the county; else NotFound."""
    region = region_asked.in_area(db.session, region_id, actor.path)
    if region.level > Level.COUNTY:
        raise NotFound(_("没有找到该地区，或不在您的管辖范围内。"))
    return region


def may_keep(actor: Actor, region: Region) -> bool:
    """Only the division's own manager keeps its list."""
    return actor.has(Capability.MANAGE_USERS) and region.id == actor.region_id


def save(region_id: int, form: Form) -> None:
    """Both persons of the manager's own division; an empty one is taken off the list.

    :raises Invalid: with every problem of the form; ``field`` is its :func:`column`.
    """
    actor = policy.require(Capability.MANAGE_USERS)
    region = place(region_id, actor)
    if not may_keep(actor, region):
        raise Forbidden(_("名单由该地区的管理用户自己维护，您只能查看。"))
    mended = {post: _mended(form.get(post, {})) for post in Post}
    problems = [p for post, values in mended.items() for p in _problems(post, values)]
    if problems:
        text = _("有 %(n)s 处需要修改，修改后再保存。", n=len(problems))
        raise Invalid(text, problems)
    query = select(Officer).where(Officer.region_id == region.id).with_for_update()
    kept = {officer.post: officer for officer in db.session.scalars(query)}
    changes: dict[str, list[dict[str, str]]] = {}
    for post, values in mended.items():
        before = kept[post].values() if post in kept else {}
        if before == values or not (before or any(values.values())):
            continue
        changes[post.zh] = [before, values]
        _put(region, post, values, kept.get(post), actor)
    if changes:
        row = Place(region.path)
        detail = {"region": region.full_name, "changes": changes}
        audit.record(db.session, Act.UPDATE, register=SUBJECT, row=row, detail=detail)
        _tell_above(region, list(changes))


def _put(
    region: Region, post: Post, values: dict[str, str], kept: Officer | None, actor: Actor
) -> None:
    if not any(values.values()):
        if kept is not None:
            db.session.delete(kept)
        return
    if kept is None:
        kept = Officer(region_id=region.id, post=post)
        db.session.add(kept)
    for name, text in values.items():
        setattr(kept, name, text or None)
    kept.changed_at, kept.changed_by = now(), actor.account_id


def _tell_above(region: Region, posts: list[str]) -> None:
    above = notices.region_above(db.session, region.path)
    if above is not None:
        what = _("、").join(translate(post) for post in posts)
        notices.tell(
            db.session, above, NoticeKind.OFFICERS, f"/officers/show/{region.id}",
            place=region.full_name, what=what,
        )  # fmt: skip


def _mended(values: Mapping[str, str]) -> dict[str, str]:
    found = {name: nfc(values.get(name, "")) for name in FIELDS}
    found["name"] = formats.mend_name(found["name"])
    for name in PHONES:
        found[name] = formats.mend_phone(found[name])
    found["fax"] = formats.half_width(found["fax"]).replace(" ", "")
    found["email"] = formats.half_width(found["email"])
    return found


def _problems(post: Post, values: dict[str, str]) -> list[Problem]:
    if not any(values.values()):
        return []
    found = []

    def say(name: str, text: str) -> None:
        found.append(
            Problem(
                column(post, name),
                f"officer.{name}",
                _("%(label)s：%(value)s", label=post.label, value=text),
            )
        )

    for name, (label, most) in FIELDS.items():
        if len(values[name]) > most:
            say(name, _("“%(label)s”最多 %(n)s 个字。", label=translate(label), n=most))
    if not values["name"]:
        say("name", _("请填写姓名。"))
    if not (values["office_phone"] or values["mobile"]):
        say("mobile", _("办公电话和手机至少填写一个。"))
    for name in PHONES:
        if values[name] and not formats.phone_valid(values[name]):
            say(name, _("电话号码不正确，请填写 11 位手机号，或区号-号码。"))
    if values["fax"] and not _NUMBER.fullmatch(values["fax"]):
        say("fax", _("传真号码不正确，请填写区号-号码。"))
    if values["email"] and not _EMAIL.fullmatch(values["email"]):
        say("email", _("电子邮箱不正确，应像 name@example.cn。"))
    return found

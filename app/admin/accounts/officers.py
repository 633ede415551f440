"""负责人与责任人名单 (2009 annex 2): kept by each division's manager, a change told to the level above."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from app.access import policy
from app.access.accounts import notices
from app.access.accounts.notices import NoticeKind
from app.access.accounts.officers import FIELDS, PHONES, Officer, Post
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import asked as region_asked
from app.access.divisions import regions
from app.access.divisions.regions import Level, Region, in_subtree
from app.core.clock import now
from app.core.db import db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.i18n import _, translate
from app.core.types import nfc
from app.kernel.beyond import reveal as personal
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


@dataclass(frozen=True)
class Line:
    """A division with its two persons, as far as they are named."""

    region: Region
    officers: Mapping[Post, Officer]


def overview(session: Session, region: Region) -> list[Line]:
    """The division and those directly below it down to the county; two statements."""
    below = [r for r in regions.children(region) if r.level <= Level.COUNTY]
    return lines(session, [region, *below])


def all_below(session: Session, path: str) -> list[Line]:
    """Every division down to the county in the area: at most some 3,400."""
    query = select(Region).where(_listed(path)).order_by(Region.path)
    return lines(session, list(session.scalars(query)))


def number_below(path: str) -> int:
    """How many :func:`all_below` gives."""
    return db.session.scalar(select(func.count()).select_from(Region).where(_listed(path))) or 0


def _listed(path: str) -> ColumnElement[bool]:
    levels = [level for level in Level if level <= Level.COUNTY]
    return and_(Region.level.in_(levels), in_subtree(Region.path, path), ~Region.structural)


def lines(session: Session, places: Sequence[Region]) -> list[Line]:
    """These divisions with their persons."""
    found: dict[int, dict[Post, Officer]] = {}
    ids = [region.id for region in places]
    for first in range(0, len(ids), 900):
        part = ids[first : first + 900]
        for officer in session.scalars(select(Officer).where(Officer.region_id.in_(part))):
            found.setdefault(officer.region_id, {})[officer.post] = officer
    return [Line(region, found.get(region.id, {})) for region in places]


def place(region_id: int, actor: Actor) -> Region:
    """A division of the actor's area down to the county; else NotFound."""
    region = region_asked.in_area(db.session, region_id, actor.path)
    if region.level > Level.COUNTY:
        raise NotFound(_("没有找到该地区，或不在您的管辖范围内。"))
    return region


def may_keep(actor: Actor, region: Region) -> bool:
    """Only the division's own manager keeps its list."""
    return actor.has(Capability.MANAGE_USERS) and region.id == actor.region_id


def phone(region_id: int, post: Post, name: str) -> str:
    """One of :data:`PHONES` whole, on a click that the audit log keeps.

    :raises NotFound: outside the area, or there is none. :raises TooMany: looked at too many.
    """
    actor = policy.require(Capability.MANAGE_USERS)
    region = place(region_id, actor)
    officer = lines(db.session, [region])[0].officers.get(post)
    text = officer.values().get(name) if officer and name in PHONES else None
    if not text:
        raise NotFound(_("没有这个项目。"))
    personal.note_look(SUBJECT, Place(region.path), f"{post.zh}{FIELDS[name][0]}")
    return text


def save(region_id: int, form: Form) -> None:
    """Both persons of the manager's own division; an empty one is taken off the list.

    :raises Invalid: with every problem of the form; ``field`` is ``post-name``.
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
            db.session, above, NoticeKind.OFFICERS, f"/officers/{region.id}",
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
                f"{post}-{name}",
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

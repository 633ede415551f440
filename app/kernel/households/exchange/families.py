"""A list of persons: rows of one household, its head and the members, become one household.

Rows of a household stand one below the other; 户编号 says which they are, else 与户主关系 alone: who is no
head belongs to the head above. What cannot be told apart is refused, never three heads.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from app.access.audit import log as audit
from app.access.audit.log import Act
from app.core.clock import uuid7
from app.core.db import db
from app.core.i18n import _
from app.kernel.households import lists as households
from app.kernel.households.exchange.list import Line
from app.kernel.households.people import Taken
from app.kernel.rows.household import Household, get_household
from app.kernel.rows.member import Member

_TOLD = 5


def belongs(line: Line, before: Line) -> bool:
    """Is the row about the household of the one before it?"""
    if line.group or before.group:
        return line.group == before.group
    return line.member


def arrange(lines: Sequence[Line], where: Callable[[int], str]) -> None:
    """Give each member its head, or refuse it."""
    for rows in _households(lines):
        heads = [line for line in rows if not line.member]
        if len(heads) > 1:
            places = _("、").join(where(head.number) for head in heads[:_TOLD])
            text = _(
                "户编号“%(number)s”的第%(rows)s行都是户主，或没有写“与户主关系”；一户只能有一个户主，请核对。",
                number=rows[0].group,
                rows=places,
            )
            for line in rows:
                line.reject("household_number", text)
            continue
        for line in rows:
            if line.member:
                _join(line, heads[0] if heads else None)


def _households(lines: Iterable[Line]) -> Iterator[list[Line]]:
    rows: list[Line] = []
    for line in lines:
        if rows and not belongs(line, rows[-1]):
            yield rows
            rows = []
        rows.append(line)
    if rows:
        yield rows


def _join(line: Line, head: Line | None) -> None:
    line.head = head
    if line.rejected or (head is None and line.reference):
        return
    if head is None:
        text = _("没有找到这一户的户主：同一户的人应连续排列，其中一行的“与户主关系”是户主。")
        line.reject("relation", text)
    elif not line.group and (line.place, line.values.get("village_group")) != (
        head.place,
        head.values.get("village_group"),
    ):
        text = _(
            "与上面的户主%(name)s不在同一个村组，不能确定是哪一户；请填写户编号。", name=head.name
        )
        line.reject("relation", text)


def follow(lines: Sequence[Line], where: Callable[[int], str]) -> None:
    """Nobody goes in whose head does not."""
    for line in lines:
        if line.head is not None and line.head.rejected and not line.rejected:
            row = where(line.head.number)
            line.reject("relation", _("户主（第%(row)s行）没有导入，请一并改正。", row=row))
        elif line.head is not None:
            line.household_id = line.head.household_id


def settle(lines: Sequence[Line], job_id: uuid.UUID, *, write: bool) -> None:
    """What becomes of the members of households that are known or were just made."""
    members = [line for line in lines if line.member and not line.rejected]
    known = _known(members)
    at_home: dict[uuid.UUID, list[tuple[Line, Member | None]]] = defaultdict(list)
    for line in members:
        there = next((m for m in known.get(line.household_id, ()) if _is(m, line)), None)
        changes = _changes(line, there)
        line.outcome = "created" if there is None else "updated" if changes else "unchanged"
        if changes and line.household_id is not None:
            at_home[line.household_id].append((line, there))
    for household_id, found in at_home.items() if write else ():
        _write(household_id, found, job_id)


def _known(lines: Sequence[Line]) -> Mapping[uuid.UUID | None, list[Member]]:
    ids = {line.household_id for line in lines} - {None}
    found: dict[uuid.UUID | None, list[Member]] = defaultdict(list)
    if ids:
        for member in db.session.scalars(select(Member).where(Member.household_id.in_(ids))):
            found[member.household_id].append(member)
    return found


def _is(member: Member, line: Line) -> bool:
    """The same number, or of one without a number the same name."""
    if line.id_number and member.id_number:
        return bool(member.id_number == line.id_number)
    return bool(member.name == line.name)


def _changes(line: Line, there: Member | None) -> dict[str, Any]:
    """What the row says that is not said yet."""
    said = {
        "name": line.name, "id_number": line.id_number or None, "sex": line.values.get("sex"),
        "phone": line.values.get("phone"), "relation": line.relation,
    }  # fmt: skip
    return {n: v for n, v in said.items() if v and (there is None or getattr(there, n) != v)}


def _write(
    household_id: uuid.UUID, found: Sequence[tuple[Line, Member | None]], job_id: uuid.UUID
) -> None:
    """The members of one household; refused together where a number stands elsewhere by now."""
    try:
        with db.session.begin_nested():
            household = get_household(household_id, lock=True)
            for line, member in found:
                _save(household, line, member, job_id)
            db.session.flush()
            households.refresh(db.session(), household)
    except Taken as error:
        for line, _member in found:
            line.reject("id_number", error.message)


def _save(household: Household, line: Line, member: Member | None, job_id: uuid.UUID) -> None:
    changes = _changes(line, member)
    if member is None:
        place = {"household_id": household.id, "region_id": household.region_id}
        db.session.add(Member(id=uuid7(), **place, **changes))
    for name, value in changes.items() if member is not None else ():
        setattr(member, name, value)
    detail = {"import": str(job_id), "row": line.number, "name": line.name}
    audit.record(db.session, Act.UPDATE, register="household", row=household, detail=detail)

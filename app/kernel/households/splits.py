"""Households that split off (spec 02 "Split households").

Each head whom a saved form names as split off is a household of its own, linked to its parent, with
rows of its own in the registers that follow the list. It stands on the list, and is counted, when
its parent is approved, and stays there if the parent is sent back afterwards: it was recognised.

The form is followed as it changes. A head is found again by the ID number, else by the name. Who
has a survey of its own is not removed; nor is anybody because the parent died.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.access.accounts import unusual
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.scope import in_scope, joined
from app.core.clock import uuid7
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.i18n import _, translate
from app.kernel import hooks
from app.kernel.declare.flow import State, Transition
from app.kernel.declare.house_lists import house_lists
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.hook import Having
from app.kernel.households import lists as households
from app.kernel.kinds.values import to_json
from app.kernel.rows.household import (
    Finding,
    Household,
    Source,
    get_household,
    match_key,
    search_values,
)
from app.kernel.rows.record import Standing

Head = Mapping[str, Any]  # name, id_number, phone, as a row of the form


@dataclass(frozen=True)
class Child:
    """A household that split off, as it is now. ``surveyed``: something was entered about it;
    ``fixed``: that was submitted, or it moved away by itself.
    """

    id: uuid.UUID
    name: str
    number: str | None
    phone: str | None
    standing: Standing
    surveyed: bool
    fixed: bool

    def is_still(self, head: Head) -> bool:
        """Does the form say of it what is known?"""
        return (self.name, self.number) == (head.get("name"), head.get("id_number"))


@dataclass
class Plan:
    """What becomes of the households when the form's heads are as given; numbers are of its rows."""

    added: list[int] = field(default_factory=list)
    kept: list[tuple[int, Child]] = field(default_factory=list)
    removed: list[Child] = field(default_factory=list)


def children_of(household_id: uuid.UUID) -> list[Child]:
    """Who split off from the household, wherever they are now."""
    with joined("who split off may have moved to another area") as session:
        query = select(Household).where(Household.parent_id == household_id).order_by(Household.id)
        found = session.scalars(query).all()
        states: dict[uuid.UUID, set[State]] = {one.id: set() for one in found}
        for register in households.following():
            model = register.model
            if register.flow is None:
                continue
            rows = select(model.household_id, model.state).where(model.household_id.in_(states))
            for household, state in session.execute(rows) if states else ():
                states[household].add(state)
    decided = {State.SUBMITTED, State.APPROVED}
    return [
        Child(
            one.id, one.issued_name, one.issued_id, one.phone, one.standing,
            surveyed=bool(states[one.id] - {State.MISSING}),
            fixed=bool(states[one.id] & decided) or not in_scope(one.path),
        )
        for one in found
    ]  # fmt: skip


def plan(children: Sequence[Child], heads: Sequence[Head]) -> Plan:
    """Which household each head of the form is."""
    made, free = Plan(), list(children)
    left = []
    for number, head in enumerate(heads):
        same = next((c for c in free if c.number and c.number == head.get("id_number")), None)
        if same is None:
            left.append((number, head))
        else:
            free.remove(same)
            made.kept.append((number, same))
    for number, head in left:
        same = next((c for c in free if c.name == head.get("name")), None)
        if same is None:
            made.added.append(number)
        else:
            free.remove(same)
            made.kept.append((number, same))
    made.removed = free
    return made


def named_by(children: Sequence[Child], heads: Sequence[Head]) -> list[Child]:
    """Those of a household's children whom a form named: other forms of the household, of another
    register or an earlier record, may have named others.
    """
    return [child for _n, child in plan(children, heads).kept]


def _changed(children: Sequence[Child], before: Sequence[Head], heads: Sequence[Head]) -> Plan:
    """What becomes of the children when the heads of a form are others than ``before``."""
    wanted, own = plan(children, heads), named_by(children, before)
    wanted.removed = [child for child in wanted.removed if child in own]
    return wanted


# ---- what a form may say -----------------------------------------------------------------------


@hooks.record_checks.listen(of=Having("splits"), order=30)
def check(register: Register, row: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Each head's number is on no list yet and stands once in the form; nobody is removed or renamed
    of whom a survey says something.
    """
    if register.splits is None:
        return
    asked, name = register.splits
    heads = values.get(name) or []
    if to_json(heads) == to_json(getattr(row, name)):
        return
    wanted = _changed(children_of(row.household_id), getattr(row, name) or [], heads)
    if values.get(asked) is not None:  # not because the parent died
        for child in wanted.removed:
            if child.surveyed:
                text = _(
                    "分户“%(name)s”已有自己的%(what)s，不能移除；确需移除的，请先删除。",
                    name=child.name,
                    what=register.word,
                )
                yield Problem(name if heads else asked, f"{name}.surveyed", text)
    children_at = dict(wanted.kept)
    own = search_values(get_household(row.household_id))
    for number, head in enumerate(heads):
        where = f"{name}-{number}-id_number"
        known = children_at.get(number)
        if known is not None and known.is_still(head):
            continue
        if known is not None and known.fixed:
            text = _(
                "分户“%(name)s”已上报或已迁出，不能在这里修改；请在该分户自己的%(what)s中更正。",
                name=known.name,
                what=register.word,
            )
            yield Problem(where, f"{name}.fixed", text)
        elif taken := _taken(register, row, values, heads[:number], head, known, own):
            yield Problem(where, f"{name}.taken", taken)


def _taken(
    register: Register,
    row: Any,
    values: Mapping[str, Any],
    before: Sequence[Head],
    head: Head,
    child: Child | None,
    own: set[str],
) -> str | None:
    """Why the head's number cannot be that of a new household, or None."""
    given = head.get("id_number")
    if not given:
        return None
    for number, other in enumerate(before):
        if other.get("id_number") == given:
            return _("与第%(n)s行的身份证号相同，请核对。", n=number + 1)
    if given in own:
        return _("与本户户主的身份证号相同，请核对。")
    for name, made in register.fields.items():
        if made.kind.names_person and values.get(name) == given:
            return _("与“%(label)s”相同，请核对。", label=translate(made.label))
    if child is not None and child.number == given:
        return None
    return households.listed_already(child.id if child else row.household_id, given)


# ---- what becomes of it --------------------------------------------------------------------------


@hooks.saved.listen(of=Having("splits"), order=60)
def follow(register: Register, row: Any, changes: Mapping[str, Any]) -> None:
    """The households follow the form that was saved."""
    if register.splits is None or register.splits[1] not in changes:
        return
    asked, name = register.splits
    heads = getattr(row, name) or []
    before = changes[name][0] or []
    wanted = _changed(children_of(row.household_id), before, heads)
    parent = get_household(row.household_id)
    for child in wanted.removed:
        dead = getattr(row, asked) is None
        if not child.surveyed and not (dead and child.standing == Standing.COUNTED):
            _remove(child)
    for number, child in wanted.kept:
        _edit(child, heads[number], f"{name}-{number}-id_number")
    for number in wanted.added:
        _add(register, parent, heads[number], f"{name}-{number}-id_number")


def _add(register: Register, parent: Household, head: Head, where: str) -> None:
    unusual.count(unusual.What.ADDITIONS)
    made = Household(
        id=uuid7(),
        region_id=parent.region_id,
        parent_id=parent.id,
        standing=Standing.PENDING,
        issued_name=head["name"],
        issued_id=head["id_number"],
        head_name=head["name"],
        head_id=head["id_number"],
        phone=head.get("phone"),
        village_group=parent.village_group,
        source=Source.SPLIT,
        own_house=False,
        findings=tuple(f for f in parent.findings or () if f == Finding.NO_VILLAGE),
        match_key=match_key(head["id_number"]),
        **{
            made.name: getattr(parent, made.name) and (made.shared or register.follows == made.name)
            for made in house_lists()
        },
    )
    try:
        with db.session.begin_nested():
            households.join(db.session(), made)
    except IntegrityError:
        raise _beaten(where) from None
    audit.record(
        db.session, Act.CREATE, register="household", row=made, detail={"parent": parent.head_name}
    )


def _edit(child: Child, head: Head, where: str) -> None:
    if child.is_still(head) and child.phone == head.get("phone"):
        return
    if child.fixed:
        return  # its own survey says what it is
    made = get_household(child.id)
    changes = {}
    for name, value in (
        ("issued_name", head["name"]), ("issued_id", head["id_number"]), ("phone", head.get("phone"))
    ):  # fmt: skip
        if getattr(made, name) != value:
            changes[name] = [getattr(made, name), value]
    if made.head_name == made.issued_name:
        made.head_name = head["name"]
    if made.head_id == made.issued_id:
        made.head_id = head["id_number"]
    for name, (_old, value) in changes.items():
        setattr(made, name, value)
    made.match_key = match_key(head["id_number"])
    try:
        with db.session.begin_nested():
            households.refresh(db.session(), made)
    except IntegrityError:
        raise _beaten(where) from None
    detail = {"changes": changes}
    audit.record(db.session, Act.UPDATE, register="household", row=made, detail=detail)


def _beaten(where: str) -> Invalid:
    """Two were adding the same number at once: the other one was first."""
    text = _("该身份证号刚刚被列入名单，请核对。")
    return Invalid(_("有 %(n)s 处需要修改，修改后再保存。", n=1), [Problem(where, "taken", text)])


def _remove(child: Child) -> None:
    unusual.count(unusual.What.DELETIONS)
    made = get_household(child.id)
    audit.record(
        db.session, Act.DELETE, register="household", row=made,
        detail={"changes": {"issued_name": [child.name, None], "issued_id": [child.number, None]}},
    )  # fmt: skip
    households.remove(db.session(), made)


@hooks.clearing.listen(of=Having("splits"), order=20)
def let_go(register: Register, row: Any) -> None:
    """With a form go the households that it named; not if one of them has a survey of its own."""
    if register.splits is None or not getattr(row, register.splits[1]):
        return
    heads = getattr(row, register.splits[1])
    children = named_by(children_of(row.household_id), heads)
    if named := _("、").join(child.name for child in children if child.surveyed):
        said = {"name": named, "what": register.word}
        text = _("分户“%(name)s”已有自己的%(what)s，不能删除主户的%(what)s。", **said)
        raise Conflict(text, row=row)
    for child in children:
        _remove(child)


@hooks.stepping.listen(order=30)
def recognise(register: Register, row: Any, step: Transition) -> None:
    """Who split off joins the list when the parent is approved, and is decided on after that."""
    if row.standing == Standing.PENDING and step.target in (State.APPROVED, State.RETURNED):
        text = _("该户由主户分出，主户审核通过后才能审核。")
        raise Conflict(text, row=row)
    if register.splits is None or step.target != State.APPROVED:
        return
    asked, name = register.splits
    if not getattr(row, name) and getattr(row, asked) is not None:
        return
    pending = select(Household).where(
        Household.parent_id == row.household_id, Household.standing == Standing.PENDING
    )
    for child in db.session.scalars(pending):
        child.standing = Standing.COUNTED
        households.refresh(db.session(), child)

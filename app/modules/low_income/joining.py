"""Who is put onto the list of low-income households, and what is kept right about them (spec 03).

A number that stands somewhere already brings its household, or the one member whose it is: within
the county at once, from another county by a request to which both counties agree (spec 02 "Moves").
Never silently: the form has shown what was found, and sends back its key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, object_session

from app.access import policy
from app.access.accounts import notices, unusual
from app.access.accounts.notices import NoticeKind
from app.access.actor import Actor, Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level, Region
from app.access.scope import in_scope, joined
from app.core.clock import now, today, uuid7
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.i18n import _, mark
from app.kernel import hooks
from app.kernel.declare.register import Register
from app.kernel.declare.rules import Problem
from app.kernel.hooks import Leaving
from app.kernel.households import lists as households
from app.kernel.households import moves, people
from app.kernel.households.people import Taken
from app.kernel.kinds import formats
from app.kernel.kinds.values import to_json
from app.kernel.records import copies, history
from app.kernel.records import save as records
from app.kernel.rows.household import Household, Source, get_household, match_key
from app.kernel.rows.member import Member, PersonNumber
from app.kernel.rows.transfer import Side, Transfer
from app.modules.homes.choices import Origin
from app.modules.low_income.copies import repeat
from app.modules.low_income.fields import Listed, Upkeep, the_list
from app.modules.low_income.finding import Found, Way, find, find_in

#: What the histories of rows call it.
ADDED, CAME, MAINTAINED = mark("新增"), mark("调整到本村"), mark("维护修改")


class Changed(Conflict):
    """What stands with the number is no longer what the form has shown."""

    code = "changed"


@dataclass(frozen=True)
class Added:
    """What came of it: the row, or the request that both counties have to agree to."""

    way: Way
    row: Any = None
    transfer: Transfer | None = None


def village(region_id: int | None) -> Region:
    """The village that somebody is put into; the actor must enter there.

    :raises Invalid: no village, or none of the actor's.
    """
    actor = policy.require(Capability.ENTER, the_list().name)
    region = db.session.get(Region, region_id) if region_id is not None else None
    if region is None or region.level != Level.VILLAGE or not policy.may(
        Capability.ENTER, the_list().name, region, actor=actor
    ):  # fmt: skip
        raise _invalid(Problem("region", "region.required", _("请选择您管辖范围内的行政村。")))
    return region


def person_problems(name: str, number: str) -> list[Problem]:
    """What is wrong with who is to be added."""
    found = []
    if problem := formats.name_problem(name):
        found.append(Problem("head_name", "name.wrong", problem.message))
    elif len(name) > (longest := Household.__fields__["head_name"].length):
        text = _("最多 %(n)s 个字，现有 %(m)s 个。", n=longest, m=len(name))
        found.append(Problem("head_name", "name.long", text))
    if problem := formats.id_number_problem(number, today()):
        found.append(Problem("head_id", "id.wrong", problem.message))
    return found


def add(region_id: int, values: Mapping[str, Any], seen: str) -> Added:
    """Put a person with a household, or the household that the number has already, onto the list of
    a village; ``values`` are a form's, ``seen`` the key of what it showed as found.

    :raises Changed: something else stands with the number now. :raises Invalid: with every problem.
    :raises Conflict: it may not leave where it is.
    """
    here = village(region_id)
    register = the_list()
    number, name = values.get("head_id") or "", values.get("head_name") or ""
    problems = person_problems(name, number)
    result = register.rules.evaluate(dict(values))
    problems += [p for p in result.errors if p.field not in {one.field for one in problems}]
    if problems:
        raise _invalid(*problems)
    found = find(number)
    if (found.key if found else "") != seen:
        raise Changed(_("该身份证号刚刚在别处有了变化，没有保存。请看清下面的提示，再保存一次。"))
    _require_same_person(found, here, name)
    village_id = here.id
    try:
        if found is None:
            return _new(register, here, result.values)
        with _session(found.path) as session:
            here = session.get_one(Region, village_id)
            return _bring(session, register, found, here, result.values)
    except (IntegrityError, Taken) as error:  # another one was first, at this very moment
        raise Changed(
            _("该身份证号刚刚在别处新增，没有保存。请看清下面的提示，再保存一次。")
        ) from error


def _require_same_person(found: Found | None, here: Region, name: str) -> None:
    """Whoever writes a number wrong must not fetch a stranger."""
    if found is None or name in (found.name, found.head_name) or found.way(here) == Way.HERE:
        return
    text = _("与该身份证号已登记的姓名不一致，请核对姓名和身份证号。")
    raise _invalid(Problem("head_name", "name.other", text))


@contextmanager
def _session(path: str) -> Iterator[Session]:
    """The request's session, or, for what lies outside the actor's area, one that sees it too."""
    if in_scope(path):
        yield db.session()
        return
    why = "a household comes from another area by its ID number"
    with joined(why, writes=True) as session:
        yield session


def _new(register: Register, here: Region, values: Mapping[str, Any]) -> Added:
    """A household that no list had."""
    actor = policy.require(Capability.ENTER, register.name)
    unusual.count(unusual.What.ADDITIONS)
    session = db.session()
    made = new_household(here, values["head_name"], values["head_id"], values)
    with session.begin_nested():
        households.join(session, made)
    row = row_of(session, register, made)
    row.origin, row.added_on = Origin.MANUAL, today()
    _say(register, row, actor, values, ADDED, Act.CREATE)
    session.flush()
    return Added(Way.NEW, row)


def new_household(
    place: Region, name: str, number: str | None, values: Mapping[str, Any]
) -> Household:
    """A household on the list of low-income ones alone, not in a session yet."""
    return Household(
        id=uuid7(),
        region_id=place.id,
        issued_name=name,
        issued_id=number,
        head_name=name,
        head_id=number,
        sex=values.get("sex"),
        phone=values.get("phone"),
        source=Source.MANUAL,
        poverty_exit=False,
        low_income=True,
        match_key=match_key(number, place.path, name, values.get("phone")),
    )


def _bring(
    session: Session, register: Register, found: Found, here: Region, values: Mapping[str, Any]
) -> Added:
    household = session.get_one(Household, found.household_id, with_for_update=True)
    if (again := find_in(session, values["head_id"])) is None or again.key != found.key:
        raise Changed(_("该身份证号刚刚在别处有了变化，没有保存。请看清下面的提示，再保存一次。"))
    if found.pending:
        raise Conflict(_("该户由主户分出，主户审核通过后才能列入低收入群体。"))
    actor = policy.require(Capability.ENTER, register.name)
    way = found.way(here)
    if way != Way.HERE and (stays := hooks.why_stay(session, household, Leaving.PLACE)):
        raise Conflict("".join(stays))
    if way == Way.FAR:
        row = row_of(session, register, household) or _unlisted(session, register, household)
        said = {n: to_json(v) for n, v in values.items() if n not in ("head_name", "head_id")}
        transfer = moves.request(
            session, register, row, here, actor, kept=said, side=Side.TO, member_id=found.member
        )
        session.flush()
        return Added(way, row, transfer)
    if way == Way.NEAR and moves.waiting_in(session, household.id):
        raise Conflict(_("该户已有迁户申请正在审批，请等审批结束，或请对方撤回申请。"))
    was = session.get_one(Region, household.region_id)
    row = _come(session, register, household, found.member, here, actor, values)
    if way == Way.NEAR:
        _tell_both(session, row, was, here, actor)
    session.flush()
    return Added(way, row)


def _come(
    session: Session,
    register: Register,
    household: Household,
    member_id: Any,
    here: Region,
    actor: Actor,
    values: Mapping[str, Any],
) -> Any:
    """The household, or the member alone, stands on the list of the village; gives its row."""
    moved = household.region_id != here.id
    member = session.get_one(Member, member_id) if member_id else None
    if member is not None and not moved:  # of this very village: the person's own facts
        return _maintain_member(session, register, household, member, values)
    if member is not None:
        household = stand_alone(session, register, household, member, here)
    elif moved:
        moves.settle(session, household, here)
    on_list = household.low_income
    households.enlist(session, household, "low_income")
    row = row_of(session, register, household)
    if not on_list:
        row.origin, row.added_on = Origin.MANUAL, today()
        row.come_back()
    label = CAME if moved else (MAINTAINED if on_list else ADDED)
    _rename(session, household, row, values)
    _say(register, row, actor, values, label, Act.UPDATE)
    if moved:
        for place in (here.path, household.path):
            audit.record(session, Act.TRANSITION, register=register.name, row=row, path=place)
    return row


def stand_alone(
    session: Session, register: Register, household: Household, member: Member, place: Region
) -> Household:
    """A member stands on the list of a village for themselves: in the household of their own that
    they had, else in a new one.

    :raises Taken, IntegrityError: their number stands elsewhere.
    """
    was = session.get(Household, member.household_was) if member.household_was else None
    facts = {"sex": member.sex, "phone": member.phone}
    name, number = member.name, member.id_number
    theirs, shown = row_of(session, register, household), member.shown
    session.delete(member)
    session.flush()
    if shown and (left := [m for m in households.members(session, household) if m.low_income]):
        left[0].shown = True
    households.refresh(session, household)
    if was is not None:
        if was.region_id != place.id:
            moves.settle(session, was, place)
        households.enlist(session, was, "low_income")
        row_of(session, register, was).come_back()
        return was
    made = new_household(place, name, number, facts)
    with session.begin_nested():
        households.join(session, made)
    row = row_of(session, register, made)
    row.origin, row.groups, row.sex, row.phone = (
        theirs.origin, theirs.groups, member.sex, member.phone
    )  # fmt: skip
    return made


def _maintain_member(
    session: Session,
    register: Register,
    household: Household,
    member: Member,
    values: Mapping[str, Any],
) -> Any:
    for name in ("sex", "phone"):
        setattr(member, name, values.get(name))
    member.name, member.low_income = values["head_name"], True
    row = row_of(session, register, household)
    detail = {"changes": {"name": [None, member.name]}}
    audit.record(session, Act.UPDATE, register=register.name, row=row, detail=detail)
    households.refresh(session, household)
    return row


@hooks.arriving.listen()
def arrive(session: Session, transfer: Transfer, region: Region, actor: Actor) -> None:
    """Both counties agreed to a request: the household, or the member, comes to the village."""
    register = the_list()
    if transfer.register != register.name:
        return
    household = session.get_one(Household, transfer.household_id)
    values = {
        name: register.fields[name].parse(text)
        for name, text in transfer.kept.items()
        if name in register.fields
    }
    _come(session, register, household, transfer.member_id, region, actor, values)


# ---- what a saved form makes of it --------------------------------------------------------------


@hooks.record_checks.listen(order=20)
def number_is_free(register: Register, row: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """A number that a form writes about a household of the list stands with no other one."""
    if not isinstance(row, Listed) and not _is_listed(row):
        return
    for name, made in register.fields.items():
        number = values.get(name)
        if not made.kind.names_person or not number or number == getattr(row, name, None):
            continue
        if not isinstance(row, Listed):
            with joined("a number stands once in the whole country") as session:
                stands = session.get(PersonNumber, number)
            if stands is None or stands.household_id == row.household_id:
                continue
        if message := households.listed_already(row.household_id, number):
            yield Problem(name, f"{name}.listed", message)


def _is_listed(row: Any) -> bool:
    key = getattr(row, "household_id", None)
    household = db.session.get(Household, key) if key else None
    return household is not None and household.low_income


@hooks.saved.listen(of=Listed, order=50)
def follow_row(_register: Register, row: Any, changes: Mapping[str, Any]) -> None:
    """What a click said of a row becomes its household's, or the shown member's (spec 00)."""
    session = db.session()
    household = get_household(row.household_id)
    row.upkeep = Upkeep.DONE
    try:
        _rename(session, household, row, {n: getattr(row, n) for n in _PERSON})
    except Taken as error:
        raise _invalid(Problem("head_id", "head_id.taken", error.message)) from None


_PERSON = ("head_name", "head_id", "sex", "phone")


def _rename(session: Session, household: Household, row: Any, values: Mapping[str, Any]) -> None:
    """The person whom the row shows is called so: a right number stands beside the issued one."""
    said = {name: values[name] for name in _PERSON if values.get(name)}
    shown = next((m for m in households.members(session, household) if m.shown), None)
    if shown is not None:
        shown.name = said.get("head_name", shown.name)
        shown.id_number = said.get("head_id", shown.id_number)
        shown.sex, shown.phone = said.get("sex", shown.sex), said.get("phone", shown.phone)
        households.refresh(session, household)
        return
    household.sex = said.get("sex", household.sex)
    household.phone = said.get("phone", household.phone)
    household.head_name = said.get("head_name", household.head_name)
    number = said.get("head_id")
    if number and number != people.present_number(household):
        households.correct_id(session, household, number)
        if people.present_number(household) != number:  # another head than the issued one
            household.head_id = number
    households.refresh(session, household)


# ---- small parts ---------------------------------------------------------------------------------


def row_of(session: Session, register: Register, household: Household) -> Any:
    found = households.records_of(session, household, [register])
    return found[0][1] if found else None


def _unlisted(session: Session, register: Register, household: Household) -> Any:
    """A row for a household that is asked for and on no list yet."""
    row = copies.first_row(register, household)
    session.add(row)
    session.flush()
    return row


def _say(
    register: Register, row: Any, actor: Actor, values: Mapping[str, Any], label: str, act: Act
) -> None:
    """Put the form's values into the row, and from there where they are repeated, with history and audit."""
    changes = records.assign(row, {n: values[n] for n in register.fields if n in values})
    row.upkeep, row.changed_at = Upkeep.DONE, now()
    history.note(register, row, actor, "list", label)
    session = object_session(row)
    if session is not None:
        repeat(session, register, row, session.get_one(Household, row.household_id))
        detail = {"changes": changes}
        audit.record(session, act, register=register.name, row=row, detail=detail)


def _tell_both(session: Session, row: Any, was: Region, here: Region, actor: Actor) -> None:
    """The villages and towns that somebody left and came to, and their county, hear of it, but for
    who did it.
    """
    values = {"name": row.head_name, "from": was.full_name, "to": here.full_name}
    told = (
        {row.county_id}
        | {region.id for region in (was, here)}
        | {r.parent_id for r in (was, here) if r.parent_id}
    )
    url = f"/household/{row.household_id}"
    notices.tell_each(session, told - {actor.region_id}, NoticeKind.MOVE_DONE, url, **values)


def _invalid(*problems: Problem) -> Invalid:
    text = _("有 %(n)s 处需要修改，修改后再保存。", n=len(problems))
    return Invalid(text, list(problems))

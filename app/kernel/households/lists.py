"""What can be done to a household itself: join the list, be placed, get a new head.

Registers that follow the list (one row for each household, in state 未录入) are given their row
here, and their copies of name, number and place are kept right here.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Select,
    bindparam,
    delete,
    exists,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from app.access import policy
from app.access.actor import Capability
from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions.regions import Level, Region
from app.access.scope import in_scope, joined
from app.core.clock import today
from app.core.db import db
from app.core.errors import BadInput
from app.core.i18n import _
from app.core.kept import Kept
from app.core.types import UuidType
from app.kernel import hooks
from app.kernel.beyond import duplicates
from app.kernel.declare.house_lists import list_names
from app.kernel.declare.register import Register, all_registers
from app.kernel.households import people
from app.kernel.kinds import formats
from app.kernel.records import copies
from app.kernel.rows.file import Attachment
from app.kernel.rows.household import (
    Finding,
    Household,
    SearchKey,
    get_household,
    search_values,
)
from app.kernel.rows.member import Member, PersonNumber, members_of
from app.kernel.rows.record import Draft, HistoryEntry, Standing

_locked: Kept[dict[uuid.UUID, Household]] = Kept(dict)


def locked(session: Session, household_ids: Collection[uuid.UUID]) -> list[Household]:
    """These households, which nobody else works on until the transaction ends; asking for one again
    costs nothing. Those outside the session's area are left out.
    """
    held = _locked.of(session)
    if missing := set(household_ids) - held.keys():
        query = select(Household).where(Household.id.in_(missing)).order_by(Household.id)
        query = query.with_for_update().execution_options(populate_existing=True)
        held |= {home.id: home for home in session.scalars(query)}
    return [held[key] for key in sorted(household_ids) if key in held]


def with_family(household_id: uuid.UUID) -> tuple[Household, list[Household]]:
    """The household, and those of the own area that it split off from or that split off from it; one
    statement.
    """
    own, parent = Household.id == household_id, Household.parent_id.is_not(None)
    keys: CompoundSelect[Any] = union_all(
        select(Household.id).where(own),
        select(Household.parent_id).where(own, parent),
        select(Household.id).where(Household.parent_id == household_id),
    )
    query = select(Household).where(Household.id.in_(keys)).order_by(Household.id)
    family = db.session.scalars(query).all()
    household = get_household(household_id)  # known by now, or refused
    return household, [one for one in family if one is not household]


def records_of(
    session: Session, household: Household, registers: Sequence[Register] | None = None
) -> list[tuple[Register, Any]]:
    """Every record of these registers about the household, the oldest of a register first; one
    statement, however many registers there are. Unless they are given: of all whose records belong to
    it and go where it goes, not of those that only name it.
    """
    wanted = [r for r in all_registers() if r.of_households] if registers is None else registers
    asked = [r for r in wanted if hasattr(r.model, "household_id")]
    if not asked:
        return []
    query = _everything(tuple(r.model for r in asked))
    found = [
        (asked[n], rows[n]) for n, *rows in session.execute(query, {"household": household.id})
    ]
    return [(register, row) for register, row in found if row is not None]


@cache
def _everything(models: tuple[Any, ...]) -> Select[Any]:
    """The records of these models about one household. Put together once: that takes longer than
    asking.
    """
    home = bindparam("household", type_=UuidType)
    keys = union_all(
        *(
            select(model.id.label("id"), literal(n).label("register")).where(
                model.household_id == home
            )
            for n, model in enumerate(models)
        )
    ).subquery()
    query = select(keys.c.register, *models).select_from(keys)
    for n, model in enumerate(models):
        query = query.outerjoin(model, (keys.c.register == n) & (model.id == keys.c.id))
    return query.order_by(keys.c.register, keys.c.id)


def following(*lists: str) -> list[Register]:
    """Registers that hold a row for every household of these lists."""
    return [r for r in all_registers() if r.follows and r.follows in (lists or list_names())]


def join(session: Session, household: Household) -> None:
    """Give a new household its search keys and its rows; the caller commits."""
    session.add(household)
    session.flush()
    for value in search_values(household):
        session.add(
            SearchKey(household_id=household.id, value=value, region_id=household.region_id)
        )
    for register in following(*lists_of(household)):
        session.add(copies.first_row(register, household))
    people.follow(session, household, ())


def lists_of(household: Household) -> list[str]:
    """The lists on which it stands."""
    return [name for name in list_names() if getattr(household, name)]


def enlist(session: Session, household: Household, name: str) -> None:
    """Put a known household onto another list: the registers that follow it have a row of it then,
    the one of an earlier time if there is one. The caller commits.
    """
    setattr(household, name, True)
    for register in following(name):
        theirs = exists().where(register.model.household_id == household.id)
        if not session.scalar(select(theirs)):
            session.add(copies.first_row(register, household))
    refresh(session, household)
    hooks.listed(session, household)


def delist(session: Session, household: Household, name: str) -> None:
    """Take it off a list; its rows stay, no longer listed. The caller commits."""
    setattr(household, name, False)
    refresh(session, household)
    hooks.listed(session, household)


#: Model of records -> keys of rows, in tables of their own, that go where the record goes.
_going: dict[type, list[Any]] = defaultdict(list)


def goes_along(model: type, key: Any) -> None:
    """Rows whose ``key`` names a record of ``model`` lie where it lies, also after a move."""
    _going[model].append(key)


def refresh(session: Session, household: Household) -> None:
    """Carry a changed name, number or place to everything that repeats it; the caller commits."""
    place = household.region_id
    beside = members(session, household)
    keys = {
        key.value: key
        for key in session.scalars(select(SearchKey).where(SearchKey.household_id == household.id))
    }
    wanted = search_values(household) | {m.id_number for m in beside if m.id_number}
    shown = next((m for m in beside if m.shown), None)
    wanted |= {shown.name} if shown else set()
    for value in wanted - keys.keys():
        session.add(SearchKey(household_id=household.id, value=value, region_id=place))
    for value, key in keys.items():
        if value not in wanted:
            session.delete(key)
        else:
            key.region_id = place
    for _register, row in records_of(session, household):
        row.region_id = place
        for name, value in copies.of(household, type(row), shown).items():
            setattr(row, name, value)
        for key in (Attachment.record_id, HistoryEntry.record_id, *_going.get(type(row), ())):
            for owned in session.scalars(select(key.class_).where(key == row.id)):
                owned.region_id = place
    hooks.carried(session, household)
    for member in beside:
        member.region_id = place
    people.follow(session, household, beside)


def members(session: Session, household: Household) -> list[Member]:
    """Its members; not one who is its head now."""
    number, found = people.present_number(household), []
    for member in members_of(session, household.id):
        if number and member.id_number == number:
            session.delete(member)
        else:
            found.append(member)
    return found


def remove(session: Session, household: Household) -> None:
    """Delete a household of which nothing is known, with all rows about it; the caller commits. Records
    that name it stay, and stand by themselves again.
    """
    naming = [r for r in all_registers() if r.names_household]
    for _register, row in records_of(session, household, naming):
        row.household_id = None
    for _register, row in records_of(session, household):
        for model in (HistoryEntry, Draft):
            session.execute(delete(model).where(model.record_id == row.id))
        session.delete(row)
    for model in (SearchKey, Member, PersonNumber):
        for one in session.scalars(select(model).where(model.household_id == household.id)):
            session.delete(one)
    session.delete(household)


def settle(session: Session, household: Household, region: Region) -> list[Household]:
    """Put a household into a village, with all that is about it and with those who split off and do
    not stand on the list yet; gives who went. The caller commits.
    """
    split_off = select(Household).where(
        Household.parent_id == household.id, Household.standing == Standing.PENDING
    )
    going = [household, *session.scalars(split_off)]
    for one in going:
        one.region_id = region.id
        one.findings = tuple(f for f in one.findings or () if f != Finding.NO_VILLAGE)
        refresh(session, one)
    return going


def assign_village(household_id: uuid.UUID, region_id: int, register: Register) -> Household:
    """Place a household that has no village yet (spec 02: the county or the town does it inside
    档案填报).

    :raises BadInput: the division is no village of the household's county.
    """
    household = get_household(household_id, lock=True)
    policy.require(Capability.ENTER, register.name, household)
    region = db.session.get(Region, region_id)
    here = db.session.get(Region, household.region_id)
    if region is None or region.level != Level.VILLAGE or region.county_id != household.county_id:
        raise BadInput(_("请选择本县的行政村。"))
    if here is not None and here.level == Level.VILLAGE and here.id != region.id:
        raise BadInput(_("该户已有行政村，迁移请使用“是否迁户”。"))
    policy.require(Capability.ENTER, register.name, region)
    before = household.path
    settle(db.session, household, region)
    audit.record(
        db.session,
        Act.UPDATE,
        register="household",
        row=household,
        detail={"from": before, "to": region.path},
    )
    return household


def listed_already(household_id: uuid.UUID, number: str) -> str | None:
    """The message that another household has this number, or None. The whole country is asked
    (spec 01, exception a). Of a household outside the actor's area it names the county and the
    head, nothing else; that is logged and limited by the hour. An import is told even less.

    A number that is listed elsewhere is refused, so the caller's transaction has nothing to keep:
    it is rolled back, that the note stands whatever follows.
    """
    county = aliased(Region)
    with joined("an ID number is on one list in the whole country") as session:
        other = session.execute(
            select(Household.id, Household.head_name, Household.path, Region.full_name)
            .add_columns(county.full_name.label("county"))
            .join(Region, Region.id == Household.region_id)
            .join(county, county.id == Household.county_id)
            .join(SearchKey, SearchKey.household_id == Household.id)
            .where(SearchKey.value == number, Household.id != household_id)
            .limit(1)
        ).first()
    if other is None:
        return None
    if in_scope(other.path):
        return _found(other.full_name, other.head_name)
    return duplicates.told_elsewhere(
        duplicates.Found("household", number, other.id, other.county),
        _("该身份证号已在其他地区的名单中。"),
        _found(other.county, other.head_name),
    )


def _found(place: str, name: str) -> str:
    return _("该身份证号已在名单中：%(place)s，户主%(name)s，请核对。", place=place, name=name)


def correct_id(session: Session, household: Household, number: str) -> None:
    """The right number stands beside the issued one, which stays. The caller commits."""
    before = _identity(household)
    if household.head_id in (None, household.issued_id, household.corrected_id):
        household.head_id = number
    household.corrected_id = number
    settled = (Finding.ID_MISSING, Finding.ID_WRONG)
    household.findings = tuple(f for f in household.findings or () if f not in settled)
    refresh(session, household)
    _note_identity(session, household, before)


def drop_correction(session: Session, household: Household) -> None:
    """A correction that was none: the issued number stands alone again, with what is doubtful
    about it. The caller commits.
    """
    before = _identity(household)
    if household.head_id == household.corrected_id:
        household.head_id = household.issued_id
    household.corrected_id = None
    if not formats.id_number_valid(household.issued_id, today()):
        finding = Finding.ID_WRONG if household.issued_id else Finding.ID_MISSING
        household.findings = tuple(sorted({*(household.findings or ()), finding.value}))
    refresh(session, household)
    _note_identity(session, household, before)


def issued_head(session: Session, household: Household, phone: str | None) -> None:
    """The issued head is head again, with this phone. The caller commits."""
    before = _identity(household)
    household.head_name, household.head_id = household.issued_name, household.matching_id
    household.phone = phone
    refresh(session, household)
    _note_identity(session, household, before)


def new_head(
    session: Session, household: Household, name: str, number: str | None, phone: str | None
) -> None:
    """The present head changes; the issued identity stays. The caller commits."""
    before = _identity(household)
    household.head_name, household.head_id = name, number
    if phone:
        household.phone = phone
    refresh(session, household)
    _note_identity(session, household, before)


def _identity(household: Household) -> dict[str, str | None]:
    return {n: getattr(household, n) for n in ("head_name", "head_id", "corrected_id", "phone")}


def _note_identity(
    session: Session, household: Household, before: Mapping[str, str | None]
) -> None:
    """Who it is goes into the log, with what it was: its page tells it."""
    changes = {n: [before[n], new] for n, new in _identity(household).items() if new != before[n]}
    if changes:
        audit.record(
            session, Act.UPDATE, register="household", row=household, detail={"changes": changes}
        )

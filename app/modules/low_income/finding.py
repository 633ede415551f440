"""What an ID number is already, before somebody is put onto the list of low-income households."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.divisions.regions import Region
from app.access.scope import in_scope, joined
from app.core.i18n import _
from app.kernel.beyond import duplicates
from app.kernel.rows.household import Household, SearchKey
from app.kernel.rows.member import Member, PersonNumber, members_of
from app.kernel.rows.record import Standing


class Way(Enum):
    """What saving does about a number, for the village that it is saved in."""

    NEW = "new"  # nobody has it: a household of its own
    HERE = "here"  # the household lies in this village: its basic information
    NEAR = "near"  # it lies in this county: it moves at once, both sides are told
    FAR = "far"  # it lies in another county: a request, to which both counties agree


@dataclass(frozen=True)
class Found:
    """The household with which a number stands, or whose it was. ``member``: the key of the member
    whose number it is; None: it is the head's.
    """

    household_id: uuid.UUID
    head_name: str
    name: str
    path: str
    place: str
    county: str
    county_id: int
    region_id: int
    listed: bool
    pending: bool
    member: uuid.UUID | None = None

    @property
    def key(self) -> str:
        """What a form that was shown of it sends back."""
        return f"{self.household_id}:{self.member or ''}:{self.region_id}"

    def way(self, village: Region) -> Way:
        """How it comes to stand in this village."""
        if self.region_id == village.id or village.path.startswith(self.path):
            return Way.HERE  # in the village, or in its town or county without a village yet
        return Way.NEAR if self.county_id == village.county_id else Way.FAR


def find(number: str) -> Found | None:
    """With whom the number stands, in the whole country (spec 01, exception a)."""
    with joined("a person stands in one place of the whole country") as session:
        return find_in(session, number)


def find_in(session: Session, number: str) -> Found | None:
    """The same in a session that sees everything."""
    stands = session.get(PersonNumber, number)
    if stands is not None:
        household = session.get_one(Household, stands.household_id)
        member = next((m for m in members_of(session, household.id) if m.id_number == number), None)
        return _found(session, household, member)
    query = (
        select(Household)
        .join(SearchKey, SearchKey.household_id == Household.id)
        .where(SearchKey.value == number)
        .order_by(Household.low_income.desc(), Household.id)
        .limit(1)
    )
    known = session.scalar(query)
    return _found(session, known, None) if known else None


def _found(session: Session, household: Household, member: Member | None) -> Found:
    place = session.get_one(Region, household.region_id)
    county = session.get_one(Region, household.county_id)
    return Found(
        household.id,
        household.head_name,
        member.name if member else household.head_name,
        household.path,
        place.full_name,
        county.full_name,
        household.county_id,
        household.region_id,
        household.low_income,
        household.standing == Standing.PENDING,
        member.id if member else None,
    )


def told(found: Found, village: Region, number: str) -> str:
    """What is said in red to who typed the number (2024 manual 1.2.2 二). Of a household outside the
    actor's area the county and the head's name, nothing else; that is logged and limited.
    """
    if in_scope(found.path):
        return _red(found) + _moves(found, village, found.place)
    whole = _red(found) + _moves(found, village, found.county)
    known = duplicates.Found("household", number, found.household_id, found.county)
    return duplicates.told_elsewhere(known, _("该身份证号已在其他地区的名单中。"), whole)


def _red(found: Found) -> str:
    if found.listed:
        return _(
            "检测到您输入的身份证号已在低收入群体动态监测库中，户主姓名为“%(name)s”，本次操作仅能修改其基本信息。",
            name=found.head_name,
        )
    return _(
        "检测到您输入的身份证号已在农户名单中，户主姓名为“%(name)s”，保存后该户列入低收入群体。",
        name=found.head_name,
    )


def _moves(found: Found, village: Region, place: str) -> str:
    way = found.way(village)
    if way == Way.HERE:
        return ""
    values = {"place": place, "village": village.full_name}
    if way == Way.NEAR and found.member:
        return _(
            "此人是该户的家庭成员，保存后此人从%(place)s调整到%(village)s，该户不变。", **values
        )
    if way == Way.NEAR:
        return _("保存后该户从%(place)s调整到%(village)s，双方都会收到通知。", **values)
    if found.member:
        return _(
            "此人是%(place)s该户的家庭成员，保存后提出迁移申请，两县同意后此人调整到%(village)s。",
            **values,
        )
    return _("该户现在%(place)s，保存后提出迁移申请，两县同意后调整到%(village)s。", **values)

"""The people of a household beside its head, and where each person's ID number stands.

A number stands with one low-income household alone, as its head's or a member's: that is a key of
the database, so that two who write it at the same moment cannot both be right (spec 03).
"""

from __future__ import annotations

import uuid

from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.db import Model, only_where
from app.core.i18n import mark
from app.core.types import UuidType
from app.kernel.declare import fields as f
from app.kernel.rows.household import Sex
from app.kernel.rows.record import Record


class Member(Record, Model):
    """One member of a household. ``shown``: stands on the list in the place of a head who is not
    low-income. ``household_was``: the household of their own that they left as 非户主.
    """

    __tablename__ = "household_member"
    __table_args__ = (
        Index("ix_household_member_household", "household_id", "id"),
        Index("ix_household_member_place", "path", "id"),
        Index(
            "ix_household_member_was", "household_was", **only_where("household_was IS NOT NULL")
        ),
    )

    household_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    name = f.person("姓名")
    id_number = f.id_number("身份证号", required=False)
    id_number.length = 32
    sex = f.choice("性别", Sex, required=False)
    phone = f.phone("联系电话", required=False)
    relation = f.listed("与户主关系", "relation", required=False)
    low_income = f.system(f.yes_no(mark("是否低收入群体")), default=False)
    shown = f.system(f.yes_no(mark("代户主显示")), default=False)
    household_was: Mapped[uuid.UUID | None] = mapped_column(UuidType)


class PersonNumber(Model):
    """A valid ID number of the head or a member of a household on the list of low-income ones. It
    lies in no area: app.kernel.households.people alone reads and writes it.
    """

    __tablename__ = "person_number"
    __table_args__ = (Index("ix_person_number_household", "household_id"),)

    number: Mapped[str] = mapped_column(String(18), primary_key=True)
    household_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)


def members_of(session: Session, household_id: uuid.UUID) -> list[Member]:
    """Its members, the oldest entry first."""
    query = select(Member).where(Member.household_id == household_id).order_by(Member.id)
    return list(session.scalars(query))

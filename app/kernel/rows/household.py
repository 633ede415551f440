"""The household: issued identity beside the present one, known to all registers (spec 00)."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from sqlalchemy import ColumnElement, Index, String, case
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from app.access.audit import log as audit
from app.access.scope import Scoped
from app.core.choices import Choices
from app.core.clock import today
from app.core.db import Model, db, only_where
from app.core.errors import NotFound
from app.core.i18n import _
from app.core.types import NfcText, UuidType
from app.kernel.declare import feed
from app.kernel.declare import fields as f
from app.kernel.kinds import formats
from app.kernel.rows.record import Record, Standing


class Sex(Choices):
    MALE = "male", "男"
    FEMALE = "female", "女"


class Source(Choices):
    """How the household came onto the list."""

    ISSUED = "issued", "名单下发"
    MANUAL = "manual", "手工新增"
    SPLIT = "split", "分户"


class Finding(Choices):
    """What an import flagged (spec 08, "What an import does with a row")."""

    NO_VILLAGE = "no_village", "行政区划缺失"
    ID_MISSING = "id_missing", "身份证号缺失"
    ID_WRONG = "id_wrong", "身份证号有误"
    SEX_MISMATCH = "sex_mismatch", "性别与身份证号不符"
    PHONE_MISSING = "phone_missing", "联系电话缺失"
    PHONE_ODD = "phone_odd", "联系电话存疑"


class Household(Record, Model):
    """``issued_*`` never change; ``corrected_id`` and the present head stand beside them."""

    __tablename__ = "household"
    __table_args__ = (
        Index("ix_household_place", "path", "id"),
        Index("ix_household_match", "match_key", unique=True),
        *feed.indexes("household"),
        Index("ix_household_parent", "parent_id", **only_where("parent_id IS NOT NULL")),
    )

    issued_name = f.system(f.person("下发户主姓名"), default="")
    issued_id = f.system(f.id_number("下发身份证号"))
    issued_id.length = 32  # wrong numbers come in too, flagged
    corrected_id = f.id_number("更正身份证号", required=False)
    head_name = f.person("户主姓名")
    head_id = f.id_number("户主身份证号", required=False)
    head_id.length = 32
    sex = f.choice("性别", Sex, required=False)
    ethnicity = f.listed("民族", "ethnicity", required=False)
    phone = f.phone("联系电话", required=False)
    population = f.integer("家庭户籍人口", 1, 30, unit="人", required=False)
    village_group = f.text("村民小组", 40, required=False)
    exit_year = f.year("脱贫年份", required=False)
    source = f.system(f.choice("来源", Source), default=Source.ISSUED)
    findings = f.system(f.many("名单存疑", Finding))
    place_written = f.system(f.text("名单所写村名", 120))  # where no village fits it

    #: On which lists it stands; see app.kernel.households.lists.enlist.
    poverty_exit = f.system(f.yes_no("脱贫户"), default=True)
    low_income = f.system(f.yes_no("低收入群体"), default=False)
    #: Its survey that counts says 自有农村住房.
    own_house = f.system(f.yes_no("既有农房"), default=False)
    match_key: Mapped[str] = mapped_column(String(64), nullable=False)
    #: The household that it split off from; see app.kernel.households.splits.
    parent_id: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    standing = f.system(f.choice("分户情况", Standing))

    @hybrid_property
    def former_head(self) -> str | None:
        """The issued head, where another one is head now."""
        return self.issued_name if self.issued_name != self.head_name else None

    @former_head.inplace.expression
    @classmethod
    def _former_head(cls) -> ColumnElement[str | None]:
        other = case((cls.issued_name != cls.head_name, cls.issued_name))
        return other.label("former_head")

    @property
    def matching_id(self) -> str | None:
        """The number that matches it across registers: the corrected one, else the issued one."""
        return self.corrected_id or self.issued_id


def match_key(number: str | None, *rest: Any) -> str:
    """Key by which a second import finds the household: its valid ID number, else county, town,
    village group, name and phone (spec 08).
    """
    if number and formats.id_number_valid(number, today()):
        return number_key(number)
    text_key = "\x1f".join(str(part or "") for part in rest)
    return "np:" + hashlib.sha256(text_key.encode()).hexdigest()[:40]


def number_key(number: str) -> str:
    """The same for a number that is known to be valid."""
    return f"id:{number}"


class SearchKey(Scoped, Model):
    """Every name and number by which a household is found: issued, corrected, present head's."""

    __tablename__ = "search_key"
    __table_args__ = (
        Index("ix_search_key_value", "value", "household_id"),
        Index("ix_search_key_county", "county_id", "value", "household_id"),
    )

    household_id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True)
    value: Mapped[str] = mapped_column(NfcText(64), primary_key=True)


def search_values(household: Household) -> set[str]:
    """The keys that a household is found by."""
    return {
        value
        for value in (
            household.issued_name,
            household.head_name,
            household.issued_id,
            household.corrected_id,
            household.head_id,
        )
        if value
    }


def get_household(household_id: uuid.UUID, *, lock: bool = False) -> Household:
    """The household, if it lies in the actor's area."""
    row = db.session.get(Household, household_id, with_for_update=lock, populate_existing=lock)
    if row is None:
        audit.refused(register="household", detail={"record": str(household_id)})
        raise NotFound(_("没有找到该农户。它可能不存在，或不在您的管辖范围内。"), noted=True)
    return row

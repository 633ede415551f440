"""Columns of the ledger of C and D households. Source: 2024 notice, annex 1 一（五）, 五; spec 02."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.choices import Choices
from app.core.db import Model
from app.core.types import UtcDateTime, UuidType
from app.kernel.declare import feed
from app.kernel.declare import fields as f
from app.kernel.declare.flow import State
from app.kernel.rows.record import OfHousehold
from app.modules.homes.choices import Measure, Progress


class Danger(Choices):
    """Why a household stands in the ledger: the grade of its house, or that it has none."""

    C = "C", "C级"
    D = "D", "D级"
    NO_HOUSE = "no_house", "无房户"


class ToldBy(Choices):
    """Which survey says so: the household's list that it follows."""

    LOOKBACK = "poverty_exit", "回头看"
    MONITORING = "low_income", "动态监测"
    OTHER = "other", "其他调查"


class Risk(OfHousehold, Model):
    """One household, as the newest of its approved surveys tells it; nobody enters it."""

    __tablename__ = "risk"
    __table_args__ = (
        Index("ix_risk_place", "path", "id"),
        Index("ix_risk_secured", "secured", "path", "id"),
        Index("ix_risk_grade", "grade", "path", "id"),
        Index("ix_risk_household", "household_id", unique=True),
        *feed.indexes("risk"),
    )

    poverty_exit = f.system(f.yes_no("脱贫户"))
    low_income = f.system(f.yes_no("六类对象"))
    grade = f.system(f.choice("房屋安全等级", Danger))
    secured = f.system(f.yes_no("是否已保障住房安全"))
    measure = f.system(f.choice("保障措施", Measure))
    measure_year = f.system(f.year("保障年度"))
    interim_measure = f.system(f.long_text("过渡期安全措施", 500))
    told_by = f.system(f.choice("信息来源", ToldBy))
    surveyed_on = f.system(f.date("排查时间"))
    #: How far the household's renovation is; named like the registers that say so.
    application = f.system(f.choice("申请状态", State))
    dossier = f.system(f.choice("改造进度", Progress))

    #: The survey that says all this: its register and its key.
    survey_of: Mapped[str | None] = mapped_column(String(32))
    survey_id: Mapped[uuid.UUID | None] = mapped_column(UuidType)
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

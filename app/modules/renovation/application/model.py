"""Columns of an application. Source: 2024 manual 二、危房改造申请管理; spec 04 "Application"."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Model, only_where
from app.core.types import UtcDateTime, UuidType
from app.kernel.declare import feed
from app.kernel.declare import fields as f
from app.kernel.declare.flow import State
from app.kernel.rows.record import Reviewed
from app.modules.renovation.fields import Applied, Basis


class Application(Reviewed, Applied, Model):
    """One application of a household. It opens from a survey; a household whose house was renovated
    may need a further one later (``number``).
    """

    __tablename__ = "application"
    __table_args__ = (
        Index("ix_application_place", "path", "id"),
        Index("ix_application_state", "state", "path", "id"),
        Index("ix_application_year", "plan_year", "path", "id"),
        Index("ix_application_household", "household_id", "number", unique=True),
        Index("ix_application_waiting", "plan_year", "id", **only_where("basis = 'waiting'")),
        Index("ix_application_doubted", "path", "id", **only_where("basis = 'doubted'")),
        *feed.indexes("application"),
    )

    state = f.variant(Reviewed.state, leaves_out=(), words={State.SUBMITTED: "待审核（县级审核）"})
    basis = f.system(f.choice("来源核实", Basis), default=Basis.HELD)
    checker = f.system(f.person("乡镇复核人"))
    checker_phone = f.system(f.phone("乡镇复核人电话"))
    checked_on = f.system(f.date("乡镇复核日期"))

    number: Mapped[int] = mapped_column(SmallInteger, nullable=False, default=1)
    #: The survey that it opened from, or that confirmed it last, and when that was approved.
    survey_register: Mapped[str] = mapped_column(String(32), nullable=False, default="")
    survey_id: Mapped[uuid.UUID] = mapped_column(UuidType, nullable=False)
    surveyed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, default=now)

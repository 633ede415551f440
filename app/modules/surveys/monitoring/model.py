"""Columns of a monitoring record. Source: 2024 manual 1.2.2; spec 03 "Monitoring record"."""

from __future__ import annotations

from sqlalchemy import Index

from app.core.db import Model, only_where
from app.kernel.declare import feed
from app.kernel.declare import fields as f
from app.kernel.declare.flow import State
from app.kernel.rows.record import Renewed
from app.modules.homes.choices import Living, Origin, OtherHome, groups
from app.modules.surveys.fields import Survey


class Monitoring(Renewed, Survey, Model):
    """One of the records of a low-income household; the ``current`` one counts."""

    __tablename__ = "monitoring"
    __table_args__ = (
        Index("ix_monitoring_place", "path", "id"),
        Index("ix_monitoring_state", "state", "path", "id"),
        Index("ix_monitoring_grade", "grade", "path", "id"),
        Index("ix_monitoring_household", "household_id", "id"),
        Index(
            "ix_monitoring_current",
            "household_id",
            unique=True,
            **only_where('"current"'),
        ),
        Index(
            "ix_monitoring_blank",
            "household_id",
            unique=True,
            **only_where("NOT \"current\" AND state = 'missing'"),
        ),
        *feed.indexes("monitoring"),
        Index("ix_monitoring_parcel", "parcel_number"),
        Index("ix_monitoring_to_resurvey", "path", "id", **only_where("to_resurvey")),
        Index("ix_monitoring_new_place", "new_place", **only_where("new_place IS NOT NULL")),
    )

    state = f.system(
        f.choice(
            "监测状态",
            State,
            words={
                State.MISSING: "未监测",
                State.DRAFT: "已录入未上报",
                State.SUBMITTED: "已上报待审核",
            },
        ),
        default=State.MISSING,
    )
    #: Copies of the household's, see app.kernel.records.copies.
    low_income = f.system(f.yes_no("低收入群体"), default=True)
    origin = f.system(f.choice("对象来源", Origin))
    groups = f.system(groups())

    has_house = f.computed(
        f.yes_no("是否有房", shown=Survey.living.given),
        Survey.living.is_(Living.OWN) | Survey.other_home.is_(OtherHome.TOWN_HOUSE),
    )
